#include "compiler/fuse/loops.h"

#include <fmt/format.h>

#include <algorithm>

namespace burnish::compiler {
namespace {
constexpr std::int64_t row_cache = 4096, column_cache = 32768;  // elements of a block kept on the stack between stages
}  // namespace

std::string Loops::cache_place(int n) {
  if (const auto it = caches_.find(n); it != caches_.end()) return it->second;
  std::string place;
  const Size row = row_size();
  const bool rows = s_.kind == Schedule::Kind::rows;
  const std::int64_t elements = rows ? row.value() : row.value() * s_.block;
  if (row.is_static() && elements > 0 && elements <= (rows ? row_cache : column_cache)) {
    declarations_ += fmt::format("{} c{}[{}];\n", lang_.storage(node(n).dtype), n, elements);
    std::string at;
    Size run = 1;
    std::vector<int> axes = s_.loops;
    if (rows) axes.push_back(s_.vector_axis);
    for (std::size_t k = axes.size(); k-- > 0;) {
      at = fmt::format("i{} * {}", axes[k], run.text()) + (at.empty() ? "" : " + ") + at;
      run = run * s_.size(axes[k]);
    }
    if (!rows) at = fmt::format("({}) * {} + l", at, s_.block);
    place = fmt::format("c{}[{}]", n, at);
  } else {
    for (std::size_t i = 0; i < s_.stores.size(); ++i) {
      if (!s_.stores[i].full || lent_.contains(i) || node(s_.stores[i].node).dtype != node(n).dtype) continue;
      // The last stage reads the place before it writes it, element by element.
      if (stage_[static_cast<std::size_t>(s_.stores[i].node)] != stages_ - 1) continue;
      lent_.insert(i);
      place = fmt::format("o{}[{}]", i, index(s_.stores[i].strides, 0));
      break;
    }
  }
  if (!place.empty()) caches_[n] = place;
  return place;
}

std::string Loops::reducing() {
  std::string text;
  std::set<int> there;
  for (int stage = 0; stage < stages_; ++stage) {
    const auto roots = roots_of(stage);
    text += outer_nodes(roots, there);
    if (!roots.empty()) text += one_stage(stage, roots, there);
  }
  std::vector<int> last;
  for (const Store& st : s_.stores)
    if (!st.full) last.push_back(st.node);
  text += outer_nodes(last, there);
  text += outer_stores();
  std::string head = fmt::format(fmt::runtime(lang_.items), fmt::arg("i", "item")) + " {\n";
  if (s_.kind == Schedule::Kind::columns) {
    const std::string v = s_.size(s_.vector_axis).text();
    head += fmt::format("const {0} blocks = cdiv({1}, {2}), low = item % blocks * {2}, width = min({2}, {1} - low);\n",
                        lang_.index, v, s_.block);
    head += decode("item / blocks", s_.decoded, "");
  } else {
    head += decode("item", s_.decoded, "");
  }
  return head + declarations_ + text + "}\n";
}

std::string Loops::column_loop() const {
  return simd(fmt::format(fmt::runtime(lang_.loop), fmt::arg("i", "l"), fmt::arg("begin", "0"),
                          fmt::arg("end", "width"))) +
         fmt::format("const {} i{} = low + l;\n", lang_.index, s_.vector_axis);
}

std::string Loops::outer_nodes(const std::vector<int>& roots, std::set<int>& there) {
  std::string text;
  for (const int n : needed(roots, there)) {
    if (is_full(n) || node(n).kind == NodeKind::reduce) continue;
    const bool column = s_.kind == Schedule::Kind::columns && depends(n, s_.vector_axis);
    if (!column) {
      text += declare(n);
      there.insert(n);
    } else if (node(n).kind == NodeKind::point) {
      declarations_ += fmt::format("{} x{}[{}];\n", lang_.storage(node(n).dtype), n, s_.block);
      std::string inside;
      for (const Operand& o : node(n).operands)
        if (o.value >= 0 && !there.contains(node_of(o)) && !arrays_.contains(node_of(o))) inside += declare(node_of(o));
      text += column_loop() + inside + fmt::format("x{}[l] = {};\n}}\n", n, expression(n));
      arrays_.insert({n, true});
      there.insert(n);
    }
  }
  return text;
}

std::string Loops::outer_stores() const {
  std::string text;
  for (std::size_t i = 0; i < s_.stores.size(); ++i) {
    if (s_.stores[i].full) continue;
    const bool column = s_.kind == Schedule::Kind::columns && depends(s_.stores[i].node, s_.vector_axis);
    if (!column) {
      text += store(i);
    } else if (arrays_.contains(s_.stores[i].node)) {
      text += column_loop() + store(i) + "}\n";
    } else {  // a load that is an output cannot be; a reduction's result is an array
      text += column_loop() + declare(s_.stores[i].node) + store(i) + "}\n";
    }
  }
  return text;
}

std::string Loops::one_stage(int stage, const std::vector<int>& roots, std::set<int>& there) {
  const auto reductions = reductions_of(stage);
  // Nodes that a later stage wants again are kept, where they are dear and there is room.
  std::string body, reads;
  std::set<int> have = there;
  for (const auto& [n, place] : caches_)
    if (stored_.contains(n)) have.insert(n);
  std::vector<int> nodes = needed(roots, have);
  std::vector<int> cached_reads;
  for (const auto& [n, place] : caches_)
    if (stored_.contains(n) && uses(nodes, roots, n)) cached_reads.push_back(n);
  for (const int n : nodes) {
    if (!is_full(n) || !is_dear(n) || !wanted_later(n, stage) || caches_.contains(n)) continue;
    const std::string place = cache_place(n);
    if (!place.empty()) body += fmt::format("{} = v{};\n", place, n);
  }
  for (const int n : cached_reads)
    reads += fmt::format("const {} v{} = {};\n", lang_.variable(node(n).dtype), n, caches_.at(n));
  for (std::size_t i = 0; i < s_.stores.size(); ++i)
    if (s_.stores[i].full && stage_[static_cast<std::size_t>(s_.stores[i].node)] == stage) body += store(i);
  for (const auto& [n, place] : caches_) stored_.insert(n);
  std::string text = s_.kind == Schedule::Kind::rows ? row_stage(reductions, nodes, reads, body)
                                                     : column_stage(reductions, nodes, reads, body);
  for (const int r : reductions) there.insert(r);
  return text;
}

}  // namespace burnish::compiler
