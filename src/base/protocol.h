#pragma once
#include <cstdint>

/// Wire structs that the judge and its workers share (docs/architecture.md, "Worker protocol"). Plain old data in a
/// memfd; the judge trusts none of it. Little-endian hosts of one machine only.
namespace burnish::protocol {

inline constexpr int control_fd = 3, call_fd = 4, block_fd = 5, arena_fd = 6;
inline constexpr std::uint32_t magic = 0x42524E32;  // "BRN2"
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
  hoard = 4    ///< the outputs of all calls stay alive, until one comes without this flag
};
enum class State : std::uint32_t { idle = 0, ok = 1, failed = 2 };

/// One output tensor: an address in the worker, element sizes and strides, the number of c10::ScalarType.
struct Tensor {
  std::uint64_t address;
  std::int32_t dtype, dims;
  std::int64_t sizes[max_dims], strides[max_dims];
};

struct Block {
  std::uint32_t magic;
  // judge -> worker
  std::uint32_t flags, batch;  ///< batch: calls of this wake-up
  std::uint32_t first, slots;  ///< they take order[first], order[first + 1], ..., round the first `slots` entries
  std::uint32_t order[max_slots];
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
