#pragma once
#include <ATen/core/ivalue.h>

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "plan/plan.h"
#include "runtime/frame.h"

namespace burnish {

/// The guards of a plan's inputs, compiled once: dtype, device, rank, sizes, strides, `where`, and values of inputs
/// that are no tensors. Binding the symbols of a call takes some ten nanoseconds an input and allocates nothing.
class InputGuards {
 public:
  /// `symbols`: all symbols of the plan, numbered as the frame numbers them.
  static Result<InputGuards> compile(const Plan& plan, const std::vector<std::string>& symbols);

  /// Binds the symbols of a call in `frame`. `leaves` are the inputs in the plan's order. Nothing, or which guard was
  /// missed.
  std::optional<std::string> bind(std::span<const c10::IValue> leaves, Frame& frame) const;

 private:
  struct Dim {
    enum class Kind { constant, bind, check } kind;
    std::int64_t value = 0;  ///< the size, or the symbol's number
    FlatExpr expr;
  };
  struct Tensor {
    std::size_t leaf;
    at::ScalarType dtype;
    std::vector<Dim> dims;
    Strides::Kind strides;
    std::vector<FlatExpr> values;
  };
  struct Value {
    std::size_t leaf;
    json value;
  };

  std::optional<std::string> bind(const Tensor& guard, const at::Tensor& tensor, Frame& frame) const;
  bool strides_fit(const Tensor& guard, const at::Tensor& tensor, const Frame& frame) const;

  std::vector<std::string> names_;
  std::vector<Tensor> tensors_;
  std::vector<Value> values_;
  std::vector<std::pair<FlatExpr, std::string>> where_;
  at::DeviceType device_ = at::kCPU;
};

/// Why a tensor cannot be handed to a plan whatever its guards say (a subclass's key, a pending conjugation, ...), or
/// null.
const char* foreign_tensor(const at::Tensor& tensor, at::DeviceType device);

/// Why plans do not apply in this thread now (autocast, a dispatch mode, functorch), or null.
const char* foreign_mode();

}  // namespace burnish
