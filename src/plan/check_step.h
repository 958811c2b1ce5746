#pragma once
#include <string>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "plan/plan.h"

/// Checks single steps against what surrounds them. check.cpp builds the surroundings.
namespace burnish {

/// Where a tensor comes from, which decides who may write to it.
enum class Origin { input, param, constant, argument, prepared, result, own };

using Symbols = std::unordered_set<std::string>;

/// What the checker knows of a function before a call of it is checked.
struct FunctionFacts {
  std::size_t args = 0, results = 0;
  Symbols free;  ///< symbols that the body, and what it calls, leaves to the caller
  Symbols
      prefix_loops;  ///< loop symbols in parameter prefixes that it leaves to the caller: their bounds are constants
};

/// What a step may use: changes from step to step as names are assigned.
struct CheckScope {
  const Plan& plan;
  const std::unordered_map<std::string, FunctionFacts>& functions;
  std::unordered_map<std::string, Origin> tensors;
  Symbols symbols;         ///< that expressions may mention
  Symbols loops;           ///< that parameter prefixes may mention
  Symbols later;           ///< names that a later step assigns, for better messages
  bool preparing = false;  ///< in `prepare`, where neither inputs nor symbols exist
};

/// Checks one step and adds its outputs to the scope. Errors name the argument.
Status check_step(const Step& step, CheckScope& scope);

/// An expression that is a number: every name is known, nothing is compared.
Status check_value(const Expr& expr, const CheckScope& scope);

/// Explicit strides fit the rank, channels_last has four dimensions and channels_last_3d five.
Status check_strides(const Strides& strides, std::size_t rank);

/// Whether an expression compares anywhere; whether it is one comparison of two numbers.
bool compares(const Expr& expr);
bool is_comparison(const Expr& expr);

/// "there is no tensor 'x'": and why, as far as the scope knows.
std::unexpected<Error> unknown_tensor(const std::string& name, const CheckScope& scope);

/// The symbols in braces of a parameter prefix such as "layers.{i}."; an error where a brace is not closed.
Result<std::vector<std::string>> prefix_symbols(const std::string& prefix);

}  // namespace burnish
