#pragma once
#include <cstdint>
#include <vector>

/// How inputs are varied on a GPU before a timed call: judge and worker derive the same from a seed, so that values
/// need not travel. Each leaf is multiplied by one factor in [0.5, 1], and some of its elements by another one each
/// (scaled inputs of a product have scaled results, which somebody could remember).
namespace burnish {

struct Variation {
  float factor = 1;
  // elements first, first + step, ... of the leaf's memory get factors[0], factors[1], ...
  std::uint64_t first = 0, step = 1;
  std::vector<float> factors;
};

/// For leaf number `leaf` of the slot at `position` of a batch; `elements` that its memory spans; with `poke` some have
/// a factor of their own.
Variation variation_of(std::uint64_t seed, std::uint32_t position, std::uint64_t leaf, std::uint64_t elements,
                       bool poke);

}  // namespace burnish
