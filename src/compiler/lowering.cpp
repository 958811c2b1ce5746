#include "compiler/lowering.h"

#include <algorithm>
#include <span>

#include "compiler/infer.h"

namespace burnish::compiler {
namespace {

constexpr std::int64_t least_split = 1 << 16;  // elements; below that one thread is done before a second has woken
constexpr std::int64_t most_parts = 64;

const Type* type_of(const Arg& arg, const Context& context) {
  return as_name(arg) == nullptr ? nullptr : context.type(*as_name(arg));
}

/// Appends a step and gives its result a name and a type; the name of the last step is set by the caller.
class Steps {
 public:
  explicit Steps(Context& context) : context_(context) {}
  bool failed = false;
  std::vector<OpStep> list;

  std::string add(std::string op, std::vector<Arg> args, std::optional<Type> type = std::nullopt) {
    OpStep step{std::move(op), std::move(args), {}, {}};
    const std::string name = context_.fresh(std::string(short_name(step.op)) + "_e");
    step.out = {name};
    if (!type) {
      auto found = infer(step, context_);
      if (!found) {
        failed = true;
        return name;
      }
      type = *found;
    }
    context_.types[name] = *type;
    list.push_back(std::move(step));
    return name;
  }

  std::string convert(const std::string& from, DType dtype) {
    list.push_back(compiler::convert(context_, context_.fresh(from + "_e"), from, dtype));
    return list.back().out[0];
  }

  /// The steps, the last one making `out`.
  std::vector<OpStep> finish(const std::string& out) {
    if (failed || list.empty()) return {};
    list.back().out = {out};
    return std::move(list);
  }

 private:
  Context& context_;
};

struct Operand {
  std::string name, letters;
  std::vector<Size> shape;
  const Size& size(char c) const { return shape[letters.find(c)]; }
  bool has(char c) const { return letters.find(c) != std::string::npos; }
};

/// The operand with its letters in this order; letters that it lacks become dimensions of one.
std::string arranged(const Operand& x, const std::string& order, Steps& steps) {
  std::string present;
  for (const char c : order)
    if (x.has(c)) present += c;
  std::string name = x.name;
  if (present != x.letters) {
    std::vector<std::int64_t> permutation;
    std::vector<Size> shape;
    for (const char c : present) {
      permutation.push_back(static_cast<std::int64_t>(x.letters.find(c)));
      shape.push_back(x.size(c));
    }
    name = steps.add("aten::permute", {arg_name(name), arg_ints(permutation)}, Type{DType::float32, shape, {}});
  }
  if (present.size() != order.size()) {
    std::vector<Size> shape;
    for (const char c : order) shape.push_back(x.has(c) ? x.size(c) : Size(1));
    name = steps.add("aten::reshape", {arg_name(name), arg_sizes(shape)});
  }
  return name;
}

}  // namespace

OpStep convert(Context& context, const std::string& made, const std::string& from, DType dtype) {
  const Type& type = *context.type(from);
  context.types[made] = Type{dtype, type.shape, contiguous_strides(type.shape)};
  const Arg wanted{Arg::Literal{"dtype", std::string(dtype_name(dtype))}};
  return OpStep{"aten::_to_copy", {arg_name(from)}, {{"dtype", wanted}}, {made}};
}

void normalise_dims(OpStep& step, const Context& context) {
  const bool two = step.op == "aten::transpose.int";
  const bool one = step.op == "aten::softmax.int" || step.op == "aten::log_softmax.int";
  if ((!two && !one) || step.args.size() < (two ? 3U : 2U)) return;
  const Type* type = type_of(step.args[0], context);
  if (type == nullptr) return;
  const auto rank = static_cast<std::int64_t>(type->rank());
  const auto negative = [&](const Arg& a) -> std::optional<std::int64_t> {
    const auto d = as_int(a);
    return d && *d >= 0 ? *d - rank : d;
  };
  const auto a = negative(step.args[1]);
  if (!a) return;
  step.args[1] = arg_int(*a);
  if (!two) return;
  const auto b = negative(step.args[2]);
  if (!b) return;
  step.args[1] = arg_int(std::min(*a, *b));
  step.args[2] = arg_int(std::max(*a, *b));
}

std::vector<OpStep> lower_einsum(const OpStep& step, Context& context) {
  if (step.op != "aten::einsum" || step.args.size() < 2) return {};
  const auto* equation = std::get_if<Arg::Literal>(&step.args[0].value);
  const auto* list = std::get_if<std::vector<Arg>>(&step.args[1].value);
  if (equation == nullptr || list == nullptr || list->size() != 2) return {};
  std::string text = equation->text;
  std::erase(text, ' ');
  const auto comma = text.find(','), arrow = text.find("->");
  if (comma == std::string::npos || arrow == std::string::npos || text.find('.') != std::string::npos) return {};
  const std::string out = text.substr(arrow + 2);
  Operand a{{}, text.substr(0, comma), {}}, b{{}, text.substr(comma + 1, arrow - comma - 1), {}};
  for (auto* x : {&a, &b}) {
    const Arg& arg = (*list)[x == &a ? 0 : 1];
    const Type* type = type_of(arg, context);
    if (type == nullptr || type->dtype != DType::float32 || type->rank() != x->letters.size()) return {};
    x->name = *as_name(arg);
    x->shape = type->shape;
    std::string sorted = x->letters;
    std::ranges::sort(sorted);
    if (std::ranges::adjacent_find(sorted) != sorted.end()) return {};
  }
  std::string batch, left, right, contracted;
  for (const char c : out) {
    if (a.has(c) && b.has(c))
      batch += c;
    else if (a.has(c))
      left += c;
    else if (b.has(c))
      right += c;
    else
      return {};
  }
  for (const char c : a.letters)
    if (out.find(c) == std::string::npos) {
      if (!b.has(c)) return {};
      contracted += c;
    }
  for (const char c : b.letters)
    if (out.find(c) == std::string::npos && !a.has(c)) return {};
  for (const char c : batch + contracted)
    if (!(a.size(c) == b.size(c))) return {};

  Steps steps(context);
  const bool pointwise = contracted.empty() || left.empty() || right.empty();
  if (pointwise) {
    const std::string order = out + contracted;
    const std::string x = arranged(a, order, steps), y = arranged(b, order, steps);
    const std::string product = steps.add("aten::mul.Tensor", {arg_name(x), arg_name(y)});
    std::vector<std::int64_t> dims;
    for (std::size_t k = 0; k < contracted.size(); ++k) dims.push_back(-1 - static_cast<std::int64_t>(k));
    if (!dims.empty()) steps.add("aten::sum.dim_IntList", {arg_name(product), arg_ints(dims), arg_bool(false)});
    return steps.finish(step.out[0]);
  }
  // [batch, left, contracted] x [batch, contracted, right]
  const auto sizes = [](const Operand& x, const std::string& letters) {
    Size n = 1;
    for (const char c : letters) n = n * x.size(c);
    return n;
  };
  const std::string x = arranged(a, batch + left + contracted, steps),
                    y = arranged(b, batch + contracted + right, steps);
  const Size groups = sizes(a, batch), m = sizes(a, left), k = sizes(a, contracted), n = sizes(b, right);
  std::string product;
  if (batch.empty()) {
    const std::string x2 = steps.add("aten::reshape", {arg_name(x), arg_sizes({m, k})});
    const std::string y2 = steps.add("aten::reshape", {arg_name(y), arg_sizes({k, n})});
    product =
        steps.add("aten::mm", {arg_name(x2), arg_name(y2)}, Type{DType::float32, {m, n}, contiguous_strides({m, n})});
  } else {
    const std::string x3 = steps.add("aten::reshape", {arg_name(x), arg_sizes({groups, m, k})});
    const std::string y3 = steps.add("aten::reshape", {arg_name(y), arg_sizes({groups, k, n})});
    product = steps.add("aten::bmm", {arg_name(x3), arg_name(y3)},
                        Type{DType::float32, {groups, m, n}, contiguous_strides({groups, m, n})});
  }
  const std::string made = batch + left + right;
  std::vector<Size> shape;
  for (const char c : made) shape.push_back(a.has(c) ? a.size(c) : b.size(c));
  const std::string unfolded = steps.add("aten::reshape", {arg_name(product), arg_sizes(shape)});
  if (made != out) arranged(Operand{unfolded, made, shape}, out, steps);
  return steps.finish(step.out[0]);
}

std::vector<OpStep> split_reduction(const OpStep& step, Context& context) {
  const bool sum = step.op == "aten::sum" || step.op == "aten::sum.dim_IntList";
  if (!sum && step.op != "aten::amax" && step.op != "aten::amin") return {};
  const Type *in = step.args.empty() ? nullptr : type_of(step.args[0], context), *out = context.type(step.out[0]);
  if (in == nullptr || out == nullptr || in->dtype != DType::float32 || !in->is_static() || in->numel() < least_split ||
      out->numel() != 1 || !step.kwargs.empty())
    return {};
  if (in->rank() == 2 && in->shape[0].value() <= most_parts &&
      in->shape[0].value() >= 2 * context.options.machine.threads && step.op == "aten::sum.dim_IntList")
    return {};  // made here
  std::int64_t parts = 1;
  for (const Size& size : in->shape) {
    if (parts * size.value() <= most_parts) {
      parts *= size.value();
      continue;
    }
    std::int64_t factor = most_parts / parts;
    while (size.value() % factor != 0) --factor;
    parts *= factor;
    break;
  }
  if (parts < 2) return {};
  const std::string op = sum ? "aten::sum.dim_IntList" : step.op;
  Steps steps(context);
  const std::string rows =
      steps.add("aten::reshape", {step.args[0], arg_sizes({Size(parts), Size(in->numel() / parts)})});
  const std::string each = steps.add(op, {arg_name(rows), arg_ints({1}), arg_bool(false)});
  const std::string all = steps.add(op, {arg_name(each), arg_ints({0}), arg_bool(false)});
  if (out->rank() > 0) steps.add("aten::reshape", {arg_name(all), arg_sizes(out->shape)});
  return steps.finish(step.out[0]);
}

namespace {

/// A reduction whose sizes are known: of dimensions [first, end), the last that lie side by side.
struct RowReduction {
  std::vector<std::int64_t> rest;  ///< other dimensions, reduced afterwards
  std::size_t first = 0, end = 0;
  std::int64_t row = 1, kept = 1;  ///< elements that become one, and how many there will be
};

std::optional<RowReduction> row_reduction(const OpStep& step, const Type& in) {
  std::vector<bool> drop(in.rank(), false);
  const Arg* dims = step.op == "aten::sum" ? nullptr : argument(step, 1, "dim");
  const auto list = dims == nullptr || is_none(*dims) ? std::vector<std::int64_t>{} : as_ints(*dims);
  if (!list) return std::nullopt;
  for (const auto d : *list)
    drop[static_cast<std::size_t>(d < 0 ? d + static_cast<std::int64_t>(in.rank()) : d)] = true;
  if (list->empty()) drop.assign(in.rank(), true);
  RowReduction r;
  r.end = in.rank();
  while (r.end > 0 && !drop[r.end - 1]) --r.end;
  r.first = r.end;
  while (r.first > 0 && drop[r.first - 1]) --r.first;
  for (std::size_t d = 0; d < r.first; ++d)
    if (drop[d]) r.rest.push_back(static_cast<std::int64_t>(d));
  for (std::size_t d = 0; d < in.rank(); ++d) (drop[d] ? r.row : r.kept) *= in.shape[d].value();
  return r;
}

/// Into how many parts of equal size a row over `dims` falls: along its outer dimensions, so that what makes the row
/// can stand in the same kernel; where that gives few parts, anywhere.
std::int64_t parts_of(std::span<const Size> dims, std::int64_t wanted, std::int64_t least, std::int64_t side_by_side) {
  std::int64_t length = 1, parts = 1;
  for (const Size& d : dims) length *= d.value();
  wanted = std::min(wanted, length / least);
  const auto fits = [&](std::int64_t p) {
    return length % p == 0 && (length % side_by_side != 0 || length / p % side_by_side == 0);
  };
  for (const Size& d : dims) {
    if (parts * d.value() <= wanted && fits(parts * d.value())) {
      parts *= d.value();
      continue;
    }
    for (std::int64_t factor = wanted / parts; factor > 1; --factor)
      if (d.value() % factor == 0 && fits(parts * factor)) {
        parts *= factor;
        break;
      }
    break;
  }
  if (parts * 8 >= wanted) return parts;
  for (std::int64_t p = wanted; p > parts; --p)
    if (fits(p)) return p;
  return parts;
}

}  // namespace

namespace {

/// How many rows of a few columns are taken as one row of many columns, so that a warp's threads have neighbouring
/// memory: a power of two.
std::int64_t rows_beside(const Type& in, const RowReduction& r) {
  constexpr std::int64_t few = 64, many = 256;
  std::int64_t columns = 1, beside = 1;
  for (std::size_t d = r.end; d < in.rank(); ++d) columns *= in.shape[d].value();
  if (columns >= few) return 1;
  while (columns * beside * 2 <= many && in.shape[r.end - 1].value() % (beside * 2) == 0) beside *= 2;
  return beside;
}

}  // namespace

std::vector<OpStep> split_rows(const OpStep& step, Context& context) {
  constexpr std::int64_t long_row = 16384, kept_row = 32768, groups_of_core = 4, warp = 32;
  const bool sum = step.op == "aten::sum" || step.op == "aten::sum.dim_IntList";
  if (!sum && step.op != "aten::amax" && step.op != "aten::amin") return {};
  const Type *in = step.args.empty() ? nullptr : type_of(step.args[0], context), *out = context.type(step.out[0]);
  if (in == nullptr || out == nullptr || !context.is_real(in->dtype) || !in->is_static() || in->rank() == 0 ||
      !step.kwargs.empty())
    return {};
  const auto r = row_reduction(step, *in);
  const std::int64_t cores = context.options.machine.threads;
  if (!r || r->row < long_row || r->kept == 0) return {};
  const bool columns = r->end < in->rank();
  const std::int64_t groups = columns ? std::max<std::int64_t>(1, r->kept / warp) : r->kept;
  // A row that registers cannot keep is read for each reduction anyhow; a shorter one is split to fill the GPU alone.
  if (groups > (r->row > kept_row ? 2 * cores : cores / 2)) return {};
  std::vector<Size> shape(in->shape.begin(), in->shape.begin() + static_cast<std::ptrdiff_t>(r->first));
  const std::int64_t length = [&] {
    std::int64_t n = 1;
    for (std::size_t d = r->first; d < r->end; ++d) n *= in->shape[d].value();
    return n;
  }();
  const std::int64_t beside = columns ? rows_beside(*in, *r) : 1;
  std::int64_t wanted =
      groups_of_core * cores / std::max<std::int64_t>(1, beside > 1 ? r->kept * beside / warp : groups);
  for (const auto d : r->rest)
    wanted = std::max<std::int64_t>(1, wanted / in->shape[static_cast<std::size_t>(d)].value());
  const bool half = is_half(in->dtype);
  std::vector<Size> dims(in->shape.begin() + static_cast<std::ptrdiff_t>(r->first),
                         in->shape.begin() + static_cast<std::ptrdiff_t>(r->end));
  dims.back() = dims.back().value() / beside;
  const std::int64_t parts = parts_of(dims, std::max<std::int64_t>(1, wanted), columns ? 64 : 512, half ? 8 : 4);
  if (parts == 1 && r->rest.empty()) return {};
  if (parts > 1) shape.emplace_back(parts);
  shape.emplace_back(length / beside / parts);
  if (beside > 1) shape.emplace_back(beside);
  shape.insert(shape.end(), in->shape.begin() + static_cast<std::ptrdiff_t>(r->end), in->shape.end());
  std::vector<std::int64_t> rest = r->rest;
  const auto first = static_cast<std::int64_t>(r->first);
  if (parts > 1) rest.push_back(first);
  if (beside > 1) rest.push_back(first + (parts > 1 ? 1 : 0));
  const std::string op = sum ? "aten::sum.dim_IntList" : step.op;
  Steps steps(context);
  // What the parts come to stays in float32 until it is one.
  const std::string from = half ? steps.convert(*as_name(step.args[0]), DType::float32) : *as_name(step.args[0]);
  const std::string rows = steps.add("aten::reshape", {arg_name(from), arg_sizes(shape)});
  const std::string each = steps.add(op, {arg_name(rows), arg_ints({first + (parts > 1 ? 1 : 0)}), arg_bool(false)});
  std::string all = steps.add(op, {arg_name(each), arg_ints(rest), arg_bool(false)});
  if (out->rank() != in->rank() - (r->end - r->first) - r->rest.size())
    all = steps.add("aten::reshape", {arg_name(all), arg_sizes(out->shape)});
  if (half) steps.convert(all, out->dtype);
  return steps.finish(step.out[0]);
}

}  // namespace burnish::compiler
