#include "runtime/variation.h"

#include <algorithm>
#include <random>

namespace burnish {
namespace {

constexpr std::uint64_t poked_share = 1024;  // one element of so many
constexpr std::uint64_t at_least = 16;

float factor(std::mt19937_64& random) {
  return 0.5f + static_cast<float>(random() >> 40) / static_cast<float>(1ULL << 25);
}

}  // namespace

Variation variation_of(std::uint64_t seed, std::uint32_t position, std::uint64_t leaf, std::uint64_t elements,
                       bool poke) {
  std::mt19937_64 of_slot(seed + position);
  Variation v{.factor = factor(of_slot)};  // one factor a slot: leaves that belong together stay so
  if (!poke || elements == 0) return v;
  std::mt19937_64 random(of_slot() ^ (leaf * 0x9E3779B97F4A7C15ULL));
  const std::uint64_t count = std::min(elements, elements / poked_share + at_least);
  v.step = elements / count;
  v.first = random() % v.step;
  for (std::uint64_t at = v.first; at < elements && v.factors.size() < count; at += v.step)
    v.factors.push_back(factor(random));
  return v;
}

}  // namespace burnish
