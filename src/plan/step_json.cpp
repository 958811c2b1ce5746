#include <fmt/format.h>

#include <cmath>

#include "plan/names.h"
#include "plan/print.h"
#include "plan/print_parts.h"

namespace burnish {

json expr_to_json(const Expr& expr) {
  if (const auto* value = expr.constant()) return *value;
  return expr.text();
}

json exprs_to_json(const std::vector<Expr>& exprs) {
  json out = json::array();
  for (const Expr& expr : exprs) out.push_back(expr_to_json(expr));
  return out;
}

json strides_to_json(const Strides& strides) {
  if (strides.kind == Strides::Kind::explicit_) return exprs_to_json(strides.values);
  return std::string(strides_name(strides.kind));
}

namespace {

json arg_to_json(const Arg& arg);

json args_to_json(const std::vector<Arg>& args) {
  json out = json::array();
  for (const Arg& arg : args) out.push_back(arg_to_json(arg));
  return out;
}

json double_to_json(double value) {
  if (std::isnan(value)) return {{"float", "nan"}};
  if (std::isinf(value)) return {{"float", value < 0 ? "-inf" : "inf"}};
  return value;
}

json name_to_json(const Arg::Name& name) {
  if (!name.offset) return name.tensor;
  return {{"of", name.tensor}, {"offset", expr_to_json(*name.offset)}};
}

struct ArgToJson {
  json operator()(const Arg::None&) const { return nullptr; }
  json operator()(bool value) const { return value; }
  json operator()(std::int64_t value) const { return value; }
  json operator()(double value) const { return double_to_json(value); }
  json operator()(const Arg::Name& name) const { return name_to_json(name); }
  json operator()(const Expr& expr) const { return expr_to_json(expr); }
  json operator()(const Arg::Literal& literal) const { return {{literal.kind, literal.text}}; }
  json operator()(const std::vector<Arg>& list) const { return args_to_json(list); }
};

json arg_to_json(const Arg& arg) {
  return std::visit(ArgToJson{}, arg.value);
}

json grid_to_json(const std::array<Expr, 3>& grid) {
  return exprs_to_json({grid[0], grid[1], grid[2]});
}

struct StepToJson {
  json operator()(const OpStep& step) const {
    json out = {{"op", step.op}, {"args", args_to_json(step.args)}};
    for (const auto& [name, arg] : step.kwargs) out["kwargs"][name] = arg_to_json(arg);
    out["out"] = step.out;
    return out;
  }

  json operator()(const LaunchStep& step) const {
    json out = {{"launch", step.kernel}};
    if (step.range) out["range"] = expr_to_json(*step.range);
    if (step.grain) out["grain"] = expr_to_json(*step.grain);
    if (step.grid) out["grid"] = grid_to_json(*step.grid);
    if (step.block) out["block"] = grid_to_json(*step.block);
    if (step.cluster) out["cluster"] = grid_to_json(*step.cluster);
    if (step.shared_bytes) out["shared_bytes"] = expr_to_json(*step.shared_bytes);
    if (step.cooperative) out["cooperative"] = true;
    out["args"] = args_to_json(step.args);
    return out;
  }

  json operator()(const AllocateStep& step) const {
    json out = {{step.zero ? "zero" : "empty", step.out}};
    if (step.like) out["like"] = *step.like;
    if (step.dtype) out["dtype"] = std::string(dtype_name(*step.dtype));
    if (step.shape) out["shape"] = exprs_to_json(*step.shape);
    if (step.strides.kind != Strides::Kind::contiguous) out["strides"] = strides_to_json(step.strides);
    return out;
  }

  json operator()(const LayoutStep& step) const {
    return {{"layout", step.out}, {"of", step.of}, {"strides", strides_to_json(step.strides)}};
  }

  json operator()(const CallStep& step) const {
    json out = {{"call", step.function}, {"args", step.args}, {"out", step.out}};
    if (!step.prefix.empty()) out["params"] = step.prefix;
    if (!step.loop.empty()) {
      out["for"] = step.loop;
      out["in"] = exprs_to_json({step.begin, step.end});
    }
    return out;
  }

  json operator()(const ChoiceStep& step) const {
    json out = {
        {"if", step.flag}, {"then", step.then}, {"else", step.otherwise}, {"args", step.args}, {"out", step.out}};
    if (!step.prefix.empty()) out["params"] = step.prefix;
    return out;
  }
};

void write_line(const json& value, std::string& out) {
  const auto text = [](const json& leaf) { return leaf.dump(-1, ' ', false, json::error_handler_t::replace); };
  if (!value.is_structured()) {
    out += text(value);
    return;
  }
  const bool object = value.is_object();
  out += object ? '{' : '[';
  bool first = true;
  for (const auto& [key, item] : value.items()) {
    if (!std::exchange(first, false)) out += ", ";
    if (object) out += text(key) + ": ";
    write_line(item, out);
  }
  out += object ? '}' : ']';
}

}  // namespace

json step_to_json(const Step& step) {
  return std::visit(StepToJson{}, step);
}

std::string to_line(const json& value) {
  std::string out;
  write_line(value, out);
  return out;
}

}  // namespace burnish
