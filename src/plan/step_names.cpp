#include "plan/step_names.h"

#include <algorithm>

namespace burnish {
namespace {

void visit_arg(Arg& arg, const StepVisitor& visitor) {
  if (auto* name = std::get_if<Arg::Name>(&arg.value)) {
    if (visitor.read) visitor.read(name->tensor);
    if (name->offset && visitor.expression) visitor.expression(*name->offset);
  } else if (auto* expr = std::get_if<Expr>(&arg.value)) {
    if (visitor.expression) visitor.expression(*expr);
  } else if (auto* list = std::get_if<std::vector<Arg>>(&arg.value)) {
    for (Arg& item : *list) visit_arg(item, visitor);
  }
}

/// Visits the parts of each kind of step; what a step reads comes before what it makes.
struct Visit {
  const StepVisitor& visitor;

  void read(std::string& name) const {
    if (visitor.read) visitor.read(name);
  }
  void assign(std::string& name) const {
    if (visitor.assign && !name.empty()) visitor.assign(name);
  }
  void expression(Expr& expr) const {
    if (visitor.expression) visitor.expression(expr);
  }
  void expression(std::optional<Expr>& expr) const {
    if (expr) expression(*expr);
  }
  void expression(std::optional<std::array<Expr, 3>>& grid) const {
    if (!grid) return;
    for (Expr& expr : *grid) expression(expr);
  }
  void strides(Strides& strides) const {
    for (Expr& expr : strides.values) expression(expr);
  }

  void operator()(OpStep& step) const {
    for (Arg& arg : step.args) visit_arg(arg, visitor);
    for (auto& [name, arg] : step.kwargs) visit_arg(arg, visitor);
    for (std::string& name : step.out) assign(name);
  }
  void operator()(LaunchStep& step) const {
    for (auto* expr : {&step.range, &step.grain, &step.shared_bytes}) expression(*expr);
    for (auto* grid : {&step.grid, &step.block, &step.cluster}) expression(*grid);
    for (Arg& arg : step.args) visit_arg(arg, visitor);
  }
  void operator()(AllocateStep& step) const {
    if (step.like) read(*step.like);
    if (step.shape)
      for (Expr& expr : *step.shape) expression(expr);
    strides(step.strides);
    assign(step.out);
  }
  void operator()(LayoutStep& step) const {
    read(step.of);
    strides(step.strides);
    assign(step.out);
  }
  void operator()(CallStep& step) const {
    if (!step.loop.empty()) expression(step.begin), expression(step.end);
    for (std::string& name : step.args) read(name);
    for (std::string& name : step.out) assign(name);
  }
  void operator()(ChoiceStep& step) const {
    read(step.flag);
    for (std::string& name : step.args) read(name);
    for (std::string& name : step.out) assign(name);
  }
};

using Node = Expr::Node;

/// A node with other names, or null where nothing changes, so that unchanged trees stay shared.
std::shared_ptr<const Node> replaced(const Node& node, const Replacement& replacement) {
  if (node.kind == Node::Kind::symbol) {
    const auto expr = replacement.symbol ? replacement.symbol(node.name) : std::nullopt;
    return expr ? std::make_shared<Node>(expr->node()) : nullptr;
  }
  if (node.kind == Node::Kind::numel || node.kind == Node::Kind::size || node.kind == Node::Kind::stride) {
    const auto name = replacement.tensor ? replacement.tensor(node.name) : std::nullopt;
    if (!name) return nullptr;
    auto copy = std::make_shared<Node>(node);
    copy->name = *name;
    return copy;
  }
  std::shared_ptr<Node> copy;
  for (std::size_t i = 0; i < node.args.size(); ++i) {
    auto arg = replaced(*node.args[i], replacement);
    if (!arg) continue;
    if (!copy) copy = std::make_shared<Node>(node);
    copy->args[i] = std::move(arg);
  }
  return copy;
}

}  // namespace

void visit(Step& step, const StepVisitor& visitor) {
  std::visit(Visit{visitor}, step);
}

std::vector<std::string> outputs_of(const Step& step) {
  if (const auto* op = std::get_if<OpStep>(&step)) return op->out;
  if (const auto* one = std::get_if<AllocateStep>(&step)) return {one->out};
  if (const auto* one = std::get_if<LayoutStep>(&step)) return {one->out};
  if (const auto* call = std::get_if<CallStep>(&step)) return call->out;
  if (const auto* choice = std::get_if<ChoiceStep>(&step)) return choice->out;
  return {};
}

std::vector<std::string> inputs_of(const Step& step) {
  std::vector<std::string> names;
  Step copy = step;
  StepVisitor visitor;
  visitor.read = [&](std::string& name) { add_once(names, name); };
  visitor.expression = [&](Expr& expr) {
    for (const std::string& name : expr.tensors()) add_once(names, name);
  };
  visit(copy, visitor);
  return names;
}

std::vector<Expr> expressions_of(const Step& step) {
  std::vector<Expr> out;
  Step copy = step;
  StepVisitor visitor;
  visitor.expression = [&](Expr& expr) { out.push_back(expr); };
  visit(copy, visitor);
  return out;
}

std::vector<std::string> functions_of(const Step& step) {
  if (const auto* call = std::get_if<CallStep>(&step)) return {call->function};
  if (const auto* choice = std::get_if<ChoiceStep>(&step)) return {choice->then, choice->otherwise};
  return {};
}

Expr replace(const Expr& expr, const Replacement& replacement) {
  auto node = replaced(expr.node(), replacement);
  return node ? Expr(std::move(node)) : expr;
}

}  // namespace burnish
