#include "compiler/epilogues.h"

#include <set>

#include "compiler/fuse/group.h"

namespace burnish::compiler {
namespace {

/// A linear layer of halves with a bias of its outputs: x [..., k], w [n, k].
struct Layer {
  std::string x, w, bias;
  std::int64_t n = 0, k = 0;
};

std::optional<Layer> read_layer(const OpStep& step, const Context& context) {
  if (step.op != "aten::linear" || step.args.size() < 3 || step.out.size() != 1) return std::nullopt;
  const std::string *x = as_name(step.args[0]), *w = as_name(step.args[1]), *b = as_name(step.args[2]);
  if (x == nullptr || w == nullptr || b == nullptr) return std::nullopt;
  const Type *tx = context.type(*x), *tw = context.type(*w), *tb = context.type(*b);
  if (tx == nullptr || tw == nullptr || tb == nullptr) return std::nullopt;
  const bool halves = is_half(tx->dtype) && tw->dtype == tx->dtype && tb->dtype == tx->dtype;
  if (!halves || tx->rank() < 2 || !tx->is_static() || !tw->is_static() || tw->rank() != 2 || tb->rank() != 1)
    return std::nullopt;
  return Layer{*x, *w, *b, tw->shape[0].value(), tw->shape[1].value()};
}

/// Whether a step is an activation that the library computes, and whether that is GELU.
std::optional<bool> activation_of(const OpStep& step) {
  if (step.args.size() != 1 || step.out.size() != 1) return std::nullopt;
  if (step.op == "aten::relu" && step.kwargs.empty()) return false;
  if (step.op != "aten::gelu" || step.kwargs.size() != 1) return std::nullopt;
  const auto* word = std::get_if<Arg::Literal>(&step.kwargs[0].second.value);
  return word != nullptr && word->text == "tanh" ? std::optional(true) : std::nullopt;
}

class Epilogues {
 public:
  Epilogues(Plan& plan, Context& context) : plan_(plan), context_(context), index_(index_steps(plan)) {}

  void run() {
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      const auto* op = std::get_if<OpStep>(&plan_.steps[i]);
      const auto layer = op == nullptr ? std::nullopt : read_layer(*op, context_);
      const int next = layer ? only_reader(op->out[0]) : -1;
      const auto* after = next < 0 ? nullptr : std::get_if<OpStep>(&plan_.steps[static_cast<std::size_t>(next)]);
      if (const auto gelu = after == nullptr ? std::nullopt : activation_of(*after)) {
        write(*layer, *gelu, after->out[0]);
        done_.insert(next);
      } else if (!done_.contains(static_cast<int>(i))) {
        steps_.push_back(plan_.steps[i]);
      }
    }
    plan_.steps = std::move(steps_);
  }

 private:
  int only_reader(const std::string& name) const {
    const auto readers = index_.consumers.find(name);
    const bool one = !index_.results.contains(name) && readers != index_.consumers.end() && readers->second.size() == 1;
    return one ? readers->second[0] : -1;
  }

  std::string view(std::string_view op, std::vector<Arg> args, const std::string& of, std::vector<Size> shape) {
    const std::string made = context_.fresh(of + "_v");
    context_.types[made] = Type{context_.type(of)->dtype, std::move(shape), {}};
    steps_.emplace_back(OpStep{std::string(op), std::move(args), {}, {made}});
    return made;
  }

  void write(const Layer& layer, bool gelu, const std::string& out) {
    const Type type = *context_.type(out);
    const Size rows(layer.n == 0 ? 0 : type.numel() / layer.n);
    std::string x = layer.x;
    const bool flat = type.rank() == 2;
    if (!flat) x = view("aten::reshape", {arg_name(x), arg_sizes({rows, Size(layer.k)})}, x, {rows, Size(layer.k)});
    const std::string w = view("aten::t", {arg_name(layer.w)}, layer.w, {Size(layer.k), Size(layer.n)});
    const std::string made = flat ? out : context_.fresh(out + "_m");
    context_.types[made] = Type{type.dtype, {rows, Size(layer.n)}, contiguous_strides({rows, Size(layer.n)})};
    steps_.emplace_back(OpStep{"aten::_addmm_activation",
                               {arg_name(layer.bias), arg_name(x), arg_name(w)},
                               {{"use_gelu", arg_bool(gelu)}},
                               {made}});
    if (!flat) steps_.emplace_back(OpStep{"aten::reshape", {arg_name(made), arg_sizes(type.shape)}, {}, {out}});
    context_.fired.emplace_back("activation inside a product");
  }

  Plan& plan_;
  Context& context_;
  StepIndex index_;
  std::vector<Step> steps_;
  std::set<int> done_;
};

}  // namespace

Result<Plan> use_epilogues(Plan plan, Context& context) {
  if (context.options.language->epilogues && context.allows(RuleClass::same)) Epilogues(plan, context).run();
  return plan;
}

}  // namespace burnish::compiler
