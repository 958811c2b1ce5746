#include <fmt/format.h>

#include "compiler/fuse/grid.h"

namespace burnish::compiler {
namespace {

constexpr std::int64_t plain_sum = 16;  // elements that a thread adds without carrying what rounding loses

std::string_view fold_of(const Node& n) {
  if (n.reduction == "sum") return "b_sum";
  if (n.reduction == "prod") return "b_prod";
  return n.reduction == "amax" ? "b_most" : "b_least";
}

bool is_place(const Node& n) {
  return n.reduction.starts_with("arg");
}

}  // namespace

bool Grid::is_compensated(const Node& n) const {
  const Size row = row_size();
  return sums_floats(n) && !(row.is_static() && row.value() <= plain_sum * s_.team);
}

std::string Grid::begin_reduction(int r) const {
  const Node& n = node(r);
  std::string text = fmt::format("{} a{} = {};\n", lang_.variable(total_type(n)), r, initial(n));
  if (is_compensated(n)) text += fmt::format("float lost{} = 0.0f;\n", r);
  if (is_place(n)) text += fmt::format("{} j{} = 0;\n", lang_.index, r);
  return text;
}

std::string Grid::accumulate(int r) const {
  const Node& n = node(r);
  const std::string x = operand(n.operands[0], total_type(n));
  if (is_place(n))
    return fmt::format("if ({1} {2} a{0} || ({1} != {1} && a{0} == a{0})) {{\na{0} = {1};\nj{0} = i{3};\n}}\n", r, x,
                       n.reduction == "argmax" ? ">" : "<", inner_axes().at(0));
  if (is_compensated(n)) return fmt::format("b_add(a{0}, lost{0}, {1});\n", r, x);
  return fmt::format("a{0} = {1}::both(a{0}, {2});\n", r, fold_of(n), x);
}

std::string Grid::part_of(std::string_view type, const std::string& name) {
  if (s_.team <= 32 && !s_.across) return {};
  if (parts_.insert(name).second)
    declarations_ += fmt::format(fmt::runtime(lang_.shared), fmt::arg("type", type), fmt::arg("name", name),
                                 fmt::arg("n", s_.across ? s_.threads : 32)) +
                     "\n";
  return name;
}

std::string Grid::end_reduction(int r) {
  const Node& n = node(r);
  const auto type = lang_.variable(total_type(n));
  std::string total = is_compensated(n) ? fmt::format("b_added(a{0}, lost{0})", r) : fmt::format("a{}", r);
  const std::string part = shares() ? part_of(type, fmt::format("part_{}", type)) : std::string();
  if (is_place(n)) {
    total = fmt::format("j{}", r);
    const bool largest = n.reduction == "argmax";
    if (s_.across)
      total = fmt::format("b_place_across(a{0}, j{0}, {1}, {2}, thread_, {3}, {4}, {5})", r, part,
                          part_of(lang_.index, "places"), s_.teams, s_.threads, largest);
    else if (s_.team > 32)
      total = fmt::format("b_place_group(a{0}, j{0}, {1}, {2}, thread_, {3}, {4})", r, part,
                          part_of(lang_.index, "places"), s_.team, largest);
    else if (shares())
      total = fmt::format("b_place_lanes(a{0}, j{0}, {1}, {2})", r, s_.team, largest);
  } else if (s_.across) {
    total = fmt::format("b_fold_across<{}>({}, {}, thread_, {}, {})", fold_of(n), total, part, s_.teams, s_.threads);
  } else if (s_.team > 32) {
    total = fmt::format("b_fold_group<{}>({}, {}, thread_, {})", fold_of(n), total, part, s_.team);
  } else if (shares()) {
    total = fmt::format("b_fold_lanes<{}>({}, {})", fold_of(n), total, s_.team);
  }
  if (n.dtype == DType::bool_) total += " != 0";
  if (is_decided_on(r)) total = rounded(total, n.dtype);
  return fmt::format("const {} v{} = {};\n", lang_.variable(n.dtype), r, total);
}

}  // namespace burnish::compiler
