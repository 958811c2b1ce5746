#include "compiler/fuse/loops.h"

#include <fmt/format.h>

#include <algorithm>

namespace burnish::compiler {

std::optional<Emitted> Loops::run() {
  if (!find_stages()) return std::nullopt;
  Emitted out = finish(s_.kind == Schedule::Kind::pointwise ? pointwise() : reducing());
  out.range = to_expr(range());
  out.grain = to_expr(grain());
  return out;
}

std::string Loops::loop(int axis, const std::string& begin, const std::string& end) const {
  return fmt::format(fmt::runtime(lang_.loop), fmt::arg("i", fmt::format("i{}", axis)), fmt::arg("begin", begin),
                     fmt::arg("end", end));
}

std::string Loops::nest(const std::vector<int>& nodes, const std::vector<int>& loops, const std::string& head,
                        const std::string& inner, const std::string& after_innermost) const {
  std::string text;
  const auto level = [&](int n) {
    if (s_.vector_axis >= 0 && depends(n, s_.vector_axis)) return loops.size() + 1;
    for (std::size_t k = loops.size(); k-- > 0;)
      if (depends(n, loops[k])) return k + 1;
    return std::size_t{0};
  };
  for (std::size_t k = 0; k <= loops.size(); ++k) {
    for (const int n : nodes)
      if (level(n) == k) text += declare(n);
    if (k < loops.size()) text += loop(loops[k], "0", s_.size(loops[k]).text()) + " {\n";
  }
  text += head;
  for (const int n : nodes)
    if (level(n) == loops.size() + 1) text += declare(n);
  text += inner + "}\n" + after_innermost;
  for (std::size_t k = 0; k < loops.size(); ++k) text += "}\n";
  return text;
}

std::string Loops::simd(const std::string& head) const {
  return std::string(lang_.vector) + "\n" + head + " {\n";
}

std::string Loops::pointwise() {
  std::vector<int> roots;
  std::string stores;
  for (std::size_t i = 0; i < s_.stores.size(); ++i) {
    roots.push_back(s_.stores[i].node);
    stores += store(i);
  }
  const auto nodes = needed(roots, {});
  if (s_.vector_axis < 0) {
    std::string text = fmt::format(fmt::runtime(lang_.items), fmt::arg("i", "item")) + " {\n";
    for (const int n : nodes) text += declare(n);
    return text + stores + "}\n";
  }
  if (s_.decoded.empty() && s_.loops.empty() && s_.block == 0)
    return nest(nodes, {},
                simd(fmt::format(fmt::runtime(lang_.items), fmt::arg("i", fmt::format("i{}", s_.vector_axis)))),
                stores);
  std::string text = fmt::format(fmt::runtime(lang_.items), fmt::arg("i", "item")) + " {\n";
  const std::string v = s_.size(s_.vector_axis).text();
  std::string begin = "0", end = v;
  if (s_.block > 0) {
    text += fmt::format("const {0} blocks = cdiv({1}, {2}), low = item % blocks * {2}, high = min(low + {2}, {1});\n",
                        lang_.index, v, s_.block);
    text += decode("item / blocks", s_.decoded, "");
    begin = "low";
    end = "high";
  } else {
    text += decode("item", s_.decoded, "");
  }
  return text + nest(nodes, s_.loops, simd(loop(s_.vector_axis, begin, end)), stores) + "}\n";
}

Size Loops::range() const {
  const Size items = product_of(g_, s_.decoded);
  if (s_.vector_axis < 0) return 1;
  const Size v = s_.size(s_.vector_axis);
  if (s_.kind == Schedule::Kind::pointwise && s_.decoded.empty() && s_.loops.empty() && s_.block == 0) return v;
  if (s_.block == 0) return items;
  if (v.is_static()) return items * Size((v.value() + s_.block - 1) / s_.block);
  return items * Size::symbolic(fmt::format("cdiv({}, {})", v.text(), s_.block));
}

Size Loops::grain() const {
  const std::int64_t elements = std::max<std::int64_t>(1, 400000 / (4 + cost_of(g_)));
  if (s_.vector_axis < 0) return 1;
  const Size v = s_.size(s_.vector_axis);
  if (s_.kind == Schedule::Kind::pointwise && s_.decoded.empty() && s_.loops.empty() && s_.block == 0) return elements;
  Size each = s_.block > 0 ? Size(s_.block) : v;
  each = each * product_of(g_, s_.loops);
  if (each.is_static()) return std::max<std::int64_t>(1, elements / std::max<std::int64_t>(1, each.value()));
  return Size::symbolic(fmt::format(
      "cdiv({}, {})", elements, each.text().find(' ') == std::string::npos ? each.text() : "(" + each.text() + ")"));
}

std::optional<Emitted> emit_loops(const Schedule& schedule, const std::string& name, const Language& language) {
  return Loops(schedule, name, language).run();
}

}  // namespace burnish::compiler
