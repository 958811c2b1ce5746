#pragma once
#include <cstdint>

/// Wire structs that the judge and its workers share (docs/architecture.md, "Worker protocol"). Plain old data in a
/// memfd; the judge trusts none of it. Little-endian hosts of one machine only.
namespace burnish::protocol {

inline constexpr int control_fd = 3, call_fd = 4, block_fd = 5, arena_fd = 6;
inline constexpr std::uint32_t magic = 0x42524E31;  // "BRN1"
inline constexpr int max_tensors = 256, max_dims = 12;

enum Flags : std::uint32_t {
  poison = 1,
  keep = 2
};  ///< NaN-filled guarded memory; keep outputs of the call before alive
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
  std::uint32_t slot, flags, batch;  ///< batch: calls of this wake-up; slots go round from `slot` in a batch
  // worker -> judge
  State state;
  std::uint32_t tensors;
  std::uint64_t peak_bytes, device_ns;
  std::uint32_t refreshed;     ///< how often prepare ran
  std::uint32_t guard_broken;  ///< allocations whose guard zone was written
  char reason[32];             ///< one word of docs/reasons.md where state is failed
  char message[4096];
  char structure[16384];  ///< JSON: the result tree with tensors replaced by their index
  Tensor tensor[max_tensors];
};

}  // namespace burnish::protocol
