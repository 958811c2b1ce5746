#pragma once
#include <ATen/core/ivalue.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "plan/guards.h"
#include "plan/plan.h"
#include "runtime/frame.h"

namespace burnish {

/// The guards of a plan's inputs at a call: plan/guards.h for dtypes, sizes, strides and `where`; here devices, kinds
/// of tensors that plans do not take, and values that are no tensors. Allocates nothing for up to 16 tensors.
class InputGuards {
 public:
  static Result<InputGuards> compile(const Plan& plan);

  /// The symbols that a call binds, in the order of a frame's first symbols.
  const std::vector<std::string>& symbols() const { return guards_.symbols(); }

  /// Binds the symbols of a call in `frame`. `leaves` are the inputs in the plan's order. Nothing, or which guard was
  /// missed.
  std::optional<std::string> bind(std::span<const c10::IValue> leaves, Frame& frame) const;

 private:
  struct Value {
    std::size_t leaf;
    json value;
  };

  std::optional<std::string> check_kinds(std::span<const c10::IValue> leaves) const;

  Guards guards_;
  std::vector<std::string> names_;
  std::vector<std::size_t> tensors_;  ///< the leaves that are tensors
  std::vector<Value> values_;
  at::DeviceType device_ = at::kCPU;
};

/// Why a tensor cannot be handed to a plan whatever its guards say (a subclass's key, a pending conjugation, ...), or
/// null.
const char* foreign_tensor(const at::Tensor& tensor, at::DeviceType device);

/// Why plans do not apply in this thread now (autocast, a dispatch mode, functorch), or null.
const char* foreign_mode();

}  // namespace burnish
