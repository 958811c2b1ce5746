#pragma once
#include <array>
#include <cstdint>
#include <string>

/// What is wrong with a kernel, found while it ran.
namespace burnish::metal {

struct Finding {
  std::string kind;       ///< race, out-of-bounds, misaligned, uninitialised, divergent-barrier, ... (docs/metal.md)
  std::string message;    ///< one sentence
  std::uintptr_t pc = 0;  ///< where, in the object; 0 unknown
  int line = 0;           ///< of the user's source; 0 unknown
  std::array<std::uint32_t, 3> thread{}, group{};  ///< position in the threadgroup, and of the threadgroup
  int buffer = -1;                                 ///< argument index; -1 for threadgroup memory and what has no buffer
  std::int64_t offset = 0;                         ///< in bytes, in the buffer or the threadgroup variable
  std::string variable;                            ///< of threadgroup memory
  std::uintptr_t other_pc = 0;                     ///< of a race: where the other thread was
  int other_line = 0;
  int order = 0;  ///< among several, which came first
};

}  // namespace burnish::metal
