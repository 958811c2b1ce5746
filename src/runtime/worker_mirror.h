#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/protocol.h"

namespace burnish {

/// Copies of the arena's parts in a GPU's memory: the parameters, and each slot with the guard zones around its
/// tensors, so that what a kernel writes beside an input is seen once the part is copied back.
class Mirror {
 public:
  Mirror(char* arena, at::DeviceType device) : arena_(arena), device_(device) {}

  /// Takes in the parts that a set-up message describes: "regions" of `params` (one) or `slots` (one a slot, whose
  /// leaves tell where tensors lie), and fills them. `refresh` fills the parameters' again.
  Status place(const json& message);
  /// Address of what lies at that offset of the arena; null where no part has it.
  char* address(std::uint64_t offset) const;
  /// Before calls of the slots that the block names: values as the block says (protocol::stage), then another filling
  /// of the GPU's cache (protocol::flush).
  Status stage(const protocol::Block& block);
  /// Back into the arena, for the judge to compare.
  Status fetch_slot(std::uint32_t slot);
  Status fetch_params();

 private:
  struct Leaf {
    std::uint64_t number, offset, elements;  ///< offset in the part, in bytes
    at::ScalarType type;
  };
  struct Part {
    std::uint64_t start = 0, bytes = 0;
    at::Tensor copy;      ///< bytes on the GPU
    at::Tensor pristine;  ///< the same before any variation, once there was one
    std::vector<Leaf> leaves;
  };
  Part part_of(const json& region) const;
  at::Tensor host(const Part& part) const;
  void vary(Part& part, const protocol::Block& block, std::uint32_t position);
  void flush();

  char* arena_;
  at::DeviceType device_;
  Part params_;
  std::vector<Part> slots_;
  at::Tensor filler_;
};

}  // namespace burnish
