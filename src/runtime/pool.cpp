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
    const int index = class_of(bytes);
    const std::size_t size = size_of(index);
    const std::lock_guard hold(lock_);
    Header* header = free_[index];
    if (header) {
      free_[index] = header->next;
      if (size > large_bytes) cached_ -= size;
    } else {
      header = size > large_bytes ? map(size) : carve(size + sizeof(Header));
      if (!header) return nullptr;
    }
    *header = {.pool = this, .next = nullptr, .size_class = index, .escaped = false};
    ++blocks_;
    if (size > large_bytes) {
      live_ += size;
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
    const std::size_t size = size_of(header->size_class);
    if (header->pool != this || size <= large_bytes) return;
    const std::lock_guard hold(lock_);
    if (!std::exchange(header->escaped, true)) live_ -= size;
  }

  void run_ended() override {
    if (++runs_ % runs_an_epoch != 0) return;
    const std::lock_guard hold(lock_);
    peak_before_ = std::exchange(peak_, live_);
    trim(limit());
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
      trim(0);
      last = blocks_ == 0;
    }
    if (last) delete this;
  }

 private:
  ~PoolOfClasses() override {
    for (void* slab : slabs_) regions::unmap(slab, regions::size);
  }

  std::size_t limit() const { return std::max(peak_, peak_before_); }

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

  void trim(std::size_t most) {
    for (int index = classes; index-- > class_of(large_bytes + 1) && live_ + cached_ > most;)
      while (free_[index] && live_ + cached_ > most) {
        Header* header = free_[index];
        free_[index] = header->next;
        cached_ -= size_of(index);
        unmap(header, size_of(index));
      }
  }

  void give(Header* header) {
    const int index = header->size_class;
    const std::size_t size = size_of(index);
    bool keep = true, last = false;
    {
      const std::lock_guard hold(lock_);
      --blocks_;
      last = closed_ && blocks_ == 0;
      if (size > large_bytes) {
        if (!header->escaped) live_ -= size;
        keep = !closed_ && live_ + cached_ + size <= limit();
        if (keep) cached_ += size;
      }
      if (keep) {
        header->next = free_[index];
        free_[index] = header;
      }
    }
    if (!keep) unmap(header, size);
    if (last) delete this;
  }

  mutable std::mutex lock_;
  std::array<Header*, classes> free_{};
  std::vector<void*> slabs_;
  std::byte* slab_at_ = nullptr;
  std::size_t slab_left_ = 0, colour_ = 0;
  // Large buffers only: in runs, waiting, and the most that runs had of late.
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
