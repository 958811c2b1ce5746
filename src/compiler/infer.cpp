#include "compiler/infer.h"

#include <algorithm>

#include "compiler/fuse/group.h"
#include "compiler/fuse/point_ops.h"

namespace burnish::compiler {
namespace {

Result<Type> unknown(const OpStep& step) {
  return fail("the type of " + step.op + " is not known");
}

const Type* type_arg(const OpStep& step, std::size_t i, const Context& context) {
  const Arg* a = argument(step, i);
  return a == nullptr || as_name(*a) == nullptr ? nullptr : context.type(*as_name(*a));
}

/// The type of floats of two types together.
DType wider(DType a, DType b) {
  if (a == b) return a;
  return a == DType::float64 || b == DType::float64 ? DType::float64 : DType::float32;
}

Result<Type> pointwise(const OpStep& step, const PointOp& op, const Context& context) {
  Type out;
  bool any = false;
  std::optional<DType> dtype;
  for (std::size_t i = 0; i < step.args.size(); ++i) {
    const Type* t = type_arg(step, i, context);
    if (t == nullptr) continue;
    const bool is_mask = (op.kind == PointKind::select && i == 0) || (op.kind == PointKind::select_second && i == 1);
    if (!is_mask && dtype && is_floating(*dtype) && is_floating(t->dtype))
      dtype = wider(*dtype, t->dtype);
    else if (!is_mask)
      dtype = !dtype || is_floating(t->dtype) || *dtype == DType::bool_ ? t->dtype : *dtype;
    if (!any || t->rank() > out.rank()) {
      std::vector<Size> wider = t->shape;
      for (std::size_t d = 0; d < out.rank(); ++d)
        if (const std::size_t k = wider.size() - out.rank() + d; wider[k].is(1)) wider[k] = out.shape[d];
      out.shape = wider;
    } else {
      for (std::size_t d = 0; d < t->rank(); ++d)
        if (const std::size_t k = out.rank() - t->rank() + d; out.shape[k].is(1)) out.shape[k] = t->shape[d];
    }
    any = true;
  }
  if (!any) return unknown(step);
  out.dtype = dtype.value_or(DType::float32);
  if (op.kind == PointKind::compare || op.kind == PointKind::logical) out.dtype = DType::bool_;
  if (op.kind == PointKind::real && !is_floating(out.dtype)) out.dtype = DType::float32;
  out.strides = contiguous_strides(out.shape);
  return out;
}

Result<Type> reduction(const OpStep& step, const Context& context, std::size_t at = 1) {
  const Type* in = type_arg(step, 0, context);
  if (in == nullptr) return unknown(step);
  Type out{in->dtype, {}, {}};
  const auto op = short_name(step.op);
  if (op.starts_with("arg")) out.dtype = DType::int64;
  if (op == "any" || op == "all") out.dtype = DType::bool_;
  if ((op == "sum" || op == "prod") && !is_floating(in->dtype)) out.dtype = DType::int64;
  const Arg* dims_arg = argument(step, at, "dim");
  std::vector<std::int64_t> dims;
  if (dims_arg != nullptr && !is_none(*dims_arg)) {
    const auto list = as_ints(*dims_arg);
    if (!list) return unknown(step);
    dims = *list;
  }
  const Arg* keep_arg = argument(step, at + 1, "keepdim");
  const bool keep = keep_arg != nullptr && as_bool(*keep_arg).value_or(false);
  for (const auto d : dims)
    if (d >= static_cast<std::int64_t>(in->rank()) || d < -static_cast<std::int64_t>(in->rank())) return unknown(step);
  for (std::size_t d = 0; d < in->rank(); ++d) {
    const bool drop = dims.empty() || std::ranges::any_of(dims, [&](std::int64_t k) {
                        return static_cast<std::size_t>(k < 0 ? k + static_cast<std::int64_t>(in->rank()) : k) == d;
                      });
    if (!drop) out.shape.push_back(in->shape[d]);
    if (drop && keep) out.shape.emplace_back(1);
  }
  out.strides = contiguous_strides(out.shape);
  return out;
}

Result<Type> with_shape(const Type& in, std::vector<Size> shape) {
  // One size may be -1: what is left.
  Size known = 1;
  std::size_t open = shape.size();
  for (std::size_t d = 0; d < shape.size(); ++d) {
    if (shape[d].text() == "-1")
      open = d;
    else
      known = known * shape[d];
  }
  if (open < shape.size()) {
    const std::int64_t n = in.numel();
    if (n < 0 || !known.is_static() || known.value() == 0) return fail("a size of -1 among symbols");
    shape[open] = n / known.value();
  }
  Type out{in.dtype, std::move(shape), {}};
  out.strides = contiguous_strides(out.shape);
  return out;
}

}  // namespace

Result<Type> infer(const OpStep& step, const Context& context) {
  if (const PointOp* op = find_point_op(step.op)) return pointwise(step, *op, context);
  if (is_reduction(step)) return reduction(step, context);
  const auto op = short_name(step.op);
  const Type* in = type_arg(step, 0, context);
  if (op == "mean" || op == "var" || op == "std") return reduction(step, context);
  if (op == "linalg_vector_norm") return reduction(step, context, 2);
  if (op == "pairwise_distance" && in != nullptr && in->rank() > 0) {
    Type out = *in;
    out.shape.pop_back();
    out.strides = contiguous_strides(out.shape);
    return out;
  }
  if (op == "softmax" || op == "log_softmax") return in == nullptr ? unknown(step) : Result<Type>(*in);
  if (op == "arange") {
    const auto n = step.args.empty() ? std::nullopt : as_size(step.args[0]);
    if (!n) return unknown(step);
    return Type{DType::int64, {*n}, {Size(1)}};
  }
  if (in == nullptr) return unknown(step);
  if (op == "reshape" || op == "view" || op == "expand") {
    const auto shape = step.args.size() > 1 ? as_sizes(step.args[1]) : std::nullopt;
    if (!shape) return unknown(step);
    return with_shape(*in, *shape);
  }
  if (op == "unsqueeze") {
    const auto d = step.args.size() > 1 ? as_int(step.args[1]) : std::nullopt;
    if (!d) return unknown(step);
    Type out = *in;
    out.shape.insert(out.shape.begin() + (*d < 0 ? *d + static_cast<std::int64_t>(in->rank()) + 1 : *d), Size(1));
    out.strides = contiguous_strides(out.shape);
    return out;
  }
  if (op == "slice") {
    const auto d = as_int(step.args[1]), from = as_int(step.args[2]), to = as_int(step.args[3]);
    if (!d || !from || !to) return unknown(step);
    Type out = *in;
    out.shape[static_cast<std::size_t>(*d < 0 ? *d + static_cast<std::int64_t>(in->rank()) : *d)] = *to - *from;
    out.strides.clear();
    return out;
  }
  if (op == "transpose" || op == "t") {
    Type out = *in;
    const auto a = op == "t" ? std::optional<std::int64_t>(0) : as_int(step.args[1]),
               b = op == "t" ? std::optional<std::int64_t>(1) : as_int(step.args[2]);
    if (!a || !b || in->rank() < 2) return unknown(step);
    const auto at = [&](std::int64_t d) {
      return static_cast<std::size_t>(d < 0 ? d + static_cast<std::int64_t>(in->rank()) : d);
    };
    std::swap(out.shape[at(*a)], out.shape[at(*b)]);
    out.strides.clear();
    return out;
  }
  if (op == "logical_not") return Type{DType::bool_, in->shape, contiguous_strides(in->shape)};
  if (op == "linear") {
    const Type* weight = type_arg(step, 1, context);
    if (weight == nullptr || weight->rank() != 2) return unknown(step);
    Type out = *in;
    out.shape.back() = weight->shape[0];
    out.strides = contiguous_strides(out.shape);
    return out;
  }
  return unknown(step);
}

}  // namespace burnish::compiler
