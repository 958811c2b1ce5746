#include "runtime/pool.h"

#include <c10/core/CPUAllocator.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <cstdlib>
#include <mutex>

namespace burnish {
namespace {

constexpr std::size_t alignment = 64, huge_page = std::size_t{2} << 20;
constexpr int runs_an_epoch = 32;

/// Four size classes an octave: at most a quarter of a buffer is waste.
constexpr int classes = 4 * 64;
int class_of(std::size_t bytes) {
  const std::size_t n = std::max<std::size_t>(bytes, 64) - 1;
  const int octave = std::bit_width(n) - 1;
  return 4 * octave + static_cast<int>((n >> (octave - 2)) & 3);
}
std::size_t size_of(int index) {
  const int octave = index / 4;
  return ((std::size_t{4} + index % 4 + 1) << octave) >> 2;
}

class PoolOfClasses;

/// Stands in the 64 bytes before a buffer.
struct alignas(alignment) Header {
  PoolOfClasses* pool;
  Header* next;
  int size_class;
  bool escaped;
};

void* address_of(Header* header) {
  return header + 1;
}
Header* header_of(void* address) {
  return static_cast<Header*>(address) - 1;
}

Header* take_from_system(std::size_t bytes) {
  const std::size_t total = bytes + sizeof(Header);
  const bool large = total >= 2 * huge_page;
  void* memory = nullptr;
  if (posix_memalign(&memory, large ? huge_page : alignment, total) != 0)
    TORCH_CHECK_WITH(OutOfMemoryError, false, "no memory for a buffer of ", bytes, " bytes");
  if (large) madvise(memory, total, MADV_HUGEPAGE);  // a hint: fewer page faults and TLB misses
  return static_cast<Header*>(memory);
}

class PoolOfClasses final : public Pool {
 public:
  void* allocate(std::size_t bytes) override {
    const int index = class_of(bytes);
    const std::size_t size = size_of(index);
    Header* header = nullptr;
    {
      const std::lock_guard hold(lock_);
      ++blocks_;
      live_ += size;
      peak_ = std::max(peak_, live_);
      if (Header*& free = free_[index]) {
        header = free;
        free = header->next;
        cached_ -= size;
      }
    }
    if (!header) {
      try {
        header = take_from_system(size);
      } catch (...) {
        const std::lock_guard hold(lock_);
        --blocks_;
        live_ -= size;
        throw;
      }
    }
    *header = {.pool = this, .next = nullptr, .size_class = index, .escaped = false};
    return address_of(header);
  }

  static void release(void* address) {
    Header* header = header_of(address);
    header->pool->give(header);
  }

  void escaped(const at::Tensor& result) override {
    const auto& data = result.storage().data_ptr();
    if (data.get_deleter() != &release) return;
    Header* header = header_of(data.get_context());
    if (header->pool != this) return;
    const std::lock_guard hold(lock_);
    if (!std::exchange(header->escaped, true)) live_ -= size_of(header->size_class);
  }

  void run_ended() override {
    const std::lock_guard hold(lock_);
    if (++runs_ % runs_an_epoch != 0) return;
    peak_before_ = std::exchange(peak_, live_);
    for (int index = classes; index-- > 0 && live_ + cached_ > limit();)
      while (free_[index] && live_ + cached_ > limit()) {
        Header* header = free_[index];
        free_[index] = header->next;
        cached_ -= size_of(index);
        std::free(header);
      }
  }

  std::size_t cached_bytes() const override {
    const std::lock_guard hold(lock_);
    return cached_;
  }

  /// The owner went: cached buffers go now, others when their tensors die, and the last one takes the pool with it.
  void close() {
    bool last = false;
    {
      const std::lock_guard hold(lock_);
      closed_ = true;
      for (Header*& free : free_)
        while (free) std::free(std::exchange(free, free->next));
      cached_ = 0;
      last = blocks_ == 0;
    }
    if (last) delete this;
  }

 private:
  std::size_t limit() const { return std::max(peak_, peak_before_); }

  void give(Header* header) {
    const int index = header->size_class;
    const std::size_t size = size_of(index);
    bool keep = false, last = false;
    {
      const std::lock_guard hold(lock_);
      --blocks_;
      if (!header->escaped) live_ -= size;
      keep = !closed_ && live_ + cached_ + size <= limit();
      last = closed_ && blocks_ == 0;
      if (keep) {
        header->next = free_[index];
        free_[index] = header;
        cached_ += size;
      }
    }
    if (!keep) std::free(header);
    if (last) delete this;
  }

  mutable std::mutex lock_;
  std::array<Header*, classes> free_{};
  std::size_t live_ = 0, cached_ = 0, peak_ = 0, peak_before_ = 0, blocks_ = 0, runs_ = 0;
  bool closed_ = false;
};

thread_local Pool* current = nullptr;
std::atomic<bool> enabled{true};

}  // namespace

struct PoolAllocator final : c10::Allocator {
  explicit PoolAllocator(c10::Allocator* inner) : inner(inner) {}

  c10::DataPtr allocate(std::size_t bytes) override {
    if (!current || bytes == 0) return inner->allocate(bytes);
    void* address = current->allocate(bytes);
    return {address, address, &PoolOfClasses::release, c10::Device(c10::DeviceType::CPU)};
  }
  /// Null inside a run: the two kinds of memory have two deleters, so raw_allocate must refuse there.
  c10::DeleterFnPtr raw_deleter() const override { return current ? nullptr : inner->raw_deleter(); }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { inner->copy_data(to, from, bytes); }

  c10::Allocator* inner;
};

std::shared_ptr<Pool> Pool::make() {
  install_pool();
  return {new PoolOfClasses, [](PoolOfClasses* pool) { pool->close(); }};
}

PoolScope::PoolScope(Pool& pool) : before_(current) {
  if (enabled.load(std::memory_order_relaxed)) current = &pool;
}
PoolScope::~PoolScope() {
  current = before_;
}

void install_pool() {
  // Never destroyed: storages keep a pointer to their allocator until the process ends.
  static PoolAllocator* const installed = [] {
    auto* allocator = new PoolAllocator(c10::GetCPUAllocator());
    c10::SetCPUAllocator(allocator, /*priority=*/100);
    return allocator;
  }();
  (void)installed;
}

void use_pool(bool on) {
  enabled.store(on, std::memory_order_relaxed);
}

}  // namespace burnish
