#pragma once
#include <atomic>
#include <functional>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "targets/metal/engine/group.h"
#include "targets/metal/translate.h"

namespace burnish::metal {

class Shadow;

/// A buffer argument: memory of the caller's for the time of the launch.
struct Buffer {
  int index = 0;
  void* data = nullptr;
  std::uint64_t bytes = 0;
  bool addresses = false;  ///< holds addresses of `tensors`, as a list of tensors does
  std::vector<std::pair<void*, std::uint64_t>> tensors;
};

struct LaunchRequest {
  std::uint32_t threads[3] = {1, 1, 1}, group[3] = {1, 1, 1};
  std::vector<Buffer> buffers;
  std::vector<std::uint32_t> dynamic_bytes;             ///< of [[threadgroup(n)]]
  std::vector<std::optional<std::uint64_t>> constants;  ///< bits of function constants
  double timeout_s = 10;
  int threads_of_system = 0;          ///< 0: as many as there are processors
  std::uint64_t* barriers = nullptr;  ///< grows by one for each barrier of each threadgroup
  std::uint64_t* products = nullptr;  ///< grows by one for each product of two matrices of a simdgroup
  bool catch_faults = true;           ///< turn a segmentation fault of the kernel into an error (installs a handler)
  /// Runs f(i) for i in [0, n) on several threads; empty: threads of our own, which also watch the time.
  std::function<void(int n, const std::function<void(int)>& f)> parallel;
};

/// A loaded object's kernel.
struct Loaded {
  Kernel kernel;
  Entry entry = nullptr;
  const std::uint32_t* sizes = nullptr;  ///< {bytes at least, alignment, letter (p, i, f, ?)}, one a parameter
  std::vector<std::string> shared_names;
  std::uintptr_t low = 0, high = 0;  ///< of the object in memory
  bool checked = false;
};

/// A launch as its groups see it.
struct Launch {
  const Loaded& kernel;
  const LaunchRequest& request;
  std::uint32_t groups[3] = {1, 1, 1};
  std::uint64_t addresses[31] = {};
  Shadow* shadow = nullptr;
  std::atomic<std::uint64_t> next{0};
  std::atomic<bool> over{false};
  std::mutex mutex;
  std::optional<Finding> found;

  void report(Finding finding);
};

/// Runs a kernel to its end. A finding (checked objects, and in fast mode what cannot go on: a fault, a divergent
/// barrier, too much memory, no end) is a value; misuse by the caller (sizes, missing buffers) an Error.
Result<std::optional<Finding>> launch(const Loaded& kernel, const LaunchRequest& request);

}  // namespace burnish::metal
