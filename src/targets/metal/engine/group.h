#pragma once
#include <csetjmp>
#include <cstdint>
#include <memory>
#include <unordered_set>
#include <vector>

#include "targets/metal/engine/fiber.h"
#include "targets/metal/engine/finding.h"

/// One threadgroup at a time, on one thread of the system.
namespace burnish::metal {

struct Launch;
class Shadow;

/// Mirrors of library/threads.metal.
struct Lanes {
  std::uint32_t active = 0, computed = 0, lane = 0, unused = 0;
  alignas(16) char result[64];
  alignas(16) char slots[32][64];
};
struct ThreadPositions {
  std::uint32_t in_grid[3], in_group[3], group[3], threads_per_grid[3], threads_per_group[3], groups_per_grid[3],
      dispatch_threads[3];
  std::uint32_t index, lane, simdgroup, simdgroups, width, dispatch_simdgroups, quad_lane, quad, quads, dispatch_quads,
      execution_width;
  const std::uint64_t* buffers;
  const std::uint64_t* dynamic;
};
using Entry = void (*)(const ThreadPositions*);

/// Where a thread waits: return addresses up to the kernel, and the rounds of the loops that it is in. Each thread is
/// at such an instance at most once, so threads that wait at equal ones wait for each other.
struct Instance {
  static constexpr int most_frames = 12, most_loops = 12;
  std::uintptr_t frames[most_frames];
  struct Round {
    std::uint32_t loop, count;
    bool operator==(const Round&) const = default;
  } rounds[most_loops];
  int frame_count = 0, loop_count = 0;

  bool operator==(const Instance& o) const;
  /// Whether it comes first: the earlier round of a loop, then the lower address.
  bool operator<(const Instance& o) const;
  std::uint64_t hash() const;
};

/// Which threads of a simdgroup an operation needs.
enum class MustCome : std::uint8_t { any, all, full };

struct Fiber {
  enum class State : std::uint8_t { fresh, ready, at_simd, at_barrier, done };
  void* context = nullptr;
  char* stack = nullptr;
  State state = State::fresh;
  MustCome must_come = MustCome::any;
  std::uint32_t memory = 0;  ///< flags of the barrier that it waits at
  ThreadPositions positions;
  Instance where;
  bool in_stack(std::uintptr_t address, std::size_t bytes) const {
    const auto low = reinterpret_cast<std::uintptr_t>(stack);
    return address >= low && address < low + bytes;
  }
};

/// Memory of a threadgroup variable.
struct SharedBlock {
  std::uint32_t offset = 0, bytes = 0;
  int id = -1;  ///< of a variable; -1 - n for [[threadgroup(n)]]
};

class Group {
 public:
  static constexpr std::size_t stack_bytes = 64 << 10;
  static constexpr std::uint32_t most_shared_bytes = 32 << 10, most_threads = 1024;
  static constexpr std::size_t shared_bytes =
      most_shared_bytes + 2 * 4096;  ///< with room for what is found to be too much

  explicit Group(Launch& launch);
  ~Group();

  /// Runs threadgroup `number` (x fastest). False where the launch is over because something is wrong.
  bool run(std::uint64_t number);

  // For the hooks, in a running thread:
  static Group* current();
  Fiber& running() { return fibers_[running_]; }
  Lanes* exchange(const void* value, std::uint32_t bytes, MustCome who, void* frame);
  void barrier(std::uint32_t memory, void* frame);
  void* shared_memory(std::uint32_t id, std::uint32_t bytes, std::uintptr_t pc);
  [[noreturn]] void abort(Finding finding);
  void report_fault(std::uintptr_t address, std::uintptr_t pc);

  Launch& launch() { return launch_; }
  std::uint32_t running_index() const { return running_; }
  std::uint32_t group_epoch(bool device) const { return epochs_[device]; }
  std::uint32_t simd_epoch(bool device) const { return simd_epochs_[running_ / 32][device]; }
  std::uint64_t number() const { return number_; }
  const std::vector<SharedBlock>& blocks() const { return blocks_; }
  char* shared_base() const { return shared_; }
  bool is_engine_memory(std::uintptr_t address) const;
  Finding finding(std::string kind, std::string message, std::uintptr_t pc = 0) const;

 private:
  static void start(void* group);
  void place(const std::uint32_t (&group)[3], const std::uint32_t (&size)[3]);
  void place_first(std::uint32_t index, const std::uint32_t (&size)[3]);
  void resume(std::uint32_t index);
  bool run_simdgroup(std::uint32_t first, std::uint32_t end);
  bool meet(std::uint32_t first, std::uint32_t end);
  bool open_barrier();
  void wait(Fiber::State state, void* frame);
  void lay_out_dynamic();

  Launch& launch_;
  Stacks stacks_;
  std::unique_ptr<Fiber[]> fibers_;
  std::unique_ptr<Lanes[]> lanes_;  ///< two a simdgroup, used in turn
  std::uint32_t turns_[32] = {};
  std::uint32_t count_ = 0, running_ = 0;
  std::uint32_t placed_[3] = {};  ///< the size that positions in the threadgroup were last filled in for
  std::uint64_t number_ = 0;
  void* scheduler_ = nullptr;
  char* shared_ = nullptr;
  std::uint32_t shared_used_ = 0, dynamic_used_ = 0;
  std::vector<SharedBlock> blocks_;
  std::uint64_t dynamic_[31] = {};
  std::uint32_t epochs_[2] = {}, simd_epochs_[32][2] = {};
  std::unordered_set<std::uint64_t>
      partial_[32];  ///< instances that some threads of a simdgroup have passed without others
  bool aborted_ = false;

 public:
  sigjmp_buf fault;  ///< where a memory fault in a thread returns to
  bool in_thread = false;
};

}  // namespace burnish::metal
