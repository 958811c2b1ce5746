#include "compiler/fuse/kernel_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

namespace burnish::compiler {
namespace {

/// Whether every index fits into 32 bits.
bool has_small_indices(const Schedule& s) {
  const auto spans = [&](const std::map<int, Size>& strides, const Size& offset) {
    if (!offset.is_static()) return false;
    double last = static_cast<double>(offset.value());
    for (const auto& [axis, stride] : strides) {
      if (!stride.is_static() || !s.size(axis).is_static()) return false;
      last += static_cast<double>(stride.value()) * static_cast<double>(s.size(axis).value());
    }
    return last < 2147483647.0;
  };
  double points = 1;
  for (const Size& a : s.group.axes) points *= a.is_static() ? static_cast<double>(a.value()) : 1e18;
  return points < 2147483647.0 &&
         std::ranges::all_of(
             s.group.nodes, [&](const Node& n) { return spans(n.strides, n.offset); }) &&
         std::ranges::all_of(s.stores, [&](const Store& st) { return spans(st.strides, 0); });
}

}  // namespace

KernelText::KernelText(const Schedule& schedule, std::string name, const Language& language)
    : s_(schedule),
      g_(schedule.group),
      name_(std::move(name)),
      lang_(language),
      index_type_(has_small_indices(schedule) ? language.small_index : language.index),
      depends_(g_.dependencies()) {
  name_tensors();
  find_decisions();
}

bool KernelText::is_full(int n) const {
  return std::ranges::any_of(g_.reduced, [&](int a) { return depends(n, a); });
}

std::vector<int> KernelText::reductions_of(int stage) const {
  std::vector<int> all;
  for (std::size_t i = 0; i < g_.nodes.size(); ++i)
    if (g_.nodes[i].kind == NodeKind::reduce && stage_[i] == stage + 1) all.push_back(static_cast<int>(i));
  return all;
}

std::string KernelText::literal(double v, DType type) const {
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
  return fmt::format("{}({})", lang_.variable(type), static_cast<std::int64_t>(v));
}

Emitted KernelText::finish(const std::string& body) {
  Emitted out;
  std::string args;
  int slot = 0;
  const auto add = [&](std::string_view pattern, std::string_view type, const std::string& name) {
    args += (args.empty() ? "" : ", ") + fmt::format(fmt::runtime(pattern), fmt::arg("type", type),
                                                     fmt::arg("name", name), fmt::arg("slot", slot++));
  };
  out.inputs = tensor_order_;
  for (std::size_t i = 0; i < tensor_order_.size(); ++i)
    add(lang_.input, lang_.storage(tensor_type_.at(tensor_order_[i])), fmt::format("t{}", i));
  for (std::size_t i = 0; i < s_.stores.size(); ++i) {
    out.outputs.push_back(s_.stores[i].name);
    add(lang_.output, lang_.storage(node(s_.stores[i].node).dtype), fmt::format("o{}", i));
  }
  out.symbols = symbols();
  for (const std::string& symbol : out.symbols) add(lang_.size, lang_.index, symbol);
  out.source = fmt::format(fmt::runtime(lang_.kernel), fmt::arg("name", name_), fmt::arg("args", args),
                           fmt::arg("threads", s_.threads)) +
               " {\n" + std::string(lang_.enter) + body + "}\n";
  return out;
}

bool KernelText::find_stages() {
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

std::vector<int> KernelText::needed(const std::vector<int>& roots, const std::set<int>& there) const {
  std::set<int> all;
  const auto visit = [&](auto&& self, int n) -> void {
    if (there.contains(n) || !all.insert(n).second) return;
    for (const Operand& o : node(n).operands)
      if (o.value >= 0) self(self, node_of(o));
  };
  for (const int r : roots) visit(visit, r);
  return {all.begin(), all.end()};
}

void KernelText::name_tensors() {
  for (const Node& n : g_.nodes)
    if (n.kind == NodeKind::load && !tensors_.contains(n.name)) {
      const int id = static_cast<int>(tensors_.size());
      tensors_[n.name] = id;
      tensor_order_.push_back(n.name);
      tensor_type_[n.name] = n.dtype;
    }
}

std::string KernelText::index(const std::map<int, Size>& strides, const Size& offset) const {
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

std::string KernelText::operand(const Operand& o, DType type) const {
  if (o.value < 0 && !o.size.empty()) return fmt::format("{}({})", lang_.variable(type), o.size);
  if (o.value < 0) return literal(o.number, type);
  const std::string text = value_text(node_of(o));
  if (register_type(node(node_of(o)).dtype) == type) return text;
  if (type == DType::bool_) return "(" + text + " != 0)";
  return fmt::format("{}({})", lang_.variable(type), text);
}

/// Comparisons, places of largest elements, and what becomes an integer or a boolean decide.
void KernelText::find_decisions() {
  for (std::size_t i = g_.nodes.size(); i-- > 0;) {
    const Node& n = g_.nodes[i];
    const bool decides = decided_on_.contains(static_cast<int>(i)) || n.reduction.starts_with("arg") ||
                         (n.op != nullptr && !is_floating(n.dtype));
    for (const Operand& o : n.operands)
      if (decides && o.value >= 0) decided_on_.insert(node_of(o));
  }
}

/// To halves and back; other types are what registers hold.
std::string KernelText::rounded(const std::string& value, DType type) const {
  return is_half(type) ? fmt::format("float({}({}))", lang_.storage(type), value) : value;
}

/// An operand of a comparison, which eager does in the operands' common type: numbers are rounded to it, too.
std::string KernelText::compared(const Node& n, const Operand& o) const {
  if (o.value >= 0) return operand(o, n.compute);
  std::set<DType> types;
  for (const Operand& other : n.operands)
    if (other.value >= 0) types.insert(node(node_of(other)).dtype);
  return rounded(operand(o, n.compute), types.size() == 1 ? *types.begin() : n.compute);
}

std::string KernelText::value_text(int n) const {
  const auto it = arrays_.find(n);
  return it == arrays_.end() ? fmt::format("v{}", n) : fmt::format("x{}[l]", n);
}

std::string KernelText::expression(int id) const {
  const Node& n = node(id);
  if (n.kind == NodeKind::index) return index(n.strides, n.offset);
  if (n.kind == NodeKind::load) {
    if (const auto there = loaded_.find(id); there != loaded_.end()) return there->second;
    const std::string element = fmt::format("t{}[{}]", tensors_.at(n.name), index(n.strides, n.offset));
    return n.dtype == DType::bool_ ? element + " != 0" : element;
  }
  std::vector<std::string> args;
  for (std::size_t i = 0; i < n.operands.size(); ++i) {
    DType type = n.compute;
    if (n.op->kind == PointKind::select && i == 0) type = DType::bool_;
    if (n.op->kind == PointKind::select_second && i == 1) type = DType::bool_;
    args.push_back(n.op->kind == PointKind::compare ? compared(n, n.operands[i]) : operand(n.operands[i], type));
  }
  args.resize(4);
  return fmt::format(fmt::runtime(n.op->code), args[0], args[1], args[2], args[3],
                     fmt::arg("z", literal(0, n.compute)));
}

std::string KernelText::declare(int id) const {
  std::string text = expression(id);
  if (node(id).kind == NodeKind::point && node(id).dtype == DType::bool_ && node(id).compute != DType::bool_ &&
      node(id).op->kind == PointKind::numeric)
    text = "(" + text + ") != 0";
  if (node(id).kind == NodeKind::point && is_decided_on(id)) text = rounded(text, node(id).dtype);
  return fmt::format("const {} v{} = {};\n", lang_.variable(node(id).dtype), id, text);
}

std::string KernelText::store(std::size_t i) const {
  const Store& st = s_.stores[i];
  return fmt::format("o{}[{}] = {};\n", i, index(st.strides, 0), value_text(st.node));
}

std::string KernelText::decode(const std::string& item, const std::vector<int>& axes, std::string pad) const {
  if (axes.empty()) return {};
  if (axes.size() == 1) return fmt::format("{}const {} i{} = {};\n", pad, index_type_, axes[0], item);
  std::string text = fmt::format("{}{} rest = {};\n", pad, index_type_, item);
  for (std::size_t k = axes.size(); k-- > 1;)
    text += fmt::format("{0}const {1} i{2} = rest % ({3});\n{0}rest /= ({3});\n", pad, index_type_, axes[k],
                        s_.size(axes[k]).text());
  return text + fmt::format("{}const {} i{} = rest;\n", pad, index_type_, axes[0]);
}

DType KernelText::total_type(const Node& n) const {
  if (n.reduction.starts_with("arg"))
    return register_type(node(node_of(n.operands[0])).dtype) == DType::float32 ? DType::float32 : DType::int64;
  if (n.dtype == DType::bool_ || n.dtype == DType::uint8) return DType::int32;
  return register_type(n.dtype);
}

std::string KernelText::initial(const Node& n) const {
  const DType t = total_type(n);
  if (n.reduction == "sum") return literal(0, t);
  if (n.reduction == "prod") return literal(1, t);
  const bool least = n.reduction == "amax" || n.reduction == "argmax";
  if (t == DType::float32) return least ? "-b_inf" : "b_inf";
  return least ? fmt::format("{}(-2147483647 - 1)", lang_.variable(t))
               : fmt::format("{}(2147483647)", lang_.variable(t));
}

bool KernelText::sums_floats(const Node& n) const {
  return n.reduction == "sum" && total_type(n) == DType::float32;
}

Size KernelText::row_size() const {
  std::vector<int> axes(g_.reduced.begin(), g_.reduced.end());
  return product_of(g_, axes);
}

bool KernelText::is_dear(int n) const {
  int cost = 0;
  for (const int m : needed({n}, {}))
    if (is_full(m)) cost += node(m).kind == NodeKind::point ? node(m).op->cost : 1;
  return node(n).kind == NodeKind::point && node(n).op->cost >= 8 && cost >= 8 && node(n).dtype != DType::bool_;
}

std::vector<int> KernelText::roots_of(int stage) const {
  std::vector<int> roots;
  for (std::size_t i = 0; i < g_.nodes.size(); ++i)
    if (g_.nodes[i].kind == NodeKind::reduce && stage_[i] == stage + 1)
      roots.push_back(node_of(g_.nodes[i].operands[0]));
  for (const Store& st : s_.stores)
    if (st.full && stage_[static_cast<std::size_t>(st.node)] == stage) roots.push_back(st.node);
  return roots;
}

bool KernelText::uses(const std::vector<int>& nodes, const std::vector<int>& roots, int n) const {
  if (std::ranges::find(roots, n) != roots.end()) return true;
  return std::ranges::any_of(nodes, [&](int m) {
    return std::ranges::any_of(node(m).operands, [&](const Operand& o) { return o.value >= 0 && node_of(o) == n; });
  });
}

bool KernelText::wanted_later(int n, int stage) const {
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

std::vector<std::string> KernelText::symbols() const {
  std::vector<std::string> all;
  const auto add = [&](const Size& size) {
    if (size.is_static()) return;
    for (const std::string& s : to_expr(size).symbols())
      if (std::ranges::find(all, s) == all.end()) all.push_back(s);
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
  return all;
}

}  // namespace burnish::compiler
