#include "compiler/work.h"

#include <algorithm>
#include <array>

namespace burnish::compiler {
namespace {

double numel(const Context& context, const Arg* a) {
  const std::string* name = a == nullptr ? nullptr : as_name(*a);
  const Type* type = name == nullptr ? nullptr : context.type(*name);
  return type == nullptr ? 0 : static_cast<double>(std::max<std::int64_t>(0, type->numel()));
}

/// A size of a tensor, counted from its end; 0 where it is not known.
double size_at(const Context& context, const Arg* a, std::size_t from_end) {
  const std::string* name = a == nullptr ? nullptr : as_name(*a);
  const Type* type = name == nullptr ? nullptr : context.type(*name);
  if (type == nullptr || from_end >= type->rank()) return 0;
  const Size& size = type->shape[type->rank() - 1 - from_end];
  return size.is_static() ? static_cast<double>(size.value()) : 0;
}

double made(const OpStep& op, const Context& context) {
  const Arg out = arg_name(op.out.empty() ? "" : op.out[0]);
  return numel(context, &out);
}

/// `terms`: the tensor whose last size says how many products are summed.
template <std::size_t terms>
double product(const OpStep& op, const Context& context) {
  return 2 * made(op, context) * size_at(context, argument(op, terms), 0);
}

/// A weight's elements for one of its first dimension: an output channel's, or an input channel's where transposed.
double taps(const OpStep& op, const Context& context) {
  const Arg* weight = argument(op, 1);
  const std::string* name = weight == nullptr ? nullptr : as_name(*weight);
  const Type* type = name == nullptr ? nullptr : context.type(*name);
  if (type == nullptr || type->rank() == 0 || !type->shape[0].is_static() || type->shape[0].value() == 0) return 0;
  return numel(context, weight) / static_cast<double>(type->shape[0].value());
}

double convolution(const OpStep& op, const Context& context) {
  return 2 * made(op, context) * taps(op, context);
}

double transposed_convolution(const OpStep& op, const Context& context) {
  return 2 * numel(context, argument(op, 0)) * taps(op, context);
}

double attention(const OpStep& op, const Context& context) {
  const double width = size_at(context, argument(op, 0), 0), keys = size_at(context, argument(op, 1), 1);
  const double values = size_at(context, argument(op, 2), 0);
  return width == 0 ? 0 : 2 * numel(context, argument(op, 0)) / width * keys * (width + values);
}

double window(const OpStep& op, const Context& context) {
  const Arg* sizes = argument(op, 1);
  double elements = made(op, context);
  if (const auto list = sizes == nullptr ? std::nullopt : as_ints(*sizes))
    for (const auto size : *list) elements *= static_cast<double>(size);
  return elements;
}

double each_element(const OpStep& op, const Context& context) {
  return numel(context, argument(op, 0));
}

/// Every weight meets every row of the input once: a step's, or all steps' of a sequence.
double recurrent(const OpStep& op, const Context& context) {
  const Arg* x = argument(op, 0);
  const double width = size_at(context, x, 0);
  double weights = 0;
  const auto add = [&](const Arg& a) {
    const std::string* name = as_name(a);
    const Type* type = name == nullptr ? nullptr : context.type(*name);
    if (type != nullptr && type->rank() == 2) weights += numel(context, &a);
  };
  for (std::size_t i = 2; i < op.args.size(); ++i) {
    add(op.args[i]);
    if (const auto* list = std::get_if<std::vector<Arg>>(&op.args[i].value))
      for (const Arg& a : *list) add(a);
  }
  return width == 0 ? 0 : 2 * numel(context, x) / width * weights;
}

struct Row {
  std::string_view op;
  double (*count)(const OpStep&, const Context&);
};
constexpr auto rows = std::to_array<Row>({
    {"mm", product<0>},
    {"bmm", product<0>},
    {"matmul", product<0>},
    {"mv", product<0>},
    {"linear", product<0>},
    {"_linear_pointwise", product<0>},
    {"addmm", product<1>},
    {"baddbmm", product<1>},
    {"addmv", product<1>},
    {"conv1d", convolution},
    {"conv2d", convolution},
    {"conv3d", convolution},
    {"convolution", convolution},
    {"_convolution_pointwise", convolution},
    {"conv_transpose1d", transposed_convolution},
    {"conv_transpose2d", transposed_convolution},
    {"conv_transpose3d", transposed_convolution},
    {"_convolution_transpose_pointwise", transposed_convolution},
    {"scaled_dot_product_attention", attention},
    {"max_pool1d", window},
    {"max_pool2d", window},
    {"max_pool3d", window},
    {"avg_pool1d", window},
    {"avg_pool2d", window},
    {"avg_pool3d", window},
    {"adaptive_avg_pool1d", each_element},
    {"adaptive_avg_pool2d", each_element},
    {"adaptive_avg_pool3d", each_element},
    {"cumsum", each_element},
    {"cumprod", each_element},
    {"lstm", recurrent},
    {"gru", recurrent},
    {"rnn_tanh", recurrent},
    {"rnn_relu", recurrent},
    {"lstm_cell", recurrent},
    {"gru_cell", recurrent},
    {"rnn_tanh_cell", recurrent},
    {"rnn_relu_cell", recurrent},
});

}  // namespace

double flops_of(const OpStep& op, const Context& context) {
  const auto* row = std::ranges::find(rows, short_name(op.op), &Row::op);
  return row == rows.end() ? 0 : row->count(op, context);
}

json describe_work(const Plan& plan, const Context& context) {
  json all = json::object();
  for (const Step& step : plan.steps) {
    if (const auto* op = std::get_if<OpStep>(&step)) {
      const double flops = flops_of(*op, context);
      if (flops > 0 && !op->out.empty()) all[op->out[0]] = {{"flops", flops}};
      continue;
    }
    const auto* launch = std::get_if<LaunchStep>(&step);
    if (launch == nullptr) continue;
    for (const Arg& a : launch->args)
      if (const std::string* name = as_name(a); name != nullptr && context.work.contains(*name)) {
        const KernelWork& work = context.work.at(*name);
        all[*name] = {{"flops", work.flops}, {"of", work.of}};
      }
  }
  return all;
}

}  // namespace burnish::compiler
