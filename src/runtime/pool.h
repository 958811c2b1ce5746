#pragma once
#include <ATen/core/Tensor.h>

#include <atomic>
#include <cstddef>
#include <memory>

/// Memory of plans' runs on a CPU. PyTorch's CPU allocator gives large buffers back to the system, so that every call
/// of a module faults its pages in again: a large part of eager's time. Here freed buffers wait for the next call.
///
/// A Pool belongs to one bound plan. While a PoolScope is alive, everything that its thread allocates through PyTorch's
/// CPU allocator comes from the pool, ATen's own outputs too; other threads and other times see the ordinary allocator.
/// A buffer returns when the last tensor that uses it dies, wherever that is, so a result is never reused while someone
/// holds it. All functions may be called from any thread.
namespace burnish {

class Pool {
 public:
  static std::shared_ptr<Pool> make();
  virtual ~Pool() = default;
  /// Tells that a result left the run: it no longer counts as memory that runs need, so results that a user collects
  /// and then drops go back to the system, not into the pool.
  virtual void escaped(const at::Tensor& result) = 0;
  /// Bytes that wait for reuse.
  virtual std::size_t cached_bytes() const = 0;
  /// Called at the end of a run: now and then forgets old peaks and gives back what no recent run needed.
  virtual void run_ended() = 0;

 protected:
  friend class PoolScope;
  virtual void* allocate(std::size_t bytes) = 0;
  friend struct PoolAllocator;
};

/// The current thread allocates from `pool` until this object dies. Scopes nest.
class PoolScope {
 public:
  explicit PoolScope(Pool& pool);
  ~PoolScope();
  PoolScope(const PoolScope&) = delete;
  PoolScope& operator=(const PoolScope&) = delete;

 private:
  Pool* before_;
};

/// Puts the pool's allocator in front of PyTorch's CPU allocator, once; later calls do nothing. An allocator that a
/// worker sets for poisoned memory must be set after this, so that it stands in front.
void install_pool();

/// While off, scopes have no effect: every allocation takes the ordinary path. On by default.
void use_pool(bool on);

}  // namespace burnish
