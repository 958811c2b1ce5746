#include <fmt/format.h>

#include <algorithm>

#include "compiler/templates/templates.h"

namespace burnish::compiler {
namespace {

struct Kind {
  std::string_view sequence, cell;  ///< the operators
  std::string_view name;            ///< in recurrent.h
  std::int64_t gates;
  int rows;  ///< of the batch at once: 24 of the 32 registers of 64 bytes hold their sums
};
constexpr Kind kinds[] = {{"aten::lstm.input", "aten::lstm_cell", "b_lstm", 4, 6},
                          {"aten::gru.input", "aten::gru_cell", "b_gru", 3, 8},
                          {"aten::rnn_tanh.input", "aten::rnn_tanh_cell", "b_rnn_tanh", 1, 8},
                          {"aten::rnn_relu.input", "aten::rnn_relu_cell", "b_rnn_relu", 1, 8}};

/// One layer's tensors, by direction. Biases are empty where there are none.
struct Weights {
  std::vector<std::string> input, hidden, input_bias, hidden_bias;
};

struct Recurrence {
  const Kind* kind;
  bool is_cell;
  std::string x, h0, c0;
  std::vector<Weights> layers;
  std::int64_t batch = 0, steps = 1, hidden = 0, directions = 1;
  bool batch_first = false;

  std::int64_t panels() const { return (hidden + 15) / 16; }
  std::int64_t gates() const { return kind->gates; }
};

std::optional<std::vector<std::string>> names_of(const Arg& a) {
  if (const std::string* one = as_name(a)) return std::vector<std::string>{*one};
  const auto* list = std::get_if<std::vector<Arg>>(&a.value);
  if (list == nullptr) return std::nullopt;
  std::vector<std::string> names;
  for (const Arg& item : *list) {
    if (as_name(item) == nullptr) return std::nullopt;
    names.push_back(*as_name(item));
  }
  return names;
}

/// (input, state, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
bool read_sequence(const OpStep& step, Recurrence& r) {
  if (step.args.size() != 9) return false;
  const auto params = names_of(step.args[2]);
  const auto biases = as_bool(step.args[3]), train = as_bool(step.args[6]), both = as_bool(step.args[7]),
             batch_first = as_bool(step.args[8]);
  const auto layers = as_int(step.args[4]);
  const auto dropout = as_real(step.args[5]);
  if (!params || !biases || !train || !both || !batch_first || !layers || !dropout || *layers < 1) return false;
  if (*train && *dropout != 0 && *layers > 1) return false;
  r.directions = *both ? 2 : 1;
  r.batch_first = *batch_first;
  const std::size_t each = *biases ? 4 : 2;  // a projection after the cell has five: not taken
  if (params->size() != each * static_cast<std::size_t>(*layers * r.directions)) return false;
  auto next = params->begin();
  for (std::int64_t l = 0; l < *layers; ++l) {
    Weights& w = r.layers.emplace_back();
    for (std::int64_t d = 0; d < r.directions; ++d) {
      w.input.push_back(*next++);
      w.hidden.push_back(*next++);
      if (!*biases) continue;
      w.input_bias.push_back(*next++);
      w.hidden_bias.push_back(*next++);
    }
  }
  return true;
}

/// (input, state, w_ih, w_hh, b_ih, b_hh)
bool read_cell(const OpStep& step, Recurrence& r) {
  Weights& w = r.layers.emplace_back();
  const auto take = [&](std::size_t at, std::string_view name, std::vector<std::string>& to) {
    const Arg* a = argument(step, at, name);
    if (a == nullptr || is_none(*a)) return true;
    if (as_name(*a) != nullptr) to.push_back(*as_name(*a));
    return as_name(*a) != nullptr;
  };
  return take(2, "w_ih", w.input) && take(3, "w_hh", w.hidden) && take(4, "b_ih", w.input_bias) &&
         take(5, "b_hh", w.hidden_bias) && w.input.size() == 1 && w.hidden.size() == 1 &&
         w.input_bias.size() == w.hidden_bias.size();
}

bool is_float(const TemplateUse& use, const std::string& name, std::initializer_list<std::int64_t> shape) {
  const Type* t = use.context.type(name);
  return t != nullptr && t->dtype == DType::float32 &&
         std::ranges::equal(t->shape, shape, [](const Size& a, std::int64_t b) { return a.is(b); });
}

/// PyTorch gives an LSTM over a sequence to oneDNN, which is the faster one for many rows whose weights stay in a cache
/// (measured on one thread, 32 rows of 128 and 256 units: 0.8 to 0.9 of its speed; 4 to 12 rows: 1.0 to 1.2; 512
/// units: 1.5).
bool library_is_faster(const TemplateUse& use, const Recurrence& r) {
  constexpr std::int64_t rows_a_thread = 12, units = 512;
  return r.gates() == 4 && !r.is_cell && r.hidden < units &&
         r.batch * r.directions > rows_a_thread * use.context.options.machine.threads;
}

/// All that is asked of sizes and types, so that nothing is written for a step that is not taken.
bool fits(TemplateUse& use, Recurrence& r) {
  const Type* x = use.context.type(r.x);
  const Type* h = use.context.type(r.h0);
  const std::size_t rank = r.is_cell ? 2 : 3;
  if (x == nullptr || h == nullptr || x->dtype != DType::float32 || !x->is_static() || !h->is_static() ||
      x->rank() != rank || h->rank() != rank || x->numel() == 0)
    return false;
  r.hidden = h->shape[rank - 1].value();
  r.batch = r.is_cell ? x->shape[0].value() : x->shape[r.batch_first ? 0 : 1].value();
  if (!r.is_cell) r.steps = x->shape[r.batch_first ? 1 : 0].value();
  const auto layers = static_cast<std::int64_t>(r.layers.size());
  const auto state = [&](const std::string& name) {
    return r.is_cell ? is_float(use, name, {r.batch, r.hidden})
                     : is_float(use, name, {layers * r.directions, r.batch, r.hidden});
  };
  if (r.hidden < 8 || library_is_faster(use, r) || !state(r.h0) || (r.gates() == 4 && !state(r.c0))) return false;
  const std::int64_t rows = r.gates() * r.hidden;
  std::int64_t width = x->shape[rank - 1].value(), kept = 0;
  for (const Weights& w : r.layers) {
    const auto matrix = [&](std::int64_t columns) {
      return
          [&use, rows, columns](const std::string& n) { return is_float(use, n, {rows, columns}) && use.is_fixed(n); };
    };
    const auto vector = [&](const std::string& n) { return is_float(use, n, {rows}) && use.is_fixed(n); };
    if (!std::ranges::all_of(w.input, matrix(width)) || !std::ranges::all_of(w.hidden, matrix(r.hidden)) ||
        !std::ranges::all_of(w.input_bias, vector) || !std::ranges::all_of(w.hidden_bias, vector))
      return false;
    kept += r.panels() * 16 * r.gates() * r.hidden * r.directions;
    if (r.directions > 1) kept += r.directions * rows * (width + 2);
    width = r.directions * r.hidden;
  }
  return use.can_keep(kept * 4);
}

/// Tensors of both directions in one; the tensor itself where there is one. Not `kept`: for other steps of `prepare`.
std::string join(TemplateUse& use, const std::vector<std::string>& parts, bool kept = true) {
  if (parts.size() == 1) return parts[0];
  std::vector<Arg> list;
  Type type = *use.context.type(parts[0]);
  for (const std::string& p : parts) list.push_back(arg_name(p));
  type.shape[0] = type.shape[0] * Size(static_cast<std::int64_t>(parts.size()));
  type.strides = contiguous_strides(type.shape);
  return use.prepare(OpStep{"aten::cat", {Arg{std::move(list)}, arg_int(0)}, {}, {parts[0] + "_joined"}},
                     kept ? std::optional<Type>(type) : std::nullopt);
}

/// [direction][panel][k][gate][16 units], with zeros for units that do not exist.
std::string pack(TemplateUse& use, const Recurrence& r, const std::vector<std::string>& hidden) {
  const std::int64_t d = r.directions, g = r.gates(), n = r.hidden, p = r.panels();
  const std::string& hint = hidden[0];
  const auto op = [&](const char* name, const std::string& of, std::vector<Arg> rest) {
    rest.insert(rest.begin(), arg_name(of));
    return use.prepare(OpStep{name, std::move(rest), {}, {hint + "_part"}}, std::nullopt);
  };
  std::string w = op("aten::reshape", join(use, hidden, /*kept=*/false), {arg_ints({d, g, n, n})});
  if (n != p * 16) w = op("aten::constant_pad_nd", w, {arg_ints({0, 0, 0, p * 16 - n}), arg_real(0)});
  w = op("aten::reshape", w, {arg_ints({d, g, p, 16, n})});
  w = op("aten::permute", w, {arg_ints({0, 2, 4, 1, 3})});
  const Type type{DType::float32, {d, p, n, g, 16}, contiguous_strides({d, p, n, g, 16})};
  return use.prepare(LayoutStep{hint + "_panels", w, Strides{}}, type);
}

/// x's products with the input weights, of all steps and both directions.
std::string input_product(TemplateUse& use, const Recurrence& r, const Weights& w, const std::string& x) {
  const std::string made = use.context.fresh("gates");
  Type type = *use.context.type(x);
  type.shape.back() = r.directions * r.gates() * r.hidden;
  type.strides = contiguous_strides(type.shape);
  use.context.types[made] = type;
  use.add(OpStep{"aten::linear",
                 {arg_name(x), arg_name(join(use, w.input)),
                  w.input_bias.empty() ? arg_none() : arg_name(join(use, w.input_bias))},
                 {},
                 {made}});
  return use.contiguous(made);
}

constexpr std::string_view arguments =
    "const float* x, const float* h0, const float* c0, const float* w, const float* bias, float* y, float* hn, float* "
    "cn";

/// Rows of the batch that the vectors of this machine keep in registers.
int rows_at_once(const TemplateUse& use, const Kind& kind) {
  return use.context.options.machine.vector_bytes >= 64 ? kind.rows : kind.rows / 4 + 1;
}

std::string sequence_body(const TemplateUse& use, const Recurrence& r) {
  const std::int64_t xw = r.directions * r.gates() * r.hidden, yw = r.directions * r.hidden;
  return fmt::format(
      "for (int64_t item = begin; item < end;) {{\n"
      "const int64_t d = item / {batch}, row = item % {batch}, rows = min({batch} - row, end - item), at = item * "
      "{hidden};\n"
      "const b_state s{{x + row * {xs} + d * {gates}, h0 + at, c0 == nullptr ? c0 : c0 + at, bias == nullptr ? bias : "
      "bias + d * {gates}, y + row * {ys} + d * {hidden}, cn == nullptr ? cn : cn + at, {xs}, {hidden}, {hidden}, "
      "{ys}, {hidden}}};\n"
      "b_sequence<{kind}, {mr}>(w + d * {panel}, {hidden}, {steps}, d == 1, rows, s, {xt}, {yt}, hn == nullptr ? hn : "
      "hn + at);\n"
      "item += rows;\n}}\n",
      fmt::arg("batch", r.batch), fmt::arg("hidden", r.hidden), fmt::arg("gates", r.gates() * r.hidden),
      fmt::arg("xs", r.batch_first ? r.steps * xw : xw), fmt::arg("xt", r.batch_first ? xw : r.batch * xw),
      fmt::arg("ys", r.batch_first ? r.steps * yw : yw), fmt::arg("yt", r.batch_first ? yw : r.batch * yw),
      fmt::arg("kind", r.kind->name), fmt::arg("mr", rows_at_once(use, *r.kind)), fmt::arg("steps", r.steps),
      fmt::arg("panel", r.panels() * 16 * r.gates() * r.hidden));
}

std::string cell_body(const TemplateUse& use, const Recurrence& r) {
  return fmt::format(
      "for (int64_t panel = begin; panel < end; ++panel) {{\n"
      "const b_state s{{x, h0, c0, bias, y, cn, {gates}, {hidden}, {hidden}, {hidden}, {hidden}}};\n"
      "b_panel_step<{kind}, {mr}>(w, {hidden}, panel, {batch}, s);\n}}\n",
      fmt::arg("batch", r.batch), fmt::arg("hidden", r.hidden), fmt::arg("gates", r.gates() * r.hidden),
      fmt::arg("kind", r.kind->name), fmt::arg("mr", rows_at_once(use, *r.kind)));
}

Arg part(const std::string& name, std::int64_t offset) {
  if (name.empty()) return arg_none();
  return offset == 0 ? arg_name(name) : Arg{Arg::Name{name, Expr(offset)}};
}

void write(TemplateUse& use, const Recurrence& r, const OpStep& step) {
  const std::int64_t state = r.directions * r.batch * r.hidden, work = r.gates() * r.hidden * r.hidden;
  const auto layers = static_cast<std::int64_t>(r.layers.size());
  const std::vector<Size> states{layers * r.directions, r.batch, r.hidden};
  const auto output = [&](std::size_t at, const std::vector<Size>& shape, bool always) -> std::string {
    const std::string name = at < step.out.size() && !step.out[at].empty() ? step.out[at]
                             : always                                      ? use.context.fresh("state")
                                                                           : "";
    if (!name.empty()) use.allocate(name, DType::float32, shape);
    return name;
  };
  const std::string h0 = use.contiguous(r.h0), c0 = r.c0.empty() ? "" : use.contiguous(r.c0);
  const auto bias = [&](const Weights& w) {
    return w.hidden_bias.empty() ? arg_none() : arg_name(use.contiguous(join(use, w.hidden_bias)));
  };
  if (r.is_cell) {
    const std::vector<Size> shape{r.batch, r.hidden};
    const std::string x = input_product(use, r, r.layers[0], r.x);
    const std::string y = output(0, shape, true), cn = r.c0.empty() ? "" : output(1, shape, true);
    use.launch("recurrent_cell", {template_blocks(), template_recurrent()}, std::string(arguments), cell_body(use, r),
               {arg_name(x), arg_name(h0), part(c0, 0), arg_name(pack(use, r, r.layers[0].hidden)), bias(r.layers[0]),
                arg_name(y), arg_none(), part(cn, 0)},
               r.panels(), 200000 / std::max<std::int64_t>(1, 16 * r.gates() * r.hidden * r.batch));
    return;
  }
  const std::string hn = output(1, states, false), cn = r.c0.empty() ? "" : output(2, states, true);
  std::string below = r.x;
  for (std::int64_t l = 0; l < layers; ++l) {
    const Weights& w = r.layers[static_cast<std::size_t>(l)];
    const std::string x = input_product(use, r, w, below);
    const std::string y = l + 1 == layers && !step.out[0].empty() ? step.out[0] : use.context.fresh("layer");
    std::vector<Size> shape = use.context.type(r.x)->shape;
    shape.back() = r.directions * r.hidden;
    use.allocate(y, DType::float32, shape);
    use.launch("recurrent", {template_blocks(), template_recurrent()}, std::string(arguments), sequence_body(use, r),
               {arg_name(x), part(h0, l * state), part(c0, l * state), arg_name(pack(use, r, w.hidden)), bias(w),
                arg_name(y), part(hn, l * state), part(cn, l * state)},
               r.directions * r.batch, 200000 / std::max<std::int64_t>(1, work * r.steps));
    below = y;
  }
}

}  // namespace

bool use_recurrent(const OpStep& step, TemplateUse& use) {
  const auto* kind =
      std::ranges::find_if(kinds, [&](const Kind& k) { return step.op == k.sequence || step.op == k.cell; });
  if (kind == std::end(kinds) || step.args.size() < 4 || as_name(step.args[0]) == nullptr) return false;
  Recurrence r{kind, step.op == kind->cell, *as_name(step.args[0]), {}, {}, {}};
  const auto states = names_of(step.args[1]);
  if (!states || states->size() != (kind->gates == 4 ? 2U : 1U)) return false;
  r.h0 = states->front();
  if (kind->gates == 4) r.c0 = states->back();
  if (!(r.is_cell ? read_cell(step, r) : read_sequence(step, r)) || !fits(use, r)) return false;
  write(use, r, step);
  return true;
}

}  // namespace burnish::compiler
