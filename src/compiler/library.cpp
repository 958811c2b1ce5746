#include "compiler/library.h"

#include <algorithm>

#include "compiler/fuse/group.h"
#include "compiler/prepared.h"
#include "plan/print.h"

namespace burnish::compiler {
namespace {

constexpr std::int64_t least_product =
    16 * 32 * 32;                       // multiplications below which a call's overhead is all that counts
constexpr std::int64_t least_rows = 2;  // a product with one row reads the weights once: nothing to gain

Arg text(std::string word) {
  return Arg{Arg::Literal{"str", std::move(word)}};
}
Arg no_scalars() {
  return Arg{std::vector<Arg>{}};
}

/// Whether a matrix lies without gaps, by rows or by columns, as far as its strides are known. oneDNN takes no other as
/// the second operand without its slowest kernel: 3.8 s for 3 ms (512 x 512 out of 512 x 1024, one core of a Zen 5).
bool is_dense(const Type& matrix) {
  if (matrix.strides.size() != 2) return true;
  const auto lies = [&](std::size_t outer, std::size_t inner) {
    return (matrix.strides[inner].is(1) || matrix.shape[inner].is(1)) &&
           (matrix.strides[outer] == matrix.shape[inner] || matrix.shape[outer].is(1));
  };
  return lies(0, 1) || lies(1, 0);
}

class Library {
 public:
  Library(Plan& plan, Context& context)
      : plan_(plan), context_(context), index_(index_steps(plan)), prepared_(plan, context) {}

  Plan run() {
    std::vector<Step> steps;
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      if (skipped_.contains(static_cast<int>(i))) continue;
      auto* op = std::get_if<OpStep>(&plan_.steps[i]);
      std::optional<OpStep> better;
      if (op != nullptr) {
        if (op->op == "aten::linear") better = linear(*op);
        if (op->op == "aten::addmm") better = addmm(*op);
        if (op->op == "aten::mm" || op->op == "aten::matmul") better = product(*op, steps);
        // A convolution with packed weights answers in NHWC whatever it is given, so only where the neighbours are too.
        if (op->op == "aten::conv2d" && context_.options.channels_last) better = convolution(*op, steps);
        // In space it pays to turn the answer again, in a plane only where the neighbours are in NHWC.
        if (op->op == "aten::conv_transpose3d.input" ||
            (op->op == "aten::conv_transpose2d.input" && context_.options.channels_last))
          better = transposed_convolution(*op);
      }
      if (!better) {
        steps.push_back(std::move(plan_.steps[i]));
        continue;
      }
      take_relu(*better);
      const std::string out = better->out[0];
      const bool nhwc = context_.options.channels_last && context_.type(out)->rank() == 4;
      const bool turn = op->op.starts_with("aten::conv_transpose") && !nhwc;
      if (op->op.starts_with("aten::conv") && nhwc) mark(out);
      if (turn) better->out[0] = context_.fresh(out + "_nhwc");
      steps.emplace_back(std::move(*better));
      if (turn) steps.emplace_back(in_rows(out, std::get<OpStep>(steps.back()).out[0]));
    }
    plan_.steps = std::move(steps);
    if (context_.options.channels_last) spread_layouts();
    return std::move(plan_);
  }

 private:
  bool is_float(const Type* t) const { return t != nullptr && t->dtype == DType::float32; }

  /// A step in `prepare` that packs a weight; empty where the budget is spent.
  std::string pack(const std::string& weight, OpStep step) {
    const std::string key = to_line(step_to_json(Step{step}));
    if (const auto it = prepared_.made.find(key); it != prepared_.made.end()) return it->second;
    const std::int64_t cost = float_bytes(context_, weight);
    if (cost > prepared_.bytes_left) return {};
    prepared_.bytes_left -= cost;
    const std::string name = context_.fresh(weight + "_packed");
    context_.types[name] = *context_.type(weight);
    step.out = {name};
    plan_.prepare.emplace_back(std::move(step));
    prepared_.made[key] = name;
    return name;
  }

  std::optional<OpStep> pointwise_linear(const std::string& x, const std::string& weight, const Arg& bias,
                                         const std::string& out) {
    const Type *tx = context_.type(x), *tw = context_.type(weight);
    if (!is_float(tx) || !is_float(tw) || tx->rank() < 2 || tw->rank() != 2 || !tw->is_static()) return std::nullopt;
    Size rows = 1;
    for (std::size_t d = 0; d + 1 < tx->rank(); ++d) rows = rows * tx->shape[d];
    if (rows.is_static() && (rows.value() < least_rows || rows.value() * tw->numel() < least_product))
      return std::nullopt;
    std::string use = weight;
    if (prepared_.fixed.contains(weight)) {
      OpStep packing{"mkldnn::_reorder_linear_weight", {arg_name(weight)}, {}, {}};
      if (rows.is_static()) packing.args.push_back(arg_int(rows.value()));
      use = pack(weight, std::move(packing));
      if (use.empty()) use = weight;
    }
    if (use == weight && !is_dense(*tw)) return std::nullopt;
    context_.fired.emplace_back("oneDNN product");
    return OpStep{"mkldnn::_linear_pointwise",
                  {arg_name(x), arg_name(use), bias, text("none"), no_scalars(), text("")},
                  {},
                  {out}};
  }

  std::optional<OpStep> linear(const OpStep& op) {
    const Arg* bias = argument(op, 2, "bias");
    if (as_name(op.args[0]) == nullptr || as_name(op.args[1]) == nullptr) return std::nullopt;
    return pointwise_linear(*as_name(op.args[0]), *as_name(op.args[1]), bias == nullptr ? arg_none() : *bias,
                            op.out[0]);
  }

  /// The transpose of a matrix as a name: its own source where it is one already, else a new view.
  std::string transposed(const std::string& name, std::vector<Step>* steps) {
    const auto p = index_.producer.find(name);
    const auto find = [&]() -> const OpStep* {
      if (p != index_.producer.end()) return std::get_if<OpStep>(&plan_.steps[static_cast<std::size_t>(p->second)]);
      for (const Step& s : plan_.prepare)
        if (const auto* op = std::get_if<OpStep>(&s); op != nullptr && op->out == std::vector<std::string>{name})
          return op;
      return nullptr;
    };
    const OpStep* maker = find();
    if (maker != nullptr && (short_name(maker->op) == "t" || short_name(maker->op) == "numpy_T") &&
        as_name(maker->args[0]) != nullptr)
      return *as_name(maker->args[0]);
    const Type* type = context_.type(name);
    if (type == nullptr || type->rank() != 2) return {};
    OpStep view{"aten::t", {arg_name(name)}, {}, {context_.fresh(name + "_t")}};
    Type turned = *type;
    std::swap(turned.shape[0], turned.shape[1]);
    if (turned.strides.size() == 2) std::swap(turned.strides[0], turned.strides[1]);
    context_.types[view.out[0]] = turned;
    std::string made = view.out[0];
    if (prepared_.fixed.contains(name)) {
      prepared_.fixed.insert(made);
      plan_.prepare.emplace_back(std::move(view));
    } else if (steps != nullptr) {
      steps->emplace_back(std::move(view));
    } else {
      return {};
    }
    return made;
  }

  std::optional<OpStep> addmm(const OpStep& op) {
    if (op.args.size() != 3 || !op.kwargs.empty()) return std::nullopt;
    const std::string *bias = as_name(op.args[0]), *x = as_name(op.args[1]), *w = as_name(op.args[2]);
    if (bias == nullptr || x == nullptr || w == nullptr) return std::nullopt;
    const Type* tb = context_.type(*bias);
    if (tb == nullptr || tb->rank() != 1 || !prepared_.fixed.contains(*w)) return std::nullopt;
    const std::string turned = transposed(*w, nullptr);
    return turned.empty() ? std::nullopt : pointwise_linear(*x, turned, arg_name(*bias), op.out[0]);
  }

  std::optional<OpStep> product(const OpStep& op, std::vector<Step>& steps) {
    const std::string *a = as_name(op.args[0]), *b = as_name(op.args[1]);
    if (a == nullptr || b == nullptr) return std::nullopt;
    const Type *ta = context_.type(*a), *tb = context_.type(*b);
    if (!is_float(ta) || !is_float(tb) || tb->rank() != 2 || ta->rank() < 2 || !tb->is_static() || !ta->is_static())
      return std::nullopt;
    const std::int64_t k = tb->shape[0].value(), rows = k == 0 ? 0 : ta->numel() / k;
    if (rows < least_rows || rows * tb->numel() < 8 * least_product) return std::nullopt;
    if (!prepared_.fixed.contains(*b) && !is_dense(*tb)) return std::nullopt;
    if (tb->shape[1].is(1)) return std::nullopt;  // a matrix times a vector reads the matrix once: ATen's gemv does
    const std::string turned = transposed(*b, &steps);
    return turned.empty() ? std::nullopt : pointwise_linear(*a, turned, arg_none(), op.out[0]);
  }

  /// An argument with a number for each of `dims` dimensions, or one for all; nothing where it is no constant.
  static std::optional<std::vector<std::int64_t>> numbers(const OpStep& op, std::size_t dims, std::size_t i,
                                                          std::string_view name, std::int64_t otherwise) {
    const Arg* a = argument(op, i, name);
    auto values =
        a == nullptr ? std::vector<std::int64_t>{otherwise} : as_ints(*a).value_or(std::vector<std::int64_t>{});
    if (values.empty()) return std::nullopt;
    if (values.size() == 1) values.resize(dims, values[0]);
    return values;
  }

  /// Whether a convolution in so many dimensions is one of an image of known size with a weight that can be packed.
  bool packable(const OpStep& op, std::size_t dims) const {
    const std::string *x = as_name(op.args[0]), *w = as_name(op.args[1]);
    if (x == nullptr || w == nullptr || !prepared_.fixed.contains(*w)) return false;
    const Type *tx = context_.type(*x), *tw = context_.type(*w);
    return is_float(tx) && is_float(tw) && tx->rank() == dims + 2 && tw->is_static() && tx->is_static() &&
           tx->numel() > 0;
  }

  std::optional<OpStep> convolution(const OpStep& op, std::vector<Step>& steps) {
    const std::size_t dims = op.op == "aten::conv2d" ? 2 : 3;
    if (!packable(op, dims)) return std::nullopt;
    const std::string *x = as_name(op.args[0]), *w = as_name(op.args[1]);
    const Type* tx = context_.type(*x);
    const Arg* bias = argument(op, 2, "bias");
    const auto stride = numbers(op, dims, 3, "stride", 1), padding = numbers(op, dims, 4, "padding", 0),
               dilation = numbers(op, dims, 5, "dilation", 1);
    const Arg* groups_arg = argument(op, 6, "groups");
    const auto groups = groups_arg == nullptr ? std::optional<std::int64_t>(1) : as_int(*groups_arg);
    if (!stride || !padding || !dilation || !groups) return std::nullopt;
    OpStep packing{"mkldnn::_reorder_convolution_weight",
                   {arg_name(*w), arg_ints(*padding), arg_ints(*stride), arg_ints(*dilation), arg_int(*groups),
                    arg_sizes(tx->shape)},
                   {},
                   {}};
    const std::string packed = pack(*w, std::move(packing));
    if (packed.empty()) return std::nullopt;
    std::string input = *x;
    if (context_.options.channels_last) {
      input = context_.fresh(*x + "_cl");
      Type type = *tx;
      context_.types[input] = type;
      steps.emplace_back(LayoutStep{
          input, *x, Strides{dims == 2 ? Strides::Kind::channels_last : Strides::Kind::channels_last_3d, {}}});
    }
    context_.fired.emplace_back("oneDNN convolution");
    return OpStep{"mkldnn::_convolution_pointwise",
                  {arg_name(input), arg_name(packed), bias == nullptr ? arg_none() : *bias, arg_ints(*padding),
                   arg_ints(*stride), arg_ints(*dilation), arg_int(*groups), text("none"), no_scalars(), text("")},
                  {},
                  {op.out[0]}};
  }

  /// oneDNN's own for packed weights; ATen's calls the same library with the weight as it lies, which costs up to 60
  /// times as much where there are few input channels.
  std::optional<OpStep> transposed_convolution(const OpStep& op) {
    const std::size_t dims = short_name(op.op) == "conv_transpose2d" ? 2 : 3;
    if (!packable(op, dims)) return std::nullopt;
    const std::string *x = as_name(op.args[0]), *w = as_name(op.args[1]);
    const auto stride = numbers(op, dims, 3, "stride", 1), padding = numbers(op, dims, 4, "padding", 0),
               more = numbers(op, dims, 5, "output_padding", 0), dilation = numbers(op, dims, 7, "dilation", 1);
    const Arg *groups_arg = argument(op, 6, "groups"), *bias = argument(op, 2, "bias");
    const auto groups = groups_arg == nullptr ? std::optional<std::int64_t>(1) : as_int(*groups_arg);
    if (!stride || !padding || !more || !dilation || groups != 1) return std::nullopt;
    if (std::ranges::any_of(*dilation, [](std::int64_t d) { return d != 1; })) return std::nullopt;  // 0.3x of ATen's
    const std::string packed = pack(*w, OpStep{"mkldnn::_reorder_convolution_transpose_weight",
                                               {arg_name(*w), arg_ints(*padding), arg_ints(*more), arg_ints(*stride),
                                                arg_ints(*dilation), arg_int(1), arg_sizes(context_.type(*x)->shape)},
                                               {},
                                               {}});
    if (packed.empty()) return std::nullopt;
    context_.fired.emplace_back("oneDNN transposed convolution");
    return OpStep{
        "mkldnn::_convolution_transpose_pointwise",
        {arg_name(*x), arg_name(packed), bias == nullptr ? arg_none() : *bias, arg_ints(*padding), arg_ints(*more),
         arg_ints(*stride), arg_ints(*dilation), arg_int(1), text("none"), no_scalars(), text("")},
        {},
        {op.out[0]}};
  }

  /// The step that gives a tensor as oneDNN answers, in NHWC, the layout that ATen's operator would have given it.
  LayoutStep in_rows(const std::string& name, const std::string& from) {
    const Type& type = *context_.type(name);
    context_.types[from] = Type{type.dtype, type.shape, {}};
    return lay_out(context_, name, from);
  }

  /// A ReLU that alone reads the result goes into the call.
  void take_relu(OpStep& op) {
    const auto readers = index_.consumers.find(op.out[0]);
    if (index_.results.contains(op.out[0]) || readers == index_.consumers.end() || readers->second.size() != 1) return;
    const auto* next = std::get_if<OpStep>(&plan_.steps[static_cast<std::size_t>(readers->second[0])]);
    if (next == nullptr || next->op != "aten::relu") return;
    for (Arg& a : op.args)
      if (auto* l = std::get_if<Arg::Literal>(&a.value); l != nullptr && l->text == "none") {
        l->text = "relu";
        break;
      }
    op.out[0] = next->out[0];
    skipped_.insert(readers->second[0]);
  }

  void mark(const std::string& name) {
    const Type* t = context_.type(name);
    if (t != nullptr && t->rank() == 4) context_.layouts[name] = Strides::Kind::channels_last;
  }

  /// What is computed element by element from a tensor in NHWC is in NHWC too.
  void spread_layouts() {
    constexpr std::string_view keep[] = {"max_pool2d", "avg_pool2d", "upsample_nearest2d", "upsample_bilinear2d",
                                         "cat"};
    for (const Step& step : plan_.steps) {
      const auto* op = std::get_if<OpStep>(&step);
      if (op == nullptr || op->out.size() != 1) continue;
      const Type* out = context_.type(op->out[0]);
      if (out == nullptr || out->rank() != 4) continue;
      const bool keeps = std::ranges::find(keep, short_name(op->op)) != std::end(keep);
      if (!keeps && (!is_fusable(*op, context_) || is_reduction(*op))) continue;
      for_each_input(step, [&](const std::string& name) {
        const Type* in = context_.type(name);
        if (context_.layouts.contains(name) && in != nullptr && in->rank() == 4 && (keeps || in->shape == out->shape))
          mark(op->out[0]);
      });
    }
  }

  Plan& plan_;
  Context& context_;
  StepIndex index_;
  Prepared prepared_;
  std::set<int> skipped_;
};

}  // namespace

Result<Plan> use_library(Plan plan, Context& context) {
  if (!context.options.library || !context.allows(RuleClass::same)) return plan;  // another order of sums
  return Library(plan, context).run();
}

}  // namespace burnish::compiler
