#include "plan/guards.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>

#include "plan/names.h"

namespace burnish {
namespace {

using Kind = Expr::Node::Kind;

std::int64_t numel(const TensorFacts& tensor) {
  std::int64_t count = 1;
  for (const auto size : tensor.sizes)
    if (__builtin_mul_overflow(count, size, &count)) return -1;  // no tensor of PyTorch has that many
  return count;
}

/// Whether the strides are dense in the given order of dimensions, the innermost first. PyTorch's rule: dimensions of
/// size 1 do not count.
template <std::size_t N>
bool is_dense(const TensorFacts& tensor, const std::array<std::size_t, N>& order) {
  if (tensor.sizes.size() != N) return false;
  std::int64_t expected = 1;
  for (const std::size_t dim : order) {
    if (tensor.sizes[dim] == 0) return true;
    if (tensor.sizes[dim] == 1) continue;
    if (tensor.strides[dim] != expected) return false;
    expected *= tensor.sizes[dim];
  }
  return true;
}

bool is_contiguous(const TensorFacts& tensor) {
  std::int64_t expected = 1;
  bool dense = true;
  for (std::size_t dim = tensor.sizes.size(); dim-- > 0;) {
    if (tensor.sizes[dim] == 0) return true;
    if (tensor.sizes[dim] == 1) continue;
    dense &= tensor.strides[dim] == expected;
    expected *= tensor.sizes[dim];
  }
  return dense;
}

bool has_layout(const TensorFacts& tensor, Strides::Kind layout) {
  switch (layout) {
    case Strides::Kind::contiguous:
      return is_contiguous(tensor);
    case Strides::Kind::channels_last:
      return is_dense<4>(tensor, {1, 3, 2, 0});
    case Strides::Kind::channels_last_3d:
      return is_dense<5>(tensor, {1, 4, 3, 2, 0});
    default:
      return true;
  }
}

/// The dimension that `dim` counts, from the end where it is negative; none where there is no such dimension.
std::optional<std::size_t> dimension(std::int64_t dim, std::size_t rank) {
  const auto signed_rank = static_cast<std::int64_t>(rank);
  if (dim < 0) dim += signed_rank;
  if (dim < 0 || dim >= signed_rank) return std::nullopt;
  return static_cast<std::size_t>(dim);
}

std::string sizes_text(std::span<const std::int64_t> sizes) {
  return fmt::format("[{}]", fmt::join(sizes, ", "));
}

}  // namespace

Result<std::size_t> Guards::fact_slot(const Expr::Node& leaf) {
  const auto input = std::ranges::find(inputs_, leaf.name, &InputGuard::name);
  if (input == inputs_.end()) return fail(fmt::format("'{}' is no tensor input", leaf.name));
  Fact fact{leaf.kind, static_cast<std::size_t>(input - inputs_.begin()), 0};
  if (leaf.kind != Kind::numel) {
    const auto dim = dimension(leaf.value, input->shape.size());
    if (!dim) return fail(fmt::format("'{}' has no dimension {}", leaf.name, leaf.value));
    fact.dim = static_cast<std::int64_t>(*dim);
  }
  facts_.push_back(fact);
  return symbols_.size() + facts_.size() - 1;
}

Result<Guards> Guards::compile(const Plan& plan) {
  Guards guards;
  const auto find_symbol = [&](const std::string& name) -> std::optional<std::size_t> {
    const auto found = std::ranges::find(guards.symbols_, name);
    if (found == guards.symbols_.end()) return std::nullopt;
    return static_cast<std::size_t>(found - guards.symbols_.begin());
  };
  for (const Input& input : plan.inputs)
    if (const auto* tensor = std::get_if<InputTensor>(&input))
      for (const Expr& size : tensor->shape)
        if (const auto* symbol = size.symbol(); symbol && !find_symbol(*symbol)) guards.symbols_.push_back(*symbol);
  const CompiledExpr::Slots symbol_slots = [&](const Expr::Node& leaf) -> std::optional<std::size_t> {
    return leaf.kind == Kind::symbol ? find_symbol(leaf.name) : std::nullopt;
  };
  for (const Input& input : plan.inputs) {
    const auto* tensor = std::get_if<InputTensor>(&input);
    if (!tensor) continue;
    InputGuard guard{tensor->name, tensor->dtype, {}, tensor->strides.kind, {}};
    for (const Expr& size : tensor->shape) {
      Dimension dim{Dimension::Kind::computed, 0, {}, size.text()};
      if (const auto* value = size.constant()) {
        dim.kind = Dimension::Kind::exact;
        dim.value = *value;
      } else if (const auto* symbol = size.symbol()) {
        dim.kind = Dimension::Kind::bind;
        dim.value = static_cast<std::int64_t>(*find_symbol(*symbol));
      } else {
        auto flat = CompiledExpr::compile(size, symbol_slots);
        if (!flat) return inside("inputs > " + tensor->name, std::move(flat.error()));
        dim.expr = std::move(*flat);
        guard.computed = true;
      }
      guard.shape.push_back(std::move(dim));
    }
    for (const Expr& stride : tensor->strides.values) {
      auto flat = CompiledExpr::compile(stride, symbol_slots);
      if (!flat) return inside("inputs > " + tensor->name, std::move(flat.error()));
      guard.strides.push_back(std::move(*flat));
    }
    if (tensor->strides.kind == Strides::Kind::explicit_ && guard.strides.size() != guard.shape.size())
      return fail("strides and shape differ in length", "inputs > " + tensor->name);
    guards.inputs_.push_back(std::move(guard));
  }
  for (const Expr& condition : plan.where) {
    std::optional<Error> problem;
    const CompiledExpr::Slots slots = [&](const Expr::Node& leaf) -> std::optional<std::size_t> {
      if (leaf.kind == Kind::symbol) return find_symbol(leaf.name);
      auto slot = guards.fact_slot(leaf);
      if (slot) return *slot;
      problem = std::move(slot.error());
      return std::nullopt;
    };
    auto flat = CompiledExpr::compile(condition, slots);
    if (!flat) return inside("where", problem ? std::move(*problem) : std::move(flat.error()));
    guards.where_.push_back({std::move(*flat), condition.text()});
  }
  if (guards.symbols_.size() + guards.facts_.size() > max_slots)
    return fail(fmt::format("the guards use more than {} symbols and sizes", max_slots), "inputs");
  return guards;
}

Guards::Miss Guards::bind_input(std::size_t input, const TensorFacts& actual, std::span<std::int64_t> slots,
                                std::uint64_t* bound) const noexcept {
  using enum Miss::About;
  const InputGuard& guard = inputs_[input];
  if (actual.dtype != guard.dtype) return {dtype, input, 0, 0};
  if (actual.sizes.size() != guard.shape.size()) return {rank, input, 0, 0};
  for (std::size_t dim = 0; dim < guard.shape.size(); ++dim) {
    const Dimension& expected = guard.shape[dim];
    std::int64_t wanted = expected.value;
    if (expected.kind == Dimension::Kind::computed) continue;
    if (expected.kind == Dimension::Kind::bind) {
      const auto slot = static_cast<std::size_t>(expected.value);
      const std::uint64_t bit = std::uint64_t{1} << (slot % 64);
      if (!(bound[slot / 64] & bit)) {
        bound[slot / 64] |= bit;
        slots[slot] = actual.sizes[dim];
      }
      wanted = slots[slot];
    }
    if (actual.sizes[dim] != wanted) return {size, input, dim, wanted};
  }
  return {};
}

Guards::Miss Guards::check_computed(std::size_t input, const TensorFacts& actual,
                                    std::span<const std::int64_t> slots) const noexcept {
  const InputGuard& guard = inputs_[input];
  for (std::size_t dim = 0; dim < guard.shape.size(); ++dim) {
    if (guard.shape[dim].kind != Dimension::Kind::computed) continue;
    const auto wanted = guard.shape[dim].expr.evaluate(slots);
    if (wanted.fault || wanted.value != actual.sizes[dim]) return {Miss::About::size, input, dim, wanted.value};
  }
  return {};
}

Guards::Miss Guards::check_layout(std::size_t input, const TensorFacts& actual,
                                  std::span<const std::int64_t> slots) const noexcept {
  const InputGuard& guard = inputs_[input];
  if (guard.layout != Strides::Kind::explicit_) {
    if (has_layout(actual, guard.layout)) return {};
    return {Miss::About::layout, input, 0, 0};
  }
  if (std::ranges::find(actual.sizes, 0) != actual.sizes.end()) return {};
  for (std::size_t dim = 0; dim < guard.strides.size(); ++dim) {
    if (actual.sizes[dim] == 1) continue;
    const auto wanted = guard.strides[dim].evaluate(slots);
    if (wanted.fault || wanted.value != actual.strides[dim]) return {Miss::About::stride, input, dim, wanted.value};
  }
  return {};
}

Guards::Miss Guards::check_where(std::span<const TensorFacts> actual, std::span<std::int64_t> slots) const noexcept {
  for (std::size_t i = 0; i < facts_.size(); ++i) {
    const TensorFacts& tensor = actual[facts_[i].input];
    const auto dim = static_cast<std::size_t>(facts_[i].dim);
    std::int64_t& slot = slots[symbols_.size() + i];
    if (facts_[i].kind == Kind::numel)
      slot = numel(tensor);
    else
      slot = facts_[i].kind == Kind::size ? tensor.sizes[dim] : tensor.strides[dim];
  }
  for (std::size_t i = 0; i < where_.size(); ++i) {
    const auto holds = where_[i].expr.evaluate(slots);
    if (holds.fault || !holds.value) return {Miss::About::where, i, 0, 0};
  }
  return {};
}

Guards::Miss Guards::find_miss(std::span<const TensorFacts> actual, std::span<std::int64_t> slots) const noexcept {
  using enum Miss::About;
  if (actual.size() != inputs_.size()) return {count, 0, 0, 0};
  std::array<std::uint64_t, max_slots / 64> bound{};
  for (std::size_t i = 0; i < inputs_.size(); ++i)
    if (const Miss miss = bind_input(i, actual[i], slots, bound.data()); miss.about != nothing) return miss;
  for (std::size_t i = 0; i < inputs_.size(); ++i) {
    if (inputs_[i].computed)
      if (const Miss miss = check_computed(i, actual[i], slots); miss.about != nothing) return miss;
    if (const Miss miss = check_layout(i, actual[i], slots); miss.about != nothing) return miss;
  }
  return where_.empty() ? Miss{} : check_where(actual, slots);
}

bool Guards::match(std::span<const TensorFacts> actual, std::span<std::int64_t> values) const noexcept {
  std::array<std::int64_t, max_slots> slots;  // written before it is read; a whole array costs nothing
  if (find_miss(actual, slots).about != Miss::About::nothing) return false;
  std::copy_n(slots.begin(), symbols_.size(), values.begin());
  return true;
}

std::string Guards::explain(std::span<const TensorFacts> actual) const {
  std::array<std::int64_t, max_slots> slots;
  const Miss miss = find_miss(actual, slots);
  using enum Miss::About;
  if (miss.about == nothing) return "the guards hold";
  if (miss.about == count) return fmt::format("{} tensors came, expected {}", actual.size(), inputs_.size());
  if (miss.about == where) return fmt::format("'{}' does not hold", where_[miss.input].text);
  const InputGuard& guard = inputs_[miss.input];
  const TensorFacts& tensor = actual[miss.input];
  const auto say = [&](std::string text) { return fmt::format("input {}: {}", guard.name, text); };
  switch (miss.about) {
    case dtype:
      return say(fmt::format("dtype is {}, expected {}", dtype_name(tensor.dtype), dtype_name(guard.dtype)));
    case rank:
      return say(fmt::format("{} dimensions, expected {}", tensor.sizes.size(), guard.shape.size()));
    case size: {
      const auto& text = guard.shape[miss.dim].text;
      const auto expected = fmt::format("{}", miss.expected);
      return say(fmt::format("size {} is {}, expected {}{}", miss.dim, tensor.sizes[miss.dim], expected,
                             text == expected ? "" : " (" + text + ")"));
    }
    case stride:
      return say(fmt::format("stride {} is {}, expected {}", miss.dim, tensor.strides[miss.dim], miss.expected));
    default:
      return say(fmt::format("strides {} of sizes {} are not {}", sizes_text(tensor.strides), sizes_text(tensor.sizes),
                             strides_name(guard.layout)));
  }
}

}  // namespace burnish
