#pragma once
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "compiler/context.h"

/// The small language in which rules are written (docs/compiler.md):
///
///   softmax(?x, #d)                     an operator of ATen, by its name, with or without overload
///   ?x  #d  #k=false  keepdim:#k=false  a tensor; any other argument; one that may be absent; one that has a name
///   2  true  none  [-1]  "tanh"         literals
///   m = amax(?x, [#d], true); ...       in a replacement: a name for a result, used as m afterwards
///   count(?x, #d)  #a * #b              in a replacement: numbers computed when the rule fires (term.cpp has the list)
namespace burnish::compiler {

struct Term {
  enum class Kind { call, tensor, constant, literal, list, local, arithmetic } kind = Kind::literal;
  std::string name;      ///< of a call, variable or local; the operator of arithmetic; the argument's own name apart
  std::string argument;  ///< "keepdim" of keepdim:#k
  Arg value;             ///< literal; the default of a constant
  bool has_default = false;
  std::vector<Term> args;
};

/// A replacement: named results, then the last term, which takes the matched step's place.
struct Replacement {
  std::vector<std::pair<std::string, Term>> lets;
  Term result;
};

Result<Term> parse_term(std::string_view text);
Result<Replacement> parse_replacement(std::string_view text);

/// What a pattern's variables stand for.
struct Match {
  std::map<std::string, Arg> bound;
  std::vector<std::string> inner;  ///< results of the steps inside the match, without the outermost
  bool widened = false;            ///< its tensors are halves, and what is bound are their float32
};

/// Finds the step that makes a tensor; null where none does (inputs, parameters).
using Producer = std::function<const OpStep*(const std::string&)>;

bool match(const Term& pattern, const OpStep& step, const Producer& producer, Match& found);

/// Writes a replacement's steps. The last one makes `out` (or `alias` names what stands for it). Fails where a number
/// cannot be computed for these sizes or a type is not known; then the rule does not fire.
struct Written {
  std::vector<OpStep> steps;
  std::string alias;
};
Result<Written> write(const Replacement& replacement, const Match& found, const std::string& out, Context& context);

}  // namespace burnish::compiler
