#include "store/names.h"

#include <fmt/format.h>

#include <array>
#include <random>

namespace burnish {
namespace {

constexpr std::array<const char*, 40> qualities = {
    "amber", "brisk", "calm",  "clear", "coral", "crisp", "deft",  "eager", "early", "fair",
    "fine",  "fleet", "fond",  "fresh", "glad",  "grand", "green", "keen",  "kind",  "light",
    "lucid", "merry", "mild",  "neat",  "noble", "plain", "prime", "quick", "quiet", "rapid",
    "ready", "ripe",  "sharp", "sleek", "smart", "spry",  "still", "sunny", "swift", "warm"};
constexpr std::array<const char*, 40> creatures = {
    "adder", "badger", "bison", "crane",  "crow",  "deer",  "dove",  "eagle", "egret", "falcon",
    "finch", "fox",    "gecko", "goose",  "hare",  "hawk",  "heron", "ibis",  "jay",   "kite",
    "koala", "lark",   "lynx",  "marten", "mole",  "moose", "newt",  "orca",  "otter", "owl",
    "panda", "puma",   "quail", "raven",  "robin", "seal",  "shrew", "stork", "swan",  "wren"};

}  // namespace

std::string draw_run_name() {
  std::random_device device;
  const auto draw = [&](std::size_t n) { return std::uniform_int_distribution<std::size_t>(0, n - 1)(device); };
  return fmt::format("{}-{}-{}", qualities[draw(qualities.size())], creatures[draw(creatures.size())], 10 + draw(90));
}

}  // namespace burnish
