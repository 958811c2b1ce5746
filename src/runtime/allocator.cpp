#include "runtime/allocator.h"

#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "runtime/pool.h"

namespace burnish {
namespace {

constexpr std::size_t guard_bytes = 256, alignment = 64;
constexpr unsigned char nan_byte = 0xFF, guard_byte = 0xFD;
// Freed memory that waits for the end of the call; beyond this the oldest goes, so that long calls do not fill memory.
constexpr std::size_t most_waiting_bytes = std::size_t{512} << 20;

std::atomic<bool> watching{false};
std::atomic<std::size_t> alive_blocks{0};

struct Waiting {
  void* base;
  std::size_t bytes;
};

/// All of the watch's state; one lock, since watched calls are not timed.
class Watch {
 public:
  void* allocate(std::size_t bytes) {
    const std::size_t total = (guard_bytes + bytes + guard_bytes + alignment - 1) / alignment * alignment;
    void* base = nullptr;
    if (total < bytes || posix_memalign(&base, alignment, total) != 0) return nullptr;
    auto* data = static_cast<unsigned char*>(base) + guard_bytes;
    std::memset(base, guard_byte, guard_bytes);
    std::memset(data, nan_byte, bytes);
    std::memset(data + bytes, guard_byte, total - guard_bytes - bytes);
    const std::lock_guard hold(lock_);
    blocks_[data] = bytes;
    alive_blocks.store(blocks_.size(), std::memory_order_relaxed);
    alive_ += bytes;
    report_.peak_bytes = std::max<std::uint64_t>(report_.peak_bytes, alive_);
    return data;
  }

  /// False if the memory is not ours.
  bool release(void* data) {
    const std::lock_guard hold(lock_);
    const auto it = blocks_.find(data);
    if (it == blocks_.end()) return false;
    const std::size_t bytes = it->second;
    blocks_.erase(it);
    alive_blocks.store(blocks_.size(), std::memory_order_relaxed);
    alive_ -= bytes;
    report_.guard_broken += !intact(data, bytes);
    std::memset(data, nan_byte, bytes);
    void* base = static_cast<unsigned char*>(data) - guard_bytes;
    if (!watching.load(std::memory_order_relaxed)) {
      std::free(base);
      return true;
    }
    waiting_.push_back({base, bytes});
    waiting_bytes_ += bytes;
    while (waiting_bytes_ > most_waiting_bytes) drop(waiting_.front());
    return true;
  }

  void begin() {
    const std::lock_guard hold(lock_);
    report_ = {};
    report_.peak_bytes = alive_ = 0;  // what outlived earlier calls is the judge's doing (`keep`)
    for (const auto& [data, bytes] : blocks_) alive_ += bytes;
    before_ = alive_;
    watching.store(true);
  }

  MemoryReport end() {
    const std::lock_guard hold(lock_);
    watching.store(false);
    for (const auto& [data, bytes] : blocks_) report_.guard_broken += !intact(data, bytes);
    while (!waiting_.empty()) drop(waiting_.front());
    report_.peak_bytes -= std::min<std::uint64_t>(report_.peak_bytes, before_);
    return report_;
  }

 private:
  static bool all(const unsigned char* p, std::size_t n, unsigned char value) {
    return std::all_of(p, p + n, [value](unsigned char c) { return c == value; });
  }
  static bool intact(const void* data, std::size_t bytes) {
    const auto* p = static_cast<const unsigned char*>(data);
    const std::size_t total = (guard_bytes + bytes + guard_bytes + alignment - 1) / alignment * alignment;
    return all(p - guard_bytes, guard_bytes, guard_byte) && all(p + bytes, total - guard_bytes - bytes, guard_byte);
  }
  /// Writes after free count as broken guards too.
  void drop(const Waiting& w) {
    report_.guard_broken += !all(static_cast<unsigned char*>(w.base) + guard_bytes, w.bytes, nan_byte);
    waiting_bytes_ -= w.bytes;
    std::free(w.base);
    waiting_.erase(waiting_.begin());
  }

  std::mutex lock_;
  std::unordered_map<void*, std::size_t> blocks_;
  std::vector<Waiting> waiting_;
  std::size_t waiting_bytes_ = 0, alive_ = 0, before_ = 0;
  MemoryReport report_;
};

/// Never destroyed: storages may be freed while the process ends.
Watch& watch() {
  static Watch* const the_watch = new Watch;
  return *the_watch;
}

c10::Allocator* inner_allocator = nullptr;

void release_watched(void* data) {
  watch().release(data);
}

void release_either(void* data) {
  if (!watch().release(data)) inner_allocator->raw_deleter()(data);
}

struct WatchedAllocator final : c10::Allocator {
  c10::DataPtr allocate(std::size_t bytes) override {
    if (!watching.load(std::memory_order_relaxed) || bytes == 0) return inner_allocator->allocate(bytes);
    void* data = watch().allocate(bytes);
    TORCH_CHECK_WITH(OutOfMemoryError, data, "can't allocate memory: you tried to allocate ", bytes, " bytes");
    return {data, data, &release_watched, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override {
    if (watching.load(std::memory_order_relaxed) || alive_blocks.load(std::memory_order_relaxed) > 0)
      return &release_either;
    return inner_allocator->raw_deleter();
  }
  void copy_data(void* to, const void* from, std::size_t bytes) const override {
    inner_allocator->copy_data(to, from, bytes);
  }
};

}  // namespace

void install_watched_allocator() {
  static const bool installed = [] {
    install_pool();  // first: it only takes a place behind us
    inner_allocator = c10::GetCPUAllocator();
    c10::SetCPUAllocator(new WatchedAllocator, /*priority=*/200);
    return true;
  }();
  (void)installed;
}

void watch_memory() {
  use_pool(false);
  watch().begin();
}

MemoryReport memory_watched() {
  auto report = watch().end();
  use_pool(true);
  return report;
}

}  // namespace burnish
