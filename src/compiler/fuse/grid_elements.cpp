#include <fmt/format.h>

#include <algorithm>

#include "compiler/fuse/grid.h"

namespace burnish::compiler {

bool Grid::loads_wide(int n) const {
  if (s_.width == 1 || node(n).kind != NodeKind::load || register_type(node(n).dtype) != DType::float32) return false;
  const auto stride = node(n).strides.find(s_.vector_axis);
  return stride != node(n).strides.end() && stride->second.is(1);
}

bool Grid::stores_wide(std::size_t i) const {
  const Store& st = s_.stores[i];
  if (s_.width == 1 || register_type(node(st.node).dtype) != DType::float32 || lent_.contains(i)) return false;
  return std::ranges::all_of(st.strides,
                             [&](const auto& entry) {
                               const auto& [axis, stride] = entry;
                               return axis == s_.vector_axis ? stride.is(1)
                                                             : stride.is_static() && stride.value() % s_.width == 0;
                             }) &&
         st.strides.contains(s_.vector_axis);
}

std::string Grid::elements(const std::vector<int>& nodes, const std::vector<std::size_t>& stores,
                           const std::string& reads, const std::string& body) {
  std::string text, ends;
  const auto in_lanes = [&](int n) { return s_.width > 1 && depends(n, s_.vector_axis); };
  loaded_.clear();
  const std::string lanes_type = fmt::format(fmt::runtime(lang_.side_by_side), fmt::arg("n", s_.width));
  for (const int n : nodes) {
    if (loads_wide(n)) {
      const std::string place =
          fmt::format("t{} + {}", tensors_.at(node(n).name), index(node(n).strides, node(n).offset));
      text += fmt::format("const {} q{} = {};\n", lanes_type, n,
                          fmt::format(fmt::runtime(lang_.load), fmt::arg("n", s_.width), fmt::arg("place", place)));
      loaded_[n] = fmt::format("q{}[l]", n);
    } else if (!in_lanes(n)) {
      text += declare(n);
    }
  }
  if (s_.width == 1) {
    text = reads + text;
    for (const std::size_t i : stores) text += store(i);
    return text + body;
  }
  std::string lanes = fmt::format("const {0} i{1} = first + l;\n", index_type_, s_.vector_axis) + reads;
  for (const int n : nodes)
    if (in_lanes(n)) lanes += declare(n);
  for (const std::size_t i : stores) {
    if (!stores_wide(i)) {
      lanes += store(i);
      continue;
    }
    text += fmt::format("{} r{};\n", lanes_type, i);
    lanes += fmt::format("r{}[l] = {};\n", i, value_text(s_.stores[i].node));
    ends += fmt::format(fmt::runtime(lang_.store), fmt::arg("n", s_.width),
                        fmt::arg("place", fmt::format("o{} + {}", i, index(s_.stores[i].strides, 0))),
                        fmt::arg("value", fmt::format("r{}", i))) +
            "\n";
  }
  loaded_.clear();
  return fmt::format("const {} first = i{};\n", index_type_, s_.vector_axis) + text +
         fmt::format("{}\nfor (int l = 0; l < {}; ++l) {{\n", lang_.unroll, s_.width) + lanes + body + "}\n" + ends;
}

std::string Grid::over_elements(const std::vector<int>& nodes, const std::vector<std::size_t>& stores,
                                const std::string& reads, const std::string& body) {
  const auto axes = inner_axes();
  const std::string row = row_size().text();
  const std::string inside = decode("e", axes, "") + elements(nodes, stores, reads, body);
  const std::string_view some = s_.kind == Schedule::Kind::columns ? lang_.unroll_columns : lang_.unroll_some;
  const std::string pragma = some.empty() ? "" : std::string(some) + "\n";
  const int step = s_.team * s_.width;
  const std::string first = !shares()      ? "0"
                            : s_.width > 1 ? fmt::format("{}({}) * {}", index_type_, lane(), s_.width)
                                           : fmt::format("{}({})", index_type_, lane());
  if (rounds() > 0)
    return fmt::format("{}\nfor (int k = 0; k < {}; ++k) {{\nconst {} e = {} + k * {};\nif (e < {}) {{\n{}}}\n}}\n",
                       lang_.unroll, rounds(), index_type_, first, step, row, inside);
  return pragma +
         fmt::format("for ({0} e = {1}; e < {2}; e += {3}) {{\n{4}}}\n", index_type_, first, row, step, inside);
}

}  // namespace burnish::compiler
