#pragma once
#include <ATen/core/Tensor.h>
#include <ATen/core/ivalue.h>

#include <memory>

#include "base/error.h"
#include "base/json.h"
#include "base/protocol.h"
#include "runtime/worker_mirror.h"

namespace burnish {

/// A worker's view of the block and the arena that it shares with the judge. On a GPU the arena's parts have copies in
/// its memory (worker_mirror.h), and tensors lie in those.
class SharedMemory {
 public:
  /// Maps the descriptors of base/protocol.h. The arena is mapped at its full size; the judge lets the file grow.
  static Result<std::unique_ptr<SharedMemory>> map(int block_fd, int arena_fd);

  protocol::Block& block() { return *block_; }
  bool on_gpu() const { return block_->device == protocol::Device::cuda; }
  /// Tensors lie in copies of the arena's parts.
  bool copies() const { return block_->device != protocol::Device::cpu; }
  Mirror& mirror() { return mirror_; }
  /// {"dtype": 6, "sizes": [..], "strides": [..], "offset": bytes} as a tensor that lies in the arena or its copy.
  Result<at::Tensor> tensor(const json& description) const;
  /// A tensor, or {"value": ...}: null, boolean, number, string or none.
  Result<c10::IValue> leaf(const json& description) const;

 private:
  SharedMemory(protocol::Block* block, char* arena)
      : block_(block), arena_(arena), mirror_(arena, on_gpu() ? at::kCUDA : at::kCPU) {}
  protocol::Block* block_;
  char* arena_;
  Mirror mirror_;
};

}  // namespace burnish
