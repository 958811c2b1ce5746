#include "plan/writes.h"

#include <algorithm>
#include <array>

namespace burnish {
namespace {

// Operators whose result always shares memory with their first argument. aten::reshape and aten::contiguous are not
// here: whether they copy depends on the call.
constexpr std::array<std::string_view, 19> views = {
    "aten::alias",   "aten::as_strided", "aten::detach",    "aten::diagonal", "aten::expand",
    "aten::movedim", "aten::narrow",     "aten::permute",   "aten::select",   "aten::slice",
    "aten::squeeze", "aten::t",          "aten::transpose", "aten::unfold",   "aten::unsqueeze",
    "aten::view",    "aten::view_as",    "aten::unflatten", "aten::swapaxes"};

bool holds_tensor(const Arg& arg) {
  if (std::holds_alternative<Arg::Name>(arg.value)) return true;
  const auto* list = std::get_if<std::vector<Arg>>(&arg.value);
  return list && std::ranges::any_of(*list, holds_tensor);
}

bool in_place(std::string_view base) {
  if (base.starts_with("__i") && base.ends_with("__")) return true;  // __iadd__, __ior__, ...
  return base.ends_with("_") && !base.ends_with("__");
}

}  // namespace

OpName split_op(std::string_view op) {
  OpName name;
  if (const auto colons = op.find("::"); colons != op.npos) {
    name.space = op.substr(0, colons);
    op.remove_prefix(colons + 2);
  }
  const auto dot = op.find('.');
  name.base = op.substr(0, dot);
  if (dot != op.npos) name.overload = op.substr(dot + 1);
  return name;
}

std::vector<const Arg*> written_by(const OpStep& step) {
  const OpName name = split_op(step.op);
  std::vector<const Arg*> written;
  if (in_place(name.base)) {
    if (!step.args.empty())
      written.push_back(&step.args[0]);
    else if (!step.kwargs.empty())
      written.push_back(&step.kwargs[0].second);
  }
  const bool out_overload = name.overload == "out" || name.overload.ends_with("_out");
  bool by_keyword = false;
  for (const auto& [key, arg] : step.kwargs) {
    if (key != "out" && !(out_overload && holds_tensor(arg))) continue;
    written.push_back(&arg);
    by_keyword = true;
  }
  if (out_overload && !by_keyword && !step.args.empty()) written.push_back(&step.args.back());
  return written;
}

bool makes_view(std::string_view op) {
  const OpName name = split_op(op);
  const std::string_view without_overload = op.substr(0, name.space.size() + 2 + name.base.size());
  return std::ranges::find(views, without_overload) != views.end();
}

}  // namespace burnish
