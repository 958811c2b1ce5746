#pragma once
#include <gtest/gtest.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/json.h"

/// Deterministic mutations, for fuzz tests. Seeds are fixed, so that a failure is seen again.
namespace burnish {

using Random = std::mt19937_64;

inline std::size_t below(Random& random, std::size_t n) {
  return static_cast<std::size_t>(random() % n);
}

/// Seconds that a fuzz test may take: BURNISH_FUZZ_SECONDS, else `standard`.
inline double fuzz_seconds(double standard) {
  const char* text = std::getenv("BURNISH_FUZZ_SECONDS");
  return text && std::atof(text) > 0 ? std::atof(text) : standard;
}

/// Calls `round(i)` until the time is over, at least a thousand times; stops at the first failure.
template <class Round>
std::size_t fuzz_for(double seconds, const Round& round) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  std::size_t rounds = 0;
  while (!testing::Test::HasFatalFailure() && (rounds < 1000 || std::chrono::steady_clock::now() < end))
    round(rounds++);
  return rounds;
}

/// Bytes of a text changed, dropped or doubled, or words put in that parsers trip over.
inline std::string mutate_bytes(std::string text, Random& random) {
  constexpr std::array<std::string_view, 20> words = {
      "{",       "}",    "[",          "]", "\"", ",", ":",  "null", "-1", "1e999", "9223372036854775808",
      "\\u0000", "\xff", "size(x, 0)", "%", "(",  ")", "..", "/",    "n"};
  for (std::size_t changes = 1 + below(random, 3); changes > 0; --changes) {
    const std::size_t at = below(random, text.size() + 1), length = std::min(below(random, 12), text.size() - at);
    switch (below(random, 4)) {
      case 0:
        text.erase(at, length);
        break;
      case 1:
        text.insert(at, words[below(random, words.size())]);
        break;
      case 2:
        text.insert(below(random, text.size() + 1), text.substr(at, length));
        break;
      default:
        if (at < text.size()) text[at] = static_cast<char>(random());
    }
  }
  return text;
}

inline void collect_nodes(json& node, std::vector<json*>& nodes) {
  nodes.push_back(&node);
  if (node.is_structured())
    for (json& item : node) collect_nodes(item, nodes);
}

inline void drop_one(json& node, Random& random) {
  if (!node.is_structured() || node.empty()) return;
  const auto at = static_cast<std::ptrdiff_t>(below(random, node.size()));
  if (node.is_array())
    node.erase(node.begin() + at);
  else
    node.erase(std::next(node.begin(), at).key());
}

/// Values copied from one place to another, dropped, doubled, or replaced by values of other types. Most results are
/// plans still, so that they get past the parser.
inline json mutate_json(json tree, Random& random) {
  const std::array<json, 14> values = {nullptr,
                                       true,
                                       -1,
                                       0,
                                       9'000'000'000,
                                       1e300,
                                       "n",
                                       "x",
                                       "size(x, 0)",
                                       "1 / (n - n)",
                                       json::array(),
                                       json::object(),
                                       {{"str", "y"}},
                                       {{"of", "x"}, {"offset", "n"}}};
  for (std::size_t changes = 1 + below(random, 3); changes > 0; --changes) {
    std::vector<json*> nodes;
    collect_nodes(tree, nodes);
    json& node = *nodes[below(random, nodes.size())];
    const json other = *nodes[below(random, nodes.size())];
    switch (below(random, 4)) {
      case 0:
        node = other;
        break;
      case 1:
        node = values[below(random, values.size())];
        break;
      case 2:
        drop_one(node, random);
        break;
      default:
        if (node.is_array())
          node.insert(node.begin() + static_cast<std::ptrdiff_t>(below(random, node.size() + 1)),
                      node.empty() ? other : node[below(random, node.size())]);
    }
  }
  return tree;
}

}  // namespace burnish
