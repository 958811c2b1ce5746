#include <algorithm>
#include <cmath>
#include <limits>

#include "compiler/infer.h"
#include "compiler/term.h"

namespace burnish::compiler {
namespace {

/// Overloads of operators whose second argument may be a tensor or a number; the others have one each.
struct Overload {
  std::string_view name, tensor, number;
};
constexpr Overload overloads[] = {
    {"add", ".Tensor", ".Scalar"},
    {"sub", ".Tensor", ".Scalar"},
    {"mul", ".Tensor", ".Scalar"},
    {"div", ".Tensor", ".Scalar"},
    {"pow", ".Tensor_Tensor", ".Tensor_Scalar"},
    {"eq", ".Tensor", ".Scalar"},
    {"ne", ".Tensor", ".Scalar"},
    {"lt", ".Tensor", ".Scalar"},
    {"le", ".Tensor", ".Scalar"},
    {"gt", ".Tensor", ".Scalar"},
    {"ge", ".Tensor", ".Scalar"},
    {"clamp_min", ".Tensor", ""},
    {"sum", ".dim_IntList", ".dim_IntList"},
    {"slice", ".Tensor", ".Tensor"},
    {"select", ".int", ".int"},
    {"transpose", ".int", ".int"},
};

std::string full_name(const std::string& name, const std::vector<Arg>& args) {
  if (name.find('.') != std::string::npos) return "aten::" + name;
  if (name == "where") {
    const bool a = as_name(args[1]) != nullptr, b = as_name(args[2]) != nullptr;
    return std::string("aten::where.") + (a && b ? "self" : a ? "ScalarOther" : b ? "ScalarSelf" : "Scalar");
  }
  if (name == "sum" && args.size() == 1) return "aten::sum";
  for (const auto& row : overloads)
    if (row.name == name)
      return "aten::" + name + std::string(args.size() > 1 && as_name(args[1]) != nullptr ? row.tensor : row.number);
  return "aten::" + name;
}

std::size_t wrap(std::int64_t d, std::size_t rank) {
  return static_cast<std::size_t>(d < 0 ? d + static_cast<std::int64_t>(rank) : d);
}

class Writer {
 public:
  Writer(const Match& found, Context& context) : found_(found), context_(context) {}

  Result<Arg> value(const Term& term, const std::string& out) {
    switch (term.kind) {
      case Term::Kind::literal:
        return term.value;
      case Term::Kind::tensor:
      case Term::Kind::constant: {
        const auto it = found_.bound.find(term.name);
        if (it == found_.bound.end())
          return fail("the rule's replacement names ?" + term.name + ", which its pattern lacks");
        return it->second;
      }
      case Term::Kind::local: {
        const auto it = locals.find(term.name);
        if (it == locals.end()) return fail("the rule's replacement names " + term.name + ", which is not made before");
        return it->second;
      }
      case Term::Kind::list: {
        std::vector<Arg> items;
        for (const Term& item : term.args) {
          TRY(v, value(item, {}));
          items.push_back(v);
        }
        return Arg{std::move(items)};
      }
      case Term::Kind::arithmetic:
        return arithmetic(term);
      case Term::Kind::call:
        break;
    }
    if (auto computed = function(term); computed || computed.error().reason != "unknown") return computed;
    return step(term, out);
  }

  std::map<std::string, Arg> locals;
  std::vector<OpStep> steps;
  std::string out_name;  ///< of the matched step, for out_shape()

 private:
  Result<Arg> arithmetic(const Term& term) {
    TRY(a, value(term.args[0], {}));
    TRY(b, value(term.args[1], {}));
    const auto x = as_real(a), y = as_real(b);
    if (!x || !y) return fail("not a number");
    double v = 0;
    switch (term.name[0]) {
      case '+':
        v = *x + *y;
        break;
      case '-':
        v = *x - *y;
        break;
      case '*':
        v = *x * *y;
        break;
      default:
        v = *x / *y;
        break;
    }
    const bool whole = as_int(a) && as_int(b) && v == std::floor(v);
    return whole ? arg_int(static_cast<std::int64_t>(v)) : arg_real(v);
  }

  Result<const Type*> type_of(const Term& term) {
    TRY(v, value(term, {}));
    const std::string* name = as_name(v);
    const Type* type = name == nullptr ? nullptr : context_.type(*name);
    if (type == nullptr) return fail("a type is not known");
    return type;
  }

  Result<std::vector<std::int64_t>> dims_of(const Term& term, std::size_t rank) {
    TRY(v, value(term, {}));
    std::vector<std::int64_t> dims;
    if (!is_none(v)) {
      const auto list = as_ints(v);
      if (!list) return fail("dimensions are no numbers");
      dims = *list;
    }
    if (dims.empty())
      for (std::size_t d = 0; d < rank; ++d) dims.push_back(static_cast<std::int64_t>(d));
    for (auto& d : dims) d = static_cast<std::int64_t>(wrap(d, rank));
    return dims;
  }

  /// Numbers and lists that depend on sizes. Each has its meaning beside it.
  Result<Arg> function(const Term& term) {
    const std::string& f = term.name;
    if (f == "out_shape") {  // of the tensor that is replaced
      const Type* out = context_.type(out_name);
      return out == nullptr ? fail("a type is not known") : Result<Arg>(arg_sizes(out->shape));
    }
    if (f == "epsilon" && found_.widened) return fail("halves have an epsilon of their own");
    if (f == "epsilon") return arg_real(static_cast<double>(std::numeric_limits<float>::epsilon()));
    if (f != "size" && f != "count" && f != "shape" && f != "all_dims" && f != "last" && f != "channels" &&
        f != "groups" && f != "from" && f != "half" && f != "along" && f != "dims" && f != "leak" && f != "rank_is" &&
        f != "only_last" && f != "only_one")
      return fail("not a function", {}, {}, "unknown");
    TRY(type, type_of(term.args[0]));
    const std::size_t rank = type->rank();
    if (f == "shape") return arg_sizes(type->shape);
    if (f == "size") {  // size(?x, d)
      TRY(d, value(term.args[1], {}));
      return arg_size(type->shape[wrap(as_int(d).value_or(0), rank)]);
    }
    if (f == "half") {  // half(?x, d): half of a size
      TRY(d, value(term.args[1], {}));
      const Size s = type->shape[wrap(as_int(d).value_or(0), rank)];
      if (!s.is_static() || s.value() % 2 != 0) return fail("an odd size");
      return arg_int(s.value() / 2);
    }
    if (f == "along") {  // along(?x, d): the shape of a vector along one dimension, as [1, n, 1]
      TRY(d, value(term.args[1], {}));
      std::vector<Size> shape(rank, Size(1));
      shape[wrap(as_int(d).value_or(0), rank)] = type->shape[wrap(as_int(d).value_or(0), rank)];
      return arg_sizes(shape);
    }
    if (f == "channels") {  // channels(?x): the shape of a vector along dimension 1
      if (rank < 2) return arg_sizes(type->shape);
      std::vector<Size> shape(rank, Size(1));
      shape[1] = type->shape[1];
      return arg_sizes(shape);
    }
    if (f == "leak") {  // leak(?x, ?w): the shape of PReLU's weight, one or one a channel
      TRY(w, type_of(term.args[1]));
      if (w->numel() == 1) return arg_sizes({Size(1)});
      std::vector<Size> shape(rank, Size(1));
      if (rank > 1) shape[1] = type->shape[1];
      return arg_sizes(shape);
    }
    if (f == "groups") {  // groups(?x, g): the shape [n, g, c / g, the rest]
      TRY(g, value(term.args[1], {}));
      const auto n = as_int(g);
      if (!n || rank < 2 || !type->shape[1].is_static() || type->shape[1].value() % *n != 0)
        return fail("groups do not fit");
      Size rest = 1;
      for (std::size_t d = 2; d < rank; ++d) rest = rest * type->shape[d];
      return arg_sizes({type->shape[0], Size(*n), Size(type->shape[1].value() / *n), rest});
    }
    if (f == "from") {  // from(?x, d): all dimensions from d on
      TRY(d, value(term.args[1], {}));
      std::vector<std::int64_t> dims;
      for (std::size_t k = wrap(as_int(d).value_or(0), rank); k < rank; ++k)
        dims.push_back(static_cast<std::int64_t>(k));
      return arg_ints(dims);
    }
    if (f == "last") {  // last(?x, #shape): the dimensions that a normalised shape covers
      TRY(shape, value(term.args[1], {}));
      const auto sizes = as_sizes(shape);
      if (!sizes || sizes->size() > rank) return fail("no shape");
      std::vector<std::int64_t> dims;
      for (std::size_t k = rank - sizes->size(); k < rank; ++k) dims.push_back(static_cast<std::int64_t>(k));
      return arg_ints(dims);
    }
    if (f == "all_dims") {
      std::vector<std::int64_t> dims;
      for (std::size_t k = 0; k < rank; ++k) dims.push_back(static_cast<std::int64_t>(k));
      return arg_ints(dims);
    }
    if (f == "rank_is") {  // rank_is(?x, n): a condition, as the next two
      TRY(n, value(term.args[1], {}));
      return as_int(n) == static_cast<std::int64_t>(rank) ? Result<Arg>(n) : fail("another rank");
    }
    TRY(dims, dims_of(term.args[1], rank));
    if (f == "only_last") {  // only_last(?x, #d): the last dimension alone
      const bool last = rank > 0 && dims == std::vector<std::int64_t>{static_cast<std::int64_t>(rank) - 1};
      return last ? Result<Arg>(arg_ints(dims)) : fail("another dimension");
    }
    if (f == "only_one") {  // only_one(?x, #d): dimensions of one element
      const bool one =
          std::ranges::all_of(dims, [&](auto d) { return type->shape[static_cast<std::size_t>(d)].is(1); });
      return one ? Result<Arg>(arg_ints(dims)) : fail("several elements");
    }
    if (f == "dims") return arg_ints(dims);  // dims(?x, #d): all of them where none is given
    Size n = 1;                              // count(?x, #d): how many elements these dimensions have
    for (const auto d : dims) n = n * type->shape[static_cast<std::size_t>(d)];
    return arg_size(n);
  }

  Result<Arg> step(const Term& term, const std::string& out) {
    OpStep made;
    for (const Term& arg : term.args) {
      TRY(v, value(arg, {}));
      if (arg.argument.empty()) {
        made.args.push_back(v);
      } else {
        made.kwargs.emplace_back(arg.argument, v);
      }
    }
    made.op = full_name(term.name, made.args);
    const std::string name = out.empty() ? context_.fresh(std::string(short_name(made.op)) + "_b") : out;
    made.out = {name};
    if (out.empty()) {
      auto type = infer(made, context_);
      if (!type) return std::unexpected(type.error());
      context_.types[name] = *type;
    }
    steps.push_back(std::move(made));
    return arg_name(name);
  }

  const Match& found_;
  Context& context_;
};

}  // namespace

Result<Written> write(const Replacement& replacement, const Match& found, const std::string& out, Context& context) {
  Writer writer(found, context);
  writer.out_name = out;
  for (const auto& [name, term] : replacement.lets) {
    TRY(v, writer.value(term, {}));
    writer.locals[name] = v;
  }
  const bool is_call = replacement.result.kind == Term::Kind::call;
  TRY(last, writer.value(replacement.result, is_call ? out : std::string{}));
  Written all;
  if (as_name(last) == nullptr) return fail("a rule must end with a tensor");
  if (!is_call || *as_name(last) != out) all.alias = *as_name(last);
  all.steps = std::move(writer.steps);
  return all;
}

}  // namespace burnish::compiler
