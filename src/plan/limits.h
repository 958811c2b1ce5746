#pragma once
#include <cstddef>
#include <cstdint>

/// What a plan may be at most. The limits bound the work that a hostile file can ask for; real plans are far below.
namespace burnish::limits {
inline constexpr std::uint64_t file_bytes = std::uint64_t{64} << 20;
inline constexpr std::size_t steps = 100'000;        ///< over all lists of a plan, and of a plan after inlining
inline constexpr std::size_t keys = 32'768;          ///< of one JSON object: a look-up there is linear
inline constexpr std::size_t values = 4'000'000;     ///< of JSON, lists and objects counted
inline constexpr std::size_t nesting = 64;           ///< of JSON, so also of argument lists and results
inline constexpr std::size_t dimensions = 12;        ///< of a tensor
inline constexpr std::int64_t iterations = 100'000;  ///< of a loop
}  // namespace burnish::limits
