#include "compiler/fuse/loops.h"

#include <fmt/format.h>

#include <algorithm>

namespace burnish::compiler {
namespace {
constexpr int lanes = 64;  // partial results of a row's reduction: four vectors of 16 floats hide the latency of one
constexpr std::int64_t flush = 1024;  // elements summed in float before they go to the double total
}  // namespace

std::string Loops::accumulate(int r, const std::string& slot) const {
  const Node& n = node(r);
  const std::string x = operand(n.operands[0], total_type(n)), a = fmt::format("a{}[{}]", r, slot);
  if (n.reduction == "sum") return fmt::format("{0} = {0} + {1};\n", a, x);
  if (n.reduction == "prod") return fmt::format("{0} = {0} * {1};\n", a, x);
  if (n.reduction == "amax") return fmt::format("{0} = b_max({1}, {0});\n", a, x);
  if (n.reduction == "amin") return fmt::format("{0} = b_min({1}, {0});\n", a, x);
  return fmt::format(
      "const bool better{0} = {2} {3} {1} || ({2} != {2} && {1} == {1});\n{1} = better{0} ? {2} : {1};\nj{0}[{4}] = "
      "better{0} ? i{5} : j{0}[{4}];\n",
      r, a, x, n.reduction == "argmax" ? ">" : "<", slot,
      s_.kind == Schedule::Kind::columns ? s_.loops.at(0) : s_.vector_axis);
}

std::string Loops::fold_of(const Node& n) {
  if (n.reduction == "sum") return "b_fold_add";
  if (n.reduction == "prod") return "b_fold_mul";
  return n.reduction == "amax" ? "b_fold_max" : "b_fold_min";
}

std::string Loops::row_stage(const std::vector<int>& reductions, const std::vector<int>& nodes,
                             const std::string& reads, const std::string& body) {
  const Size v = s_.size(s_.vector_axis);
  const std::string end = v.text();
  if (reductions.empty()) return nest(nodes, s_.loops, simd(loop(s_.vector_axis, "0", end)) + reads, body);
  const int width = v.is_static() && v.value() < 128 ? 16 : lanes;
  std::string text = "{\n", accumulates, folds, totals;
  std::string results;
  for (const int r : reductions) {
    const Node& n = node(r);
    const auto type = lang_.variable(total_type(n));
    results += fmt::format("{} v{};\n", lang_.variable(n.dtype), r);
    text += fmt::format("{} a{}[{}];\nb_fill(a{}, {});\n", type, r, width, r, initial(n));
    accumulates += accumulate(r, "l");
    if (n.reduction.starts_with("arg")) {
      text += fmt::format("int64_t j{0}[{1}];\nfor (int l = 0; l < {1}; ++l) j{0}[l] = l;\n", r, width);
      totals += fmt::format(
          "{{\nauto best = a{0}[0];\nv{0} = j{0}[0];\nfor (int l = 1; l < {1}; ++l) {{\nconst auto x = a{0}[l];\n"
          "const bool nan = x != x, had = best != best;\n"
          "const bool better = had ? (nan && j{0}[l] < v{0}) : (nan || x {2} best || (x == best && j{0}[l] < "
          "v{0}));\n"
          "if (better) {{ best = x; v{0} = j{0}[l]; }}\n}}\n}}\n",
          r, width, n.reduction == "argmax" ? ">" : "<");
    } else if (sums_floats(n)) {
      text += fmt::format("double s{} = 0;\n", r);
      folds += fmt::format("s{0} += b_fold_add(a{0});\nb_fill(a{0}, 0.0f);\n", r);
      totals += fmt::format("v{0} = float(s{0} + b_fold_add(a{0}));\n", r);
    } else {
      totals += fmt::format("v{0} = {1}(a{0})", r, fold_of(n)) + (n.dtype == DType::bool_ ? " != 0;\n" : ";\n");
    }
  }
  // The lanes go to the double totals every `flush` elements: at the end of the innermost loop that has as many.
  const bool long_rows = !row_size().is_static() || row_size().value() > flush;
  const bool long_vector = long_rows && (!v.is_static() || v.value() > flush);
  const std::string i = fmt::format("i{}", s_.vector_axis);
  const std::string at = reads + "";
  std::string inner;
  for (const int n : nodes)
    if (depends(n, s_.vector_axis)) inner += declare(n);
  inner = at + inner + body + accumulates;
  const auto lane_loop = [&](const std::string& count, const std::string& base) {
    return fmt::format("{}\nfor (int l = 0; l < {}; ++l) {{\nconst {} {} = {} + l;\n{}}}\n", lang_.vector, count,
                       lang_.index, i, base, inner);
  };
  std::string vector_loop;
  const std::string first = long_vector ? "from" : "0", last = long_vector ? "to" : end;
  if (!v.is_static() || v.value() >= width || long_vector) {
    vector_loop +=
        fmt::format("{} b = {};\nfor (; b + {} <= {}; b += {}) {{\n", lang_.index, first, width, last, width) +
        lane_loop(std::to_string(width), "b") + "}\n";
    const bool even = v.is_static() && v.value() % width == 0 && flush % width == 0;
    if (!even) vector_loop += fmt::format("const int rest = int({} - b);\n", last) + lane_loop("rest", "b");
  } else {
    vector_loop += lane_loop(v.text(), "0");
  }
  if (long_vector)
    vector_loop = fmt::format("for ({0} from = 0; from < {1}; from += {2}) {{\nconst {0} to = min(from + {2}, {1});\n",
                              lang_.index, end, flush) +
                  vector_loop + folds + "}\n";
  else
    vector_loop = "{\n" + vector_loop + "}\n";
  // Loops over the other reduced axes stand around; nodes that do not differ along the vector axis stand in them.
  const auto level = [&](int n) {
    if (depends(n, s_.vector_axis)) return s_.loops.size() + 1;
    for (std::size_t k = s_.loops.size(); k-- > 0;)
      if (depends(n, s_.loops[k])) return k + 1;
    return std::size_t{0};
  };
  std::size_t flush_level = SIZE_MAX;
  if (long_rows && !long_vector) {
    Size inside = v;
    for (std::size_t k = s_.loops.size(); k-- > 0;) {
      inside = inside * s_.size(s_.loops[k]);
      if (!inside.is_static() || inside.value() > flush) {
        flush_level = k;
        break;
      }
    }
  }
  std::string loops, closes;
  for (std::size_t k = 0; k <= s_.loops.size(); ++k) {
    for (const int n : nodes)
      if (level(n) == k) loops += declare(n);
    if (k < s_.loops.size()) {
      loops += loop(s_.loops[k], "0", s_.size(s_.loops[k]).text()) + " {\n";
      closes = (k == flush_level ? folds : "") + "}\n" + closes;
    }
  }
  return results + text + loops + vector_loop + closes + totals + "}\n";
}

std::string Loops::column_stage(const std::vector<int>& reductions, const std::vector<int>& nodes,
                                const std::string& reads, const std::string& body) {
  std::string text, accumulates, flushes, ends;
  const bool long_rows = !row_size().is_static() || row_size().value() > 512;
  for (const int r : reductions) {
    const Node& n = node(r);
    const auto type = lang_.variable(total_type(n));
    declarations_ += fmt::format("{} a{}[{}];\n", type, r, s_.block);
    text += fmt::format("for (int l = 0; l < {0}; ++l) a{1}[l] = {2};\n", s_.block, r, initial(n));
    accumulates += accumulate(r, "l");
    declarations_ += fmt::format("{} x{}[{}];\n", lang_.storage(n.dtype), r, s_.block);
    if (n.reduction.starts_with("arg")) {
      declarations_ += fmt::format("{} j{}[{}];\n", lang_.index, r, s_.block);
      text += fmt::format("for (int l = 0; l < {0}; ++l) j{1}[l] = 0;\n", s_.block, r);
      ends += fmt::format("for (int l = 0; l < {0}; ++l) x{1}[l] = j{1}[l];\n", s_.block, r);
    } else if (long_rows && sums_floats(n)) {
      text += fmt::format("for (int l = 0; l < {0}; ++l) x{1}[l] = 0;\n", s_.block, r);
      flushes += fmt::format("for (int l = 0; l < {0}; ++l) {{ x{1}[l] += a{1}[l]; a{1}[l] = 0; }}\n", s_.block, r);
      ends += fmt::format("for (int l = 0; l < {0}; ++l) x{1}[l] += a{1}[l];\n", s_.block, r);
    } else {
      ends += fmt::format("for (int l = 0; l < {0}; ++l) x{1}[l] = a{1}[l]{2};\n", s_.block, r,
                          n.dtype == DType::bool_ ? " != 0" : "");
    }
  }
  if (!flushes.empty()) {
    text = "int since = 0;\n" + text;
    flushes = "if (++since == 128) {\nsince = 0;\n" + flushes + "}\n";
  }
  text = "{\n" + text + nest(nodes, s_.loops, column_loop() + reads, body + accumulates, flushes) + ends + "}\n";
  for (const int r : reductions) arrays_.insert({r, true});
  return text;
}

}  // namespace burnish::compiler
