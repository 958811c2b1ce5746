#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <memory>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/protocol.h"

/// The worker's view of the memory that it shares with the judge.
namespace burnish {

/// Maps the block and the arena. Tensors made from the arena lie in it: the judge sees writes to them.
class SharedMemory {
 public:
  static Result<std::unique_ptr<SharedMemory>> map(int block_fd, int arena_fd);

  protocol::Block& block() { return *block_; }
  /// {"dtype": number of c10::ScalarType, "sizes", "strides", "offset": bytes} as a tensor in the arena.
  Result<at::Tensor> tensor(const json& description) const;
  /// A tensor, or {"value": a JSON value} as a number, boolean, string or none.
  Result<c10::IValue> leaf(const json& description) const;

 private:
  SharedMemory(protocol::Block* block, char* arena) : block_(block), arena_(arena) {}
  protocol::Block* block_;
  char* arena_;
};

}  // namespace burnish
