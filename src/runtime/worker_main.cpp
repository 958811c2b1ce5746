#include <ATen/Parallel.h>
#include <c10/core/GradMode.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cstdlib>
#include <string_view>

#include "runtime/allocator.h"
#include "runtime/cuda.h"
#include "runtime/worker_plan.h"

/// burnish-worker [--confined] --threads N: runs plans for the judge that started it, over the descriptors of
/// base/protocol.h.
int main(int argc, char** argv) {
  using namespace burnish;
  bool confined = false;
  int threads = 1;
  for (int i = 1; i < argc; ++i) {
    if (std::string_view(argv[i]) == "--confined") confined = true;
    if (std::string_view(argv[i]) == "--threads" && i + 1 < argc) threads = std::max(1, std::atoi(argv[++i]));
  }
  auto memory = SharedMemory::map(protocol::block_fd, protocol::arena_fd);
  if (!memory) {
    fmt::print(stderr, "burnish-worker: {}\nIt is started by Burnish's judge, not by hand.\n", to_text(memory.error()));
    return 2;
  }
  if ((*memory)->on_gpu())
    if (auto ok = ensure_cuda(); !ok) {
      fmt::print(stderr, "burnish-worker: {}\n", to_text(ok.error()));
      return 2;
    }
  const c10::AutoGradMode no_grad(false);
  install_watched_allocator();
  warm_up_torch(threads);
  PlanCallee callee(confined);
  return serve(callee, **memory, {{"form", "plan"}, {"threads", at::get_num_threads()}, {"pid", getpid()}});
}
