#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "plan/compiled_expr.h"
#include "plan/plan.h"

namespace burnish {

/// What a guard looks at in an actual tensor. Sizes and strides count elements and live as long as the caller keeps
/// them.
struct TensorFacts {
  DType dtype;
  std::span<const std::int64_t> sizes, strides;
};

/// The guards of a plan's tensor inputs in a form that is checked at every call: allocates nothing and throws nothing.
/// Values that are no tensors are the caller's to compare. Immutable, so threads may share it.
class Guards {
 public:
  static constexpr std::size_t max_slots = 256;  ///< symbols, and sizes that `where` asks for, of one plan

  /// An error where `where` or a shape mentions what nothing binds: plans that passed check() compile.
  static Result<Guards> compile(const Plan& plan);

  /// The symbols that a call binds, in the order in which match() writes their values.
  const std::vector<std::string>& symbols() const { return symbols_; }
  /// Tensor inputs, in the order of the plan.
  std::size_t tensors() const { return inputs_.size(); }

  /// Whether `actual` (one entry a tensor input, in the plan's order) meets every guard. Writes the symbols' values;
  /// `values` must hold symbols().size() of them. The layouts `contiguous` and `channels_last` are PyTorch's:
  /// dimensions of size 1 and tensors without elements fit any strides.
  bool match(std::span<const TensorFacts> actual, std::span<std::int64_t> values) const noexcept;

  /// Why match() said no, as "input x: size 1 is 7, expected 256". Slow; "the guards hold" where they do.
  std::string explain(std::span<const TensorFacts> actual) const;

 private:
  struct Dimension {
    enum class Kind { exact, bind, computed } kind;
    std::int64_t value;  ///< the size, or the slot that it binds
    CompiledExpr expr;   ///< computed
    std::string text;
  };
  struct InputGuard {
    std::string name;
    DType dtype;
    std::vector<Dimension> shape;
    Strides::Kind layout;
    std::vector<CompiledExpr> strides;
    bool computed = false;  ///< a size must be evaluated once all symbols are bound
  };
  /// size(x, d), stride(x, d) or numel(x) that `where` asks for; lies in the slot after the symbols.
  struct Fact {
    Expr::Node::Kind kind;
    std::size_t input;
    std::int64_t dim;
  };
  struct Condition {
    CompiledExpr expr;
    std::string text;
  };
  /// The guard that was missed first, by what it was about.
  struct Miss {
    enum class About { nothing, count, dtype, rank, size, layout, stride, where } about = About::nothing;
    std::size_t input = 0, dim = 0;
    std::int64_t expected = 0;
  };

  Result<std::size_t> fact_slot(const Expr::Node& leaf);
  Miss find_miss(std::span<const TensorFacts> actual, std::span<std::int64_t> slots) const noexcept;
  Miss bind_input(std::size_t input, const TensorFacts& actual, std::span<std::int64_t> slots,
                  std::uint64_t* bound) const noexcept;
  Miss check_computed(std::size_t input, const TensorFacts& actual, std::span<const std::int64_t> slots) const noexcept;
  Miss check_layout(std::size_t input, const TensorFacts& actual, std::span<const std::int64_t> slots) const noexcept;
  Miss check_where(std::span<const TensorFacts> actual, std::span<std::int64_t> slots) const noexcept;

  std::vector<InputGuard> inputs_;
  std::vector<std::string> symbols_;
  std::vector<Fact> facts_;
  std::vector<Condition> where_;
};

}  // namespace burnish
