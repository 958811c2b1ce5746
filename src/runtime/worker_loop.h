#pragma once
#include <ATen/core/Tensor.h>

#include <string>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "runtime/worker_arena.h"

/// The call loop that all workers share, so that a wake-up costs the same in both forms.
namespace burnish {

/// What a worker hosts: a plan, or a Python callable.
class Callee {
 public:
  virtual ~Callee() = default;
  /// A set-up message; what it returns goes back under "ok".
  virtual Result<json> control(const json& request, SharedMemory& memory) = 0;
  /// Runs the slot's inputs. `outputs` are the tensors of the result in order; `structure` is set to the JSON of the
  /// result tree, which stays valid until the next call.
  virtual Status call(std::uint32_t slot, std::vector<at::Tensor>& outputs, const std::string*& structure) = 0;
};

/// Serves the judge until it closes the sockets or asks to end. Returns the process's exit status.
int serve(Callee& callee, SharedMemory& memory, const json& hello);

/// Makes cuBLAS and the like ready.
void warm_up_cuda();

/// Makes PyTorch's thread pools and lazily initialised libraries ready, so that nothing has to be started later.
void warm_up_torch(int threads);

}  // namespace burnish
