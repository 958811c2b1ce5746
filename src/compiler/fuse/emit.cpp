#include "compiler/fuse/emit.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace burnish::compiler {
namespace {

constexpr int lanes = 64;  // partial results of a row's reduction: four vectors of 16 floats hide the latency of one
constexpr std::int64_t flush = 8192;  // elements summed in float before they go to the double total
constexpr std::int64_t row_cache = 4096, column_cache = 32768;  // elements of a block kept on the stack between stages

using Kind = Schedule::Kind;

std::string literal(double v, DType type) {
  if (type == DType::bool_) return v != 0 ? "true" : "false";
  if (type == DType::float32 || type == DType::float64) {
    if (std::isnan(v)) return "b_nan";
    if (std::isinf(v)) return v > 0 ? "b_inf" : "-b_inf";
    std::string text = fmt::format("{:.9g}", v);
    if (text.find_first_of(".e") == std::string::npos) text += ".0";
    return v < 0 ? "(" + text + "f)" : text + "f";
  }
  if (v >= 9.2e18) return "9223372036854775807L";
  if (v <= -9.2e18) return "(-9223372036854775807L - 1)";
  return fmt::format("{}({})",
                     type == DType::int32   ? "int32_t"
                     : type == DType::uint8 ? "uint8_t"
                                            : "int64_t",
                     static_cast<std::int64_t>(v));
}

class Emitter {
 public:
  Emitter(const Schedule& s, std::string name, const Language& language)
      : s_(s), g_(s.group), name_(std::move(name)), lang_(language) {}

  std::optional<Emitted> run() {
    depends_ = g_.dependencies();
    if (!find_stages()) return std::nullopt;
    name_tensors();
    const std::string body = s_.kind == Kind::pointwise ? pointwise() : reducing();
    if (failed_) return std::nullopt;
    Emitted out;
    std::string args;
    const auto add = [&](const std::string& text) { args += (args.empty() ? "" : ", ") + text; };
    for (std::size_t id = 0; id < tensor_order_.size(); ++id) {
      out.inputs.push_back(tensor_order_[id]);
      add(fmt::format(fmt::runtime(lang_.input), fmt::arg("type", lang_.storage(tensor_type_.at(tensor_order_[id]))),
                      fmt::arg("name", fmt::format("t{}", id))));
    }
    for (std::size_t i = 0; i < s_.stores.size(); ++i) {
      out.outputs.push_back(s_.stores[i].name);
      add(fmt::format(fmt::runtime(lang_.output), fmt::arg("type", lang_.storage(node(s_.stores[i].node).dtype)),
                      fmt::arg("name", fmt::format("o{}", i))));
    }
    collect_symbols();
    for (const std::string& symbol : symbols_) {
      out.symbols.push_back(symbol);
      add(fmt::format(fmt::runtime(lang_.size), fmt::arg("name", symbol)));
    }
    out.source = fmt::format(fmt::runtime(lang_.kernel), fmt::arg("name", name_), fmt::arg("args", args)) + " {\n" +
                 body + "}\n";
    out.range = to_expr(range());
    out.grain = to_expr(grain());
    return out;
  }

 private:
  const Node& node(int n) const { return g_.nodes[static_cast<std::size_t>(n)]; }
  int node_of(const Operand& o) const { return g_.values[static_cast<std::size_t>(o.value)].node; }
  bool depends(int n, int axis) const { return depends_[static_cast<std::size_t>(n)].contains(axis); }
  bool is_full(int n) const {
    return std::ranges::any_of(g_.reduced, [&](int a) { return depends(n, a); });
  }

  // --- what is computed when --------------------------------------------------------------------------------------
  bool find_stages() {
    stage_.assign(g_.nodes.size(), 0);
    for (std::size_t i = 0; i < g_.nodes.size(); ++i) {
      for (const Operand& o : g_.nodes[i].operands)
        if (o.value >= 0) stage_[i] = std::max(stage_[i], stage_[static_cast<std::size_t>(node_of(o))]);
      if (g_.nodes[i].kind == NodeKind::reduce) {
        ++stage_[i];  // its result is there after the stage of its argument
        const bool arg = g_.nodes[i].reduction.starts_with("arg");
        if (arg && g_.reduced.size() > 1) return false;
      }
      stages_ = std::max(stages_, stage_[i]);
    }
    for (const Store& store : s_.stores)
      if (store.full) stages_ = std::max(stages_, stage_[static_cast<std::size_t>(store.node)] + 1);
    return true;
  }

  /// Nodes that the roots need, in order, stopping at those that are already there.
  std::vector<int> needed(const std::vector<int>& roots, const std::set<int>& there) const {
    std::set<int> all;
    const auto visit = [&](auto&& self, int n) -> void {
      if (there.contains(n) || !all.insert(n).second) return;
      for (const Operand& o : node(n).operands)
        if (o.value >= 0) self(self, node_of(o));
    };
    for (const int r : roots) visit(visit, r);
    return {all.begin(), all.end()};
  }

  // --- text ---------------------------------------------------------------------------------------------------------
  void name_tensors() {
    for (const Node& n : g_.nodes)
      if (n.kind == NodeKind::load && !tensors_.contains(n.name)) {
        const int id = static_cast<int>(tensors_.size());
        tensors_[n.name] = id;
        tensor_order_.push_back(n.name);
        tensor_type_[n.name] = n.dtype;
      }
  }

  std::string index(const std::map<int, Size>& strides, const Size& offset) const {
    std::string text;
    for (const auto& [axis, stride] : strides) {
      if (stride.is(0)) continue;
      if (!text.empty()) text += " + ";
      text += fmt::format("i{}", axis);
      if (!stride.is(1))
        text += stride.is_static() ? fmt::format(" * {}", stride.text()) : fmt::format(" * ({})", stride.text());
    }
    if (!offset.is(0))
      text += (text.empty() ? "" : " + ") + (offset.is_static() ? offset.text() : "(" + offset.text() + ")");
    return text.empty() ? "0" : text;
  }

  std::string loop(int axis, const std::string& begin, const std::string& end) const {
    return fmt::format(fmt::runtime(lang_.loop), fmt::arg("i", fmt::format("i{}", axis)), fmt::arg("begin", begin),
                       fmt::arg("end", end));
  }

  std::string operand(const Operand& o, DType type) const {
    if (o.value < 0 && !o.size.empty()) return fmt::format("{}({})", lang_.variable(type), o.size);
    if (o.value < 0) return literal(o.number, type);
    const int n = node_of(o);
    const std::string text = value_text(n);
    const DType have = node(n).dtype;
    if (have == type) return text;
    if (type == DType::bool_) return "(" + text + " != 0)";
    return fmt::format("{}({})", lang_.variable(type), text);
  }

  /// How a node's value is written where it is used: a variable, or an element of a block's array.
  std::string value_text(int n) const {
    const auto it = arrays_.find(n);
    return it == arrays_.end() ? fmt::format("v{}", n) : fmt::format("x{}[l]", n);
  }

  std::string expression(int id) const {
    const Node& n = node(id);
    if (n.kind == NodeKind::index) return index(n.strides, n.offset);
    if (n.kind == NodeKind::load) {
      const std::string element = fmt::format("t{}[{}]", tensors_.at(n.name), index(n.strides, n.offset));
      return n.dtype == DType::bool_ ? element + " != 0" : element;
    }
    std::vector<std::string> args;
    for (std::size_t i = 0; i < n.operands.size(); ++i) {
      DType type = n.compute;
      if (n.op->kind == PointKind::select && i == 0) type = DType::bool_;
      if (n.op->kind == PointKind::select_second && i == 1) type = DType::bool_;
      args.push_back(operand(n.operands[i], type));
    }
    args.resize(4);
    return fmt::format(fmt::runtime(n.op->code), args[0], args[1], args[2], args[3],
                       fmt::arg("z", literal(0, n.compute)));
  }

  std::string declare(int id) const {
    std::string text = expression(id);
    if (node(id).kind == NodeKind::point && node(id).dtype == DType::bool_ && node(id).compute != DType::bool_ &&
        node(id).op->kind == PointKind::numeric)
      text = "(" + text + ") != 0";
    return fmt::format("const {} v{} = {};\n", lang_.variable(node(id).dtype), id, text);
  }

  std::string store(std::size_t i) const {
    const Store& st = s_.stores[i];
    return fmt::format("o{}[{}] = {};\n", i, index(st.strides, 0), value_text(st.node));
  }

  std::string decode(const std::string& item, const std::vector<int>& axes, std::string pad) const {
    if (axes.empty()) return {};
    if (axes.size() == 1) return fmt::format("{}const {} i{} = {};\n", pad, lang_.index, axes[0], item);
    std::string text = fmt::format("{}{} rest = {};\n", pad, lang_.index, item);
    for (std::size_t k = axes.size(); k-- > 1;)
      text += fmt::format("{0}const {1} i{2} = rest % ({3});\n{0}rest /= ({3});\n", pad, lang_.index, axes[k],
                          s_.size(axes[k]).text());
    return text + fmt::format("{}const {} i{} = rest;\n", pad, lang_.index, axes[0]);
  }

  /// The loops of one stage: nodes stand at the outermost loop where all that they differ over is known.
  /// `inner` is the text at the innermost point, `head` opens the innermost loop; `done` are nodes that exist already.
  std::string nest(const std::vector<int>& nodes, const std::vector<int>& loops, const std::string& head,
                   const std::string& inner, const std::string& after_innermost = {}) const {
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

  std::string simd(const std::string& head) const { return std::string(lang_.vector) + "\n" + head + " {\n"; }

  // --- no reduction -----------------------------------------------------------------------------------------------
  std::string pointwise() {
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

  // --- reductions ---------------------------------------------------------------------------------------------------
  DType total_type(const Node& n) const {
    if (n.reduction.starts_with("arg"))
      return node(node_of(n.operands[0])).dtype == DType::float32 ? DType::float32 : DType::int64;
    if (n.dtype == DType::bool_ || n.dtype == DType::uint8) return DType::int32;
    return n.dtype;
  }

  std::string initial(const Node& n) const {
    const DType t = total_type(n);
    if (n.reduction == "sum") return literal(0, t);
    if (n.reduction == "prod") return literal(1, t);
    const bool least = n.reduction == "amax" || n.reduction == "argmax";
    if (t == DType::float32) return least ? "-b_inf" : "b_inf";
    return least ? fmt::format("{}(-2147483647 - 1)", lang_.variable(t))
                 : fmt::format("{}(2147483647)", lang_.variable(t));
  }

  std::string accumulate(int r, const std::string& slot) const {
    const Node& n = node(r);
    const std::string x = operand(n.operands[0], total_type(n)), a = fmt::format("a{}[{}]", r, slot);
    if (n.reduction == "sum") return fmt::format("{0} = {0} + {1};\n", a, x);
    if (n.reduction == "prod") return fmt::format("{0} = {0} * {1};\n", a, x);
    if (n.reduction == "amax") return fmt::format("{0} = b_max({1}, {0});\n", a, x);
    if (n.reduction == "amin") return fmt::format("{0} = b_min({1}, {0});\n", a, x);
    return fmt::format(
        "const bool better{0} = {2} {3} {1} || ({2} != {2} && {1} == {1});\n{1} = better{0} ? {2} : {1};\nj{0}[{4}] = "
        "better{0} ? i{5} : j{0}[{4}];\n",
        r, a, x, n.reduction == "argmax" ? ">" : "<", slot, s_.kind == Kind::columns ? s_.loops.at(0) : s_.vector_axis);
  }

  bool keeps_double(const Node& n) const { return n.reduction == "sum" && total_type(n) == DType::float32; }

  static std::string fold_of(const Node& n) {
    if (n.reduction == "sum") return "b_fold_add";
    if (n.reduction == "prod") return "b_fold_mul";
    return n.reduction == "amax" ? "b_fold_max" : "b_fold_min";
  }

  Size row_size() const {
    std::vector<int> axes(g_.reduced.begin(), g_.reduced.end());
    return product_of(g_, axes);
  }

  /// Where a node that is dear to compute is kept between stages: the text of its element, or nothing.
  std::string cache_place(int n) {
    if (const auto it = caches_.find(n); it != caches_.end()) return it->second;
    std::string place;
    const Size row = row_size();
    const bool rows = s_.kind == Kind::rows;
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

  bool is_dear(int n) const {
    int cost = 0;
    for (const int m : needed({n}, {}))
      if (is_full(m)) cost += node(m).kind == NodeKind::point ? node(m).op->cost : 1;
    return node(n).kind == NodeKind::point && node(n).op->cost >= 8 && cost >= 8 && node(n).dtype != DType::bool_;
  }

  std::vector<int> roots_of(int stage) const {
    std::vector<int> roots;
    for (std::size_t i = 0; i < g_.nodes.size(); ++i)
      if (g_.nodes[i].kind == NodeKind::reduce && stage_[i] == stage + 1)
        roots.push_back(node_of(g_.nodes[i].operands[0]));
    for (const Store& st : s_.stores)
      if (st.full && stage_[static_cast<std::size_t>(st.node)] == stage) roots.push_back(st.node);
    return roots;
  }

  std::string reducing() {
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
    if (s_.kind == Kind::columns) {
      const std::string v = s_.size(s_.vector_axis).text();
      head +=
          fmt::format("const {0} blocks = cdiv({1}, {2}), low = item % blocks * {2}, width = min({2}, {1} - low);\n",
                      lang_.index, v, s_.block);
      head += decode("item / blocks", s_.decoded, "");
    } else {
      head += decode("item", s_.decoded, "");
    }
    return head + declarations_ + text + "}\n";
  }

  std::string column_loop() const {
    return simd(fmt::format(fmt::runtime(lang_.loop), fmt::arg("i", "l"), fmt::arg("begin", "0"),
                            fmt::arg("end", "width"))) +
           fmt::format("const {} i{} = low + l;\n", lang_.index, s_.vector_axis);
  }

  /// Declares what does not differ along the reduced axes: scalars, or arrays over a block's columns.
  std::string outer_nodes(const std::vector<int>& roots, std::set<int>& there) {
    std::string text;
    for (const int n : needed(roots, there)) {
      if (is_full(n) || node(n).kind == NodeKind::reduce) continue;
      const bool column = s_.kind == Kind::columns && depends(n, s_.vector_axis);
      if (!column) {
        text += declare(n);
        there.insert(n);
      } else if (node(n).kind == NodeKind::point) {
        declarations_ += fmt::format("{} x{}[{}];\n", lang_.storage(node(n).dtype), n, s_.block);
        std::string inside;
        for (const Operand& o : node(n).operands)
          if (o.value >= 0 && !there.contains(node_of(o)) && !arrays_.contains(node_of(o)))
            inside += declare(node_of(o));
        text += column_loop() + inside + fmt::format("x{}[l] = {};\n}}\n", n, expression(n));
        arrays_.insert({n, true});
        there.insert(n);
      }
    }
    return text;
  }

  std::string outer_stores() const {
    std::string text;
    for (std::size_t i = 0; i < s_.stores.size(); ++i) {
      if (s_.stores[i].full) continue;
      const bool column = s_.kind == Kind::columns && depends(s_.stores[i].node, s_.vector_axis);
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

  std::string one_stage(int stage, const std::vector<int>& roots, std::set<int>& there) {
    std::vector<int> reductions;
    for (std::size_t i = 0; i < g_.nodes.size(); ++i)
      if (g_.nodes[i].kind == NodeKind::reduce && stage_[i] == stage + 1) reductions.push_back(static_cast<int>(i));
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
    std::string text = s_.kind == Kind::rows ? row_stage(reductions, nodes, reads, body)
                                             : column_stage(reductions, nodes, reads, body);
    for (const int r : reductions) there.insert(r);
    return text;
  }

  bool uses(const std::vector<int>& nodes, const std::vector<int>& roots, int n) const {
    if (std::ranges::find(roots, n) != roots.end()) return true;
    return std::ranges::any_of(nodes, [&](int m) {
      return std::ranges::any_of(node(m).operands, [&](const Operand& o) { return o.value >= 0 && node_of(o) == n; });
    });
  }

  bool wanted_later(int n, int stage) const {
    for (int later = stage + 1; later < stages_; ++later) {
      const auto all = needed(roots_of(later), {});
      // Only what a later stage would compute again: reductions stop the walk.
      std::set<int> stop;
      for (std::size_t i = 0; i < g_.nodes.size(); ++i)
        if (g_.nodes[i].kind == NodeKind::reduce) stop.insert(static_cast<int>(i));
      const auto again = needed(roots_of(later), stop);
      if (std::ranges::find(again, n) != again.end()) return true;
    }
    return false;
  }

  std::string row_stage(const std::vector<int>& reductions, const std::vector<int>& nodes, const std::string& reads,
                        const std::string& body) {
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
      } else if (keeps_double(n)) {
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
      vector_loop =
          fmt::format("for ({0} from = 0; from < {1}; from += {2}) {{\nconst {0} to = min(from + {2}, {1});\n",
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

  std::string column_stage(const std::vector<int>& reductions, const std::vector<int>& nodes, const std::string& reads,
                           const std::string& body) {
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
      } else if (long_rows && keeps_double(n)) {
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

  // --- launching
  // ------------------------------------------------------------------------------------------------------
  Size range() const {
    const Size items = product_of(g_, s_.decoded);
    if (s_.vector_axis < 0) return 1;
    const Size v = s_.size(s_.vector_axis);
    if (s_.kind == Kind::pointwise && s_.decoded.empty() && s_.loops.empty() && s_.block == 0) return v;
    if (s_.block == 0) return items;
    if (v.is_static()) return items * Size((v.value() + s_.block - 1) / s_.block);
    return items * Size::symbolic(fmt::format("cdiv({}, {})", v.text(), s_.block));
  }

  /// Pieces of at least about 15 us: below that waking a thread costs more than it brings.
  Size grain() const {
    const std::int64_t elements = std::max<std::int64_t>(1, 400000 / (4 + cost_of(g_)));
    if (s_.vector_axis < 0) return 1;
    const Size v = s_.size(s_.vector_axis);
    if (s_.kind == Kind::pointwise && s_.decoded.empty() && s_.loops.empty() && s_.block == 0) return elements;
    Size each = s_.block > 0 ? Size(s_.block) : v;
    each = each * product_of(g_, s_.loops);
    if (each.is_static()) return std::max<std::int64_t>(1, elements / std::max<std::int64_t>(1, each.value()));
    return Size::symbolic(fmt::format(
        "cdiv({}, {})", elements, each.text().find(' ') == std::string::npos ? each.text() : "(" + each.text() + ")"));
  }

  void collect_symbols() {
    const auto add = [&](const Size& size) {
      if (size.is_static()) return;
      for (const std::string& s : to_expr(size).symbols())
        if (std::ranges::find(symbols_, s) == symbols_.end()) symbols_.push_back(s);
    };
    for (const Size& a : g_.axes) add(a);
    for (const Node& n : g_.nodes) {
      add(n.offset);
      for (const auto& [axis, stride] : n.strides) add(stride);
      for (const Operand& o : n.operands)
        if (!o.size.empty()) add(Size::symbolic(o.size));
    }
    for (const Store& st : s_.stores)
      for (const auto& [axis, stride] : st.strides) add(stride);
  }

  const Schedule& s_;
  const Group& g_;
  std::string name_;
  const Language& lang_;
  std::vector<std::set<int>> depends_;
  std::vector<int> stage_;  ///< after how many reductions a node can be computed
  int stages_ = 0;
  std::map<std::string, int> tensors_;
  std::vector<std::string> tensor_order_;
  std::map<std::string, DType> tensor_type_;
  std::vector<std::string> symbols_;
  std::map<int, bool> arrays_;         ///< nodes that are arrays over a block's columns
  std::map<int, std::string> caches_;  ///< nodes kept between stages, and where
  std::set<int> stored_;
  std::set<std::size_t> lent_;  ///< outputs whose memory is such a place
  std::string declarations_;
  bool failed_ = false;
};

}  // namespace

std::optional<Emitted> emit(const Schedule& schedule, const std::string& name, const Language& language) {
  return Emitter(schedule, name, language).run();
}

}  // namespace burnish::compiler
