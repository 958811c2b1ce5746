#include "compiler/fuse/grid.h"

#include <fmt/format.h>

#include <algorithm>

namespace burnish::compiler {
namespace {

constexpr std::int64_t most_registers = 32;  // floats of one node that a thread keeps: a GPU's thread has some hundred
constexpr std::int64_t own_row = 16;         // elements of a row that a thread has alone, all of them in registers
constexpr int worth_a_register = 4;          // cost from which a value is kept rather than computed again

}  // namespace

std::vector<int> Grid::inner_axes() const {
  std::vector<int> axes = is_pointwise() ? s_.decoded : s_.loops;
  if (s_.vector_axis >= 0 && (is_pointwise() || g_.reduced.contains(s_.vector_axis))) axes.push_back(s_.vector_axis);
  return axes;
}

std::int64_t Grid::rounds() const {
  const Size row = row_size();
  if (is_pointwise() || !row.is_static() || (!shares() && row.value() > own_row)) return 0;
  const std::int64_t each = static_cast<std::int64_t>(s_.team) * s_.width;
  const std::int64_t count = (row.value() + each - 1) / each;
  return count * s_.width <= most_registers ? count : 0;
}

std::optional<Emitted> Grid::run() {
  if (!find_stages()) return std::nullopt;
  std::string text;
  Size items = 1;
  const std::string head = outer_item(items);
  std::set<int> there;
  if (is_pointwise()) {
    std::vector<int> roots;
    std::vector<std::size_t> stores;
    for (std::size_t i = 0; i < s_.stores.size(); ++i) {
      roots.push_back(s_.stores[i].node);
      stores.push_back(i);
    }
    text = elements(needed(roots, {}), stores, "", "");
  } else {
    for (int stage = 0; stage < stages_; ++stage) {
      const auto roots = roots_of(stage);
      text += outer_nodes(roots, there);
      if (!roots.empty()) text += one_stage(stage, roots, there);
    }
    std::vector<int> last;
    std::string stores;
    for (std::size_t i = 0; i < s_.stores.size(); ++i) {
      if (s_.stores[i].full) continue;
      last.push_back(s_.stores[i].node);
      stores += store(i);
    }
    text += outer_nodes(last, there);
    if (!stores.empty()) text += shares() ? fmt::format("if ({} == 0) {{\n{}}}\n", lane(), stores) : stores;
  }
  Emitted out = finish(head + declarations_ + text);
  const int each = shares() ? s_.teams : s_.threads;
  const Size groups = each == 1           ? items
                      : items.is_static() ? Size((items.value() + each - 1) / each)
                                          : Size::symbolic(fmt::format("cdiv({}, {})", items.text(), each));
  out.grid = {to_expr(groups), Expr(1), Expr(1)};
  out.block = {Expr(s_.threads), Expr(1), Expr(1)};
  return out;
}

/// Which row, or which elements, this thread has.
std::string Grid::outer_item(Size& items) const {
  std::vector<int> axes = s_.decoded;
  const bool outer_vector = s_.vector_axis >= 0 && !g_.reduced.contains(s_.vector_axis);
  if (outer_vector) axes.push_back(s_.vector_axis);
  items = product_of(g_, axes);
  if (shares() && s_.teams == 1) return decode("group", axes, "");
  if (shares()) return team_item(items) + decode("item", axes, "");
  const int each = is_pointwise() ? s_.width : 1;
  if (each > 1) items = Size(items.value() / each);
  std::string text = fmt::format("const {0} item = {0}(group) * {1} + thread_;\nif (item >= {2}) return;\n",
                                 index_type_, s_.threads, items.text());
  return text + decode(each > 1 ? fmt::format("item * {}", each) : "item", axes, "");
}

/// Which row a team has, of several in a threadgroup. Those past the end: a simdgroup ends at once, threads that others
/// wait for do the last row again.
std::string Grid::team_item(const Size& items) const {
  const auto at = [&](std::string_view op, int n) { return fmt::format("int(thread_) {} {}", op, n); };
  const std::string first = fmt::format("{}(group) * {}", index_type_, s_.teams);
  if (!s_.across)
    return fmt::format("const int lane_ = {};\nconst {} item = {} + {};\nif (item >= {}) return;\n", at("%", s_.team),
                       index_type_, first, at("/", s_.team), items.text());
  std::string item = fmt::format("{} + {}", first, at("%", s_.teams));
  if (items.value() % s_.teams != 0) item = fmt::format("min({}, {}({}))", item, index_type_, items.value() - 1);
  return fmt::format("const int lane_ = {};\nconst {} item = {};\n", at("/", s_.teams), index_type_, item);
}

/// What does not differ along the row: every thread of a team computes it.
std::string Grid::outer_nodes(const std::vector<int>& roots, std::set<int>& there) {
  std::string text;
  for (const int n : needed(roots, there)) {
    if (is_full(n) || node(n).kind == NodeKind::reduce) continue;
    text += declare(n);
    there.insert(n);
  }
  return text;
}

bool Grid::worth_keeping(int n) const {
  if (node(n).dtype == DType::bool_ || (s_.width > 1 && !depends(n, s_.vector_axis))) return false;
  if (node(n).kind == NodeKind::load) return rounds() > 0;  // of a row that is longer, memory is its own cache
  return node(n).kind == NodeKind::point && (node(n).op->cost >= worth_a_register || is_dear(n));
}

std::string Grid::cache_place(int n) {
  if (const auto it = caches_.find(n); it != caches_.end()) return it->second;
  std::string place;
  if (const std::int64_t count = rounds(); count > 0) {
    declarations_ += fmt::format("{} c{}[{}];\n", lang_.variable(node(n).dtype), n, count * s_.width);
    place = s_.width > 1 ? fmt::format("c{}[k * {} + l]", n, s_.width) : fmt::format("c{}[k]", n);
  } else if (is_dear(n)) {
    for (std::size_t i = 0; i < s_.stores.size(); ++i) {
      // The same thread reads the place before it writes it, element by element, in the last stage.
      if (!s_.stores[i].full || lent_.contains(i) || node(s_.stores[i].node).dtype != node(n).dtype ||
          is_half(node(n).dtype))
        continue;
      if (stage_of(s_.stores[i].node) != stages_ - 1) continue;
      lent_.insert(i);
      place = fmt::format("o{}[{}]", i, index(s_.stores[i].strides, 0));
      break;
    }
  }
  if (!place.empty()) caches_[n] = place;
  return place;
}

std::string Grid::one_stage(int stage, const std::vector<int>& roots, std::set<int>& there) {
  const auto reductions = reductions_of(stage);
  std::set<int> have = there;
  for (const auto& [n, place] : caches_)
    if (stored_.contains(n)) have.insert(n);
  const std::vector<int> nodes = needed(roots, have);
  std::string reads, body, before, after;
  for (const auto& [n, place] : caches_)
    if (stored_.contains(n) && uses(nodes, roots, n))
      reads += fmt::format("const {} v{} = {};\n", lang_.variable(node(n).dtype), n, place);
  for (const int n : nodes) {
    if (!is_full(n) || caches_.contains(n) || !worth_keeping(n) || !wanted_later(n, stage)) continue;
    const std::string place = cache_place(n);
    if (!place.empty()) body += fmt::format("{} = v{};\n", place, n);
  }
  for (const auto& [n, place] : caches_) stored_.insert(n);
  std::vector<std::size_t> stores;
  for (std::size_t i = 0; i < s_.stores.size(); ++i)
    if (s_.stores[i].full && stage_of(s_.stores[i].node) == stage) stores.push_back(i);
  for (const int r : reductions) {
    before += begin_reduction(r);
    body += accumulate(r);
    after += end_reduction(r);
    there.insert(r);
  }
  return before + over_elements(nodes, stores, reads, body) + after;
}

std::optional<Emitted> emit_grid(const Schedule& schedule, const std::string& name, const Language& language) {
  return Grid(schedule, name, language).run();
}

}  // namespace burnish::compiler
