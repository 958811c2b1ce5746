#include "compiler/templates/split_product.h"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "compiler/fuse/group.h"
#include "compiler/prepared.h"

namespace burnish::compiler {
namespace {

constexpr ProductTile tiles[] = {{2, 192, 2, 214}, {2, 128, 3, 206}, {2, 64, 4, 180}, {1, 64, 6, 137}};
// Below that the launches and the splitting of the activation cost what the product gains.
constexpr std::int64_t least_work = 1 << 28, least_side = 64;

/// A product as the kernel has it: y [m, n] = x [m, k] times the transpose of w [n, k].
struct Product {
  std::string x, w;
  bool turned = false;  ///< w is [k, n]
  Arg bias = arg_none();
  std::int64_t m = 0, n = 0, k = 0;
};

/// An operand's halves and the inverses of its rows' scales.
struct Halves {
  std::string data, scale;
};

class SplitProducts {
 public:
  SplitProducts(Plan& plan, Context& context)
      : plan_(plan), context_(context), index_(index_steps(plan)), prepared_(plan, context) {}

  Plan run() {
    for (std::size_t i = 0; i < plan_.steps.size(); ++i) {
      if (skipped_.contains(static_cast<int>(i))) continue;
      const auto* op = std::get_if<OpStep>(&plan_.steps[i]);
      const auto product = op == nullptr ? std::nullopt : read(*op);
      if (product)
        write(*product, op->out[0]);
      else
        steps_.push_back(plan_.steps[i]);
    }
    plan_.steps = std::move(steps_);
    std::ranges::move(prepared_.steps, std::back_inserter(plan_.prepare));
    return std::move(plan_);
  }

 private:
  const Type* matrix(const std::string& name) const {
    const Type* t = context_.type(name);
    return t != nullptr && t->dtype == DType::float32 && t->is_static() && t->rank() >= 2 ? t : nullptr;
  }

  std::optional<Product> read(const OpStep& op) const {
    Product p;
    const bool linear = op.op == "aten::linear", added = op.op == "aten::addmm";
    if (!linear && !added && op.op != "aten::mm" && op.op != "aten::matmul") return std::nullopt;
    if (added && (op.args.size() != 3 || !op.kwargs.empty())) return std::nullopt;
    if (op.args.size() < 2 || op.out.size() != 1) return std::nullopt;
    const std::string *x = as_name(op.args[added ? 1 : 0]), *w = as_name(op.args[added ? 2 : 1]);
    if (x == nullptr || w == nullptr) return std::nullopt;
    const Type *tx = matrix(*x), *tw = matrix(*w), *out = matrix(op.out[0]);
    if (tx == nullptr || tw == nullptr || out == nullptr || tw->rank() != 2) return std::nullopt;
    if (const Arg* bias = added ? &op.args[0] : linear ? argument(op, 2, "bias") : nullptr; bias != nullptr)
      p.bias = *bias;
    p.x = *x, p.w = *w, p.turned = !linear;
    p.k = tx->shape.back().value(), p.n = tw->shape[linear ? 0 : 1].value();
    p.m = p.k == 0 ? 0 : tx->numel() / p.k;
    if (!has_bias_of_columns(p) || p.m < least_side || p.n < least_side || p.k < least_side ||
        p.m * p.n < least_work / p.k)
      return std::nullopt;
    return p;
  }

  bool has_bias_of_columns(const Product& p) const {
    if (is_none(p.bias)) return true;
    const std::string* name = as_name(p.bias);
    const Type* type = name == nullptr ? nullptr : context_.type(*name);
    return type != nullptr && type->dtype == DType::float32 && type->rank() == 1 && type->shape[0].is(p.n);
  }

  std::string contiguous(std::vector<Step>& to, const std::string& name) {
    if (context_.fixed_layout.contains(name) && context_.type(name)->is_contiguous()) return name;
    const std::string made = context_.fresh(name + "_c");
    to.emplace_back(lay_out(context_, made, name));
    return made;
  }

  /// The rows of an operand as halves: in `prepare` where they depend on parameters alone and may be kept.
  Halves split(const std::string& name, bool turned, std::int64_t rows, std::int64_t k) {
    Halves& halves = halves_[{name, turned}];
    if (!halves.data.empty()) return halves;
    const std::int64_t size = (k + 63) / 64 * ((rows + 7) / 8) * 1024;  // of 16 bits
    const bool keep = prepared_.fixed.contains(name) && 2 * size <= prepared_.bytes_left;
    if (keep) prepared_.bytes_left -= 2 * size;
    std::vector<Step>& to = keep ? prepared_.steps : steps_;
    std::string source = name;
    if (turned) {
      OpStep view{"aten::t", {arg_name(name)}, {}, {context_.fresh(name + "_t")}};
      context_.types[view.out[0]] = Type{DType::float32, {Size(rows), Size(k)}, {}};
      source = view.out[0];
      to.emplace_back(std::move(view));
    }
    source = contiguous(to, source);
    halves = {context_.fresh(name + "_halves"), context_.fresh(name + "_scale")};
    to.emplace_back(allocate(context_, halves.data, DType::float16, {Size(size)}));
    to.emplace_back(allocate(context_, halves.scale, DType::float32, {Size(rows)}));
    LaunchStep launch;
    launch.kernel = kernel("split_rows", {});
    launch.grid = {Expr((rows + 7) / 8 * 8), Expr(1), Expr(1)};
    launch.block = {Expr(256), Expr(1), Expr(1)};
    launch.args = {arg_name(source), arg_name(halves.data), arg_name(halves.scale), arg_int(rows), arg_int(k)};
    to.emplace_back(std::move(launch));
    return halves;
  }

  /// The kernel of that name in a file of its own, which starts with these lines.
  std::string kernel(const std::string& name, const std::string& first_lines) {
    const std::string file = name + ".cu";
    if (context_.sources.contains(file)) return name;
    context_.sources[file] = first_lines + std::string(cuda_split_product());
    plan_.kernels.emplace_back(name, Kernel{file, std::nullopt});
    return name;
  }

  /// The pointwise operator that alone reads a tensor and takes nothing else, with its step's place.
  std::pair<const PointOp*, int> activation_of(const std::string& name) const {
    const auto readers = index_.consumers.find(name);
    if (index_.results.contains(name) || readers == index_.consumers.end() || readers->second.size() != 1) return {};
    const auto* next = std::get_if<OpStep>(&plan_.steps[static_cast<std::size_t>(readers->second[0])]);
    if (next == nullptr || next->args.size() != 1 || next->out.size() != 1) return {};
    const Type* type = context_.type(next->out[0]);
    if (type == nullptr || type->dtype != DType::float32) return {};
    std::string_view variant;
    for (const auto& [key, value] : next->kwargs) {
      const auto* word = std::get_if<Arg::Literal>(&value.value);
      if (key != "approximate" || word == nullptr) return {};
      if (word->text != "none") variant = word->text;
    }
    const PointOp* row = find_point_op(next->op, variant);
    const bool alone = row != nullptr && row->args == "self" &&
                       (row->kind == PointKind::real || row->op == "aten::relu") && short_name(row->op) != "round";
    return alone ? std::pair(row, readers->second[0]) : std::pair<const PointOp*, int>{};
  }

  void write(const Product& p, std::string out) {
    const auto [activation, place] = activation_of(out);
    if (activation != nullptr) {
      skipped_.insert(place);
      out = std::get<OpStep>(plan_.steps[static_cast<std::size_t>(place)]).out[0];
    }
    const ProductTile tile = choose_tile(p.m, p.n, context_.options.machine.threads);
    std::string name = fmt::format("split_product_{}x{}", tile.rows(), tile.columns);
    if (activation != nullptr)
      name += fmt::format("_{}{}{}", short_name(activation->op), activation->variant.empty() ? "" : "_",
                          activation->variant);
    std::string lines = fmt::format("#define PRODUCT {}\n#define COLUMNS {}\n#define GROUPS {}\n#define STAGES {}\n",
                                    name, tile.columns, tile.groups, tile.stages);
    lines += "#define PROMOTE 1\n";
    if (activation != nullptr)
      lines += fmt::format(
          "__device__ inline float split_activate(float v) {{\n  return {};\n}}\n#define ACTIVATE(v) "
          "split_activate(v)\n",
          fmt::format(fmt::runtime(activation->code), "v", fmt::arg("z", "0.0f")));
    const Halves x = split(p.x, false, p.m, p.k), w = split(p.w, p.turned, p.n, p.k);
    const std::string* bias = as_name(p.bias);
    const Arg added = bias == nullptr ? arg_none() : arg_name(contiguous(steps_, *bias));
    const std::vector<Size> shape = context_.type(out)->shape;
    steps_.emplace_back(allocate(context_, out, DType::float32, shape));
    LaunchStep launch;
    launch.kernel = kernel(name, lines);
    const auto across = [](std::int64_t size, std::int64_t by) { return (size + by - 1) / by; };
    launch.grid = {Expr(across(p.m, tile.rows()) * across(p.n, tile.columns)), Expr(1), Expr(1)};
    launch.block = {Expr(128 * (tile.groups + 1)), Expr(1), Expr(1)};
    launch.shared_bytes = Expr(tile.shared_bytes());
    launch.args = {arg_name(x.data), arg_name(x.scale), arg_name(w.data), arg_name(w.scale), added,
                   arg_name(out),    arg_int(p.m),      arg_int(p.n),     arg_int(p.k)};
    steps_.emplace_back(std::move(launch));
    context_.fired.emplace_back("split product");
  }

  Plan& plan_;
  Context& context_;
  StepIndex index_;
  Prepared prepared_;
  std::set<int> skipped_;
  std::vector<Step> steps_;
  std::map<std::pair<std::string, bool>, Halves> halves_;
};

}  // namespace

ProductTile choose_tile(std::int64_t m, std::int64_t n, int multiprocessors) {
  const auto time = [&](const ProductTile& t) {
    const std::int64_t count = ((m + t.rows() - 1) / t.rows()) * ((n + t.columns - 1) / t.columns);
    const std::int64_t waves = (count + multiprocessors - 1) / multiprocessors;
    return static_cast<double>(waves * t.rows() * t.columns) / t.speed;
  };
  return *std::ranges::min_element(tiles, {}, time);
}

Result<Plan> use_split_products(Plan plan, Context& context) {
  const Options& options = context.options;
  // `changes`: the halves keep 22 bits of an element, and sums round otherwise.
  if (!options.split_products || !options.machine.hopper || !context.allows(RuleClass::changes)) return plan;
  return SplitProducts(plan, context).run();
}

}  // namespace burnish::compiler
