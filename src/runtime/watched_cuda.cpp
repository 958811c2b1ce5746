#include "runtime/watched_cuda.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/ne.h>

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

namespace burnish {
namespace {

constexpr std::int64_t guard_bytes = 512;  // also what PyTorch aligns to
constexpr int poison = 0xFF;               // NaN in every floating type

struct Watched {
  at::Tensor bytes;  ///< kept until the watch ends, so that its guards can be looked at
  std::int64_t begin, end;
};

std::atomic<bool> watching{false};
std::mutex lock;
std::vector<Watched> all;

bool is_broken(const Watched& w) {
  const auto changed = [&](std::int64_t from, std::int64_t to) {
    return to > from && w.bytes.narrow(0, from, to - from).ne(poison).any().item<bool>();
  };
  return changed(0, w.begin) || changed(w.end, w.bytes.numel());
}

}  // namespace

void watch_gpu_memory() {
  const std::lock_guard hold(lock);
  all.clear();
  watching = true;
}

bool is_gpu_memory_watched() {
  return watching.load(std::memory_order_relaxed);
}

std::uint32_t gpu_memory_watched() {
  watching = false;
  std::vector<Watched> seen;
  {
    const std::lock_guard hold(lock);
    seen.swap(all);
  }
  return static_cast<std::uint32_t>(std::ranges::count_if(seen, is_broken));
}

at::Tensor watched_gpu_empty(at::IntArrayRef sizes, at::IntArrayRef strides, const at::TensorOptions& options) {
  std::int64_t last = 0, elements = 1;
  for (std::size_t d = 0; d < sizes.size(); ++d) {
    elements *= sizes[d];
    last += std::max<std::int64_t>(sizes[d] - 1, 0) * strides[d];
  }
  const std::int64_t span = elements ? (last + 1) * static_cast<std::int64_t>(options.dtype().itemsize()) : 0;
  const std::int64_t end = guard_bytes + span;
  auto bytes = at::empty({end + guard_bytes}, options.dtype(at::kByte)).fill_(poison);
  {
    const std::lock_guard hold(lock);
    all.push_back({bytes, guard_bytes, end});
  }
  auto* address = static_cast<char*>(bytes.mutable_data_ptr()) + guard_bytes;
  return at::from_blob(address, sizes, strides, [bytes](void*) mutable { bytes.reset(); }, options);
}

}  // namespace burnish
