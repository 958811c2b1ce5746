#pragma once
#include <cstdint>

/// Wire structs that the judge and its workers share (docs/architecture.md, "Worker protocol"). Plain old data in a
/// memfd; the judge trusts none of it. Little-endian hosts of one machine only.
namespace burnish::protocol {

inline constexpr int control_fd = 3, call_fd = 4, block_fd = 5, arena_fd = 6;
inline constexpr std::uint32_t magic = 0x42524E33;  // "BRN3"
inline constexpr int max_tensors = 256, max_dims = 12, max_slots = 256;

/// Bytes on the call socket: this one says that a line waits on the control socket; every other value is a call, which
/// the worker answers with the same value.
inline constexpr unsigned char control_byte = 0;

/// The worker maps this much of the arena at once; the judge lets the file grow under the mapping.
inline constexpr std::uint64_t arena_bytes = std::uint64_t{1} << 38;

/// No control line is longer, in either direction (constructor arguments of a module travel in one).
inline constexpr std::uint64_t most_line_bytes = std::uint64_t{256} << 20;

enum Flags : std::uint32_t {
  poison = 1,  ///< NaN-filled guarded memory
  keep = 2,    ///< the outputs of the call before stay alive
  hoard = 4,   ///< the outputs of all calls stay alive, until one comes without this flag
  // On a GPU, where slots have copies in its memory and outputs lie there:
  stage = 8,   ///< before the calls, the slots' copies get the arena's values, or, with `vary_seed`, those scaled
  flush = 16,  ///< before the calls, the GPU's cache is filled with other data
  fetch = 32,  ///< after the calls, the outputs of call `fetched` come to host memory, its slot back into the arena
  only = 64    ///< no calls: stage, flush and fetch alone, which are not timed
};
/// Where a worker computes. `copied`: all as on a GPU, but in host memory, which tests need no GPU for.
enum class Device : std::uint32_t { cpu = 0, cuda = 1, copied = 2 };
enum class State : std::uint32_t { idle = 0, ok = 1, failed = 2 };

/// One output tensor: an address in the worker, element sizes and strides, the number of c10::ScalarType. On a GPU
/// `address` is that of a copy in host memory, 0 where it was not fetched, and `place` where the tensor itself lies.
struct Tensor {
  std::uint64_t address, place;
  std::int32_t dtype, dims;
  std::int64_t sizes[max_dims], strides[max_dims];
};

struct Block {
  std::uint32_t magic;
  // judge -> worker
  std::uint32_t flags, batch;  ///< batch: calls of this wake-up
  std::uint32_t first, slots;  ///< they take order[first], order[first + 1], ..., round the first `slots` entries
  std::uint32_t order[max_slots];
  Device device;            ///< fixed before the worker starts
  std::uint32_t fetched;    ///< number in the batch of the call whose outputs are fetched
  std::uint64_t vary_seed;  ///< 0: as the arena has it; else runtime/variation.h says what becomes of the named leaves
  std::uint32_t varied, poked;  ///< how many leaves are named
  std::uint32_t vary[max_slots], poke[max_slots];
  // worker -> judge
  State state;
  std::uint32_t tensors;
  std::uint32_t guard_broken;  ///< allocations whose guard zone was written, of calls in poisoned memory
  std::uint64_t peak_bytes;    ///< most memory that was alive at once, of calls in poisoned memory
  char reason[32];             ///< one word of docs/reasons.md where state is failed
  char message[4096];
  char structure[16384];  ///< JSON: the result tree with {"tensor": i} in the tensors' places
  Tensor tensor[max_tensors];
};

}  // namespace burnish::protocol
