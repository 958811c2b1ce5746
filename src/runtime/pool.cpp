#include "runtime/pool.h"

#include <c10/core/CPUAllocator.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstdint>
#include <mutex>
#include <vector>

#include "runtime/regions.h"

namespace burnish {
namespace {

constexpr std::size_t alignment = 64;
constexpr std::size_t large_bytes = 512 << 10;                   ///< buffers above have regions of their own
constexpr std::size_t most_small_bytes = std::size_t{64} << 20;  ///< of one pool, never given back before it dies
constexpr int runs_an_epoch = 32;
/// Buffers wait by size, so that together they may be more than was in use at any one moment; at most so many times
/// that.
constexpr std::size_t most_over_peak = 3;
// Buffers that all begin at one offset of a page compete for the same sets of the caches: large ones begin at different
// ones.
constexpr std::size_t colours = 16, colour_bytes = 67 * 64;

/// Four size classes an octave: at most a quarter of a buffer is waste.
constexpr int classes = 4 * 64;
int class_of(std::size_t bytes) {
  const std::size_t n = std::max<std::size_t>(bytes, 64) - 1;
  const int octave = std::bit_width(n) - 1;
  return 4 * octave + static_cast<int>((n >> (octave - 2)) & 3);
}
std::size_t size_of(int index) {
  const int octave = index / 4;
  return ((std::size_t{4} + static_cast<std::size_t>(index % 4) + 1) << octave) >> 2;
}

const int first_large = class_of(large_bytes + 1);

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

class PoolOfClasses final : public Pool {
 public:
  void* allocate(std::size_t bytes) override {
    const std::lock_guard hold(lock_);
    Header* header = take(class_of(bytes));
    if (!header) return nullptr;
    header->pool = this;
    header->next = nullptr;
    header->escaped = false;
    ++blocks_;
    if (is_large(header->size_class)) {
      Count& count = counts_[header->size_class];
      count.peak = std::max(count.peak, ++count.live);
      live_ += size_of(header->size_class);
      peak_ = std::max(peak_, live_);
    }
    return address_of(header);
  }

  static void release(void* address) {
    Header* header = header_of(address);
    header->pool->give(header);
  }

  void escaped(const at::Tensor& result) override {
    if (!result.has_storage()) return;
    const auto& data = result.storage().data_ptr();
    if (data.get_deleter() != &release) return;
    Header* header = header_of(data.get_context());
    if (header->pool != this || !is_large(header->size_class)) return;
    const std::lock_guard hold(lock_);
    if (!std::exchange(header->escaped, true)) leave(header->size_class);
  }

  void run_ended() override {
    if (++runs_ % runs_an_epoch != 0) return;
    const std::lock_guard hold(lock_);
    peak_before_ = std::exchange(peak_, live_);
    for (int index = first_large; index < classes; ++index) {
      Count& count = counts_[index];
      count.peak_before = std::exchange(count.peak, count.live);
      while (free_[index] && count.live + count.cached > count.limit()) drop(index);
    }
  }

  std::size_t cached_bytes() const override {
    const std::lock_guard hold(lock_);
    return cached_;
  }

  /// The owner went: what is cached goes now, the rest when its tensors die, and the last one takes the pool with it.
  void close() {
    bool last = false;
    {
      const std::lock_guard hold(lock_);
      closed_ = true;
      for (int index = first_large; index < classes; ++index)
        while (free_[index]) drop(index);
      last = blocks_ == 0;
    }
    if (last) delete this;
  }

 private:
  ~PoolOfClasses() override {
    for (void* slab : slabs_) regions::unmap(slab, regions::size);
  }

  /// Buffers of one large class: in runs, waiting, and the most that runs had at a time, in this epoch and the one
  /// before.
  struct Count {
    std::size_t live = 0, cached = 0, peak = 0, peak_before = 0;
    std::size_t limit() const { return std::max(peak, peak_before); }
  };

  static bool is_large(int index) { return index >= first_large; }

  /// A waiting buffer of the class or, if large, of one at most twice its size; else a new one. Null if there is no
  /// memory.
  Header* take(int index) {
    for (int other = index; other < classes && other <= (is_large(index) ? index + 4 : index); ++other)
      if (Header* header = free_[other]) {
        free_[other] = header->next;
        if (is_large(other)) {
          --counts_[other].cached;
          cached_ -= size_of(other);
        }
        return header;
      }
    Header* header = is_large(index) ? map(size_of(index)) : carve(size_of(index) + sizeof(Header));
    if (header) header->size_class = index;
    return header;
  }

  /// A large buffer of that class is in no run any more.
  void leave(int index) {
    --counts_[index].live;
    live_ -= size_of(index);
  }

  /// Gives a waiting large buffer back to the system.
  void drop(int index) {
    Header* header = free_[index];
    free_[index] = header->next;
    --counts_[index].cached;
    cached_ -= size_of(index);
    unmap(header, size_of(index));
  }

  /// Whether a large buffer of that class may wait: no more of them than runs used, and all together within bounds.
  bool may_wait(int index) const {
    const Count& count = counts_[index];
    return !closed_ && count.live + count.cached < count.limit() &&
           live_ + cached_ + size_of(index) <= most_over_peak * std::max(peak_, peak_before_);
  }

  static std::size_t mapped_bytes(std::size_t size) { return size + sizeof(Header) + colours * colour_bytes; }

  Header* map(std::size_t size) {
    auto* region = static_cast<std::byte*>(regions::map(mapped_bytes(size)));
    return region ? reinterpret_cast<Header*>(region + colour_++ % colours * colour_bytes) : nullptr;
  }

  static void unmap(Header* header, std::size_t size) {
    const auto begin = reinterpret_cast<std::uintptr_t>(header) / regions::size * regions::size;
    regions::unmap(reinterpret_cast<void*>(begin), mapped_bytes(size));
  }

  /// A piece of the current slab. Null once small buffers have all the room that they may have.
  Header* carve(std::size_t bytes) {
    bytes = (bytes + alignment - 1) / alignment * alignment;
    if (slab_left_ < bytes) {
      if ((slabs_.size() + 1) * regions::size > most_small_bytes) return nullptr;
      void* slab = regions::map(regions::size);
      if (!slab) return nullptr;
      slabs_.push_back(slab);
      slab_at_ = static_cast<std::byte*>(slab);
      slab_left_ = regions::size;
    }
    auto* header = reinterpret_cast<Header*>(slab_at_);
    slab_at_ += bytes;
    slab_left_ -= bytes;
    return header;
  }

  void give(Header* header) {
    const int index = header->size_class;
    bool keep = true, last = false;
    {
      const std::lock_guard hold(lock_);
      --blocks_;
      last = closed_ && blocks_ == 0;
      if (is_large(index)) {
        if (!header->escaped) leave(index);
        keep = may_wait(index);
        if (keep) {
          ++counts_[index].cached;
          cached_ += size_of(index);
        }
      }
      if (keep) {
        header->next = free_[index];
        free_[index] = header;
      }
    }
    if (!keep) unmap(header, size_of(index));
    if (last) delete this;
  }

  mutable std::mutex lock_;
  std::array<Header*, classes> free_{};
  std::vector<void*> slabs_;
  std::byte* slab_at_ = nullptr;
  std::size_t slab_left_ = 0, colour_ = 0;
  // Large buffers only, all classes together, in bytes.
  std::array<Count, classes> counts_{};
  std::size_t live_ = 0, cached_ = 0, peak_ = 0, peak_before_ = 0;
  std::size_t blocks_ = 0;  ///< buffers that someone holds, small ones too
  std::atomic<std::size_t> runs_ = 0;
  bool closed_ = false;
};

thread_local Pool* current = nullptr;
std::atomic<bool> enabled{true};
c10::Allocator* inner_allocator = nullptr;

/// Frees what raw_allocate gave, inside or outside a run.
void release_any(void* address) {
  if (regions::owns(address)) return PoolOfClasses::release(address);
  inner_allocator->raw_deleter()(address);
}

}  // namespace

struct PoolAllocator final : c10::Allocator {
  c10::DataPtr allocate(std::size_t bytes) override {
    if (current && bytes > 0)
      if (void* address = current->allocate(bytes))
        return {address, address, &PoolOfClasses::release, c10::Device(c10::DeviceType::CPU)};
    return inner_allocator->allocate(bytes);
  }
  c10::DeleterFnPtr raw_deleter() const override { return inner_allocator->raw_deleter() ? &release_any : nullptr; }
  void copy_data(void* to, const void* from, std::size_t bytes) const override { default_copy_data(to, from, bytes); }
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
    inner_allocator = c10::GetCPUAllocator();
    auto* allocator = new PoolAllocator;
    c10::SetCPUAllocator(allocator, /*priority=*/100);
    return allocator;
  }();
  (void)installed;
}

void use_pool(bool on) {
  enabled.store(on, std::memory_order_relaxed);
}

}  // namespace burnish
