#include "compiler/tables.h"

#include <fmt/format.h>

#include <map>

#include "compiler/fuse/point_ops.h"
#include "compiler/pipeline.h"
#include "compiler/rules.h"
#include "compiler/templates/templates.h"

namespace burnish::compiler {
namespace {

std::string_view word(RuleClass c) {
  switch (c) {
    case RuleClass::exact:
      return "exact";
    case RuleClass::same:
      return "same";
    case RuleClass::changes:
      break;
  }
  return "changes";
}

/// Text inside a table's cell: a bar would end it.
std::string cell(std::string_view text) {
  std::string out;
  for (const char c : text) out += c == '|' ? std::string("\\|") : std::string(1, c);
  return out;
}

std::string_view reason(const Rule& rule) {  // algebra has reasons of its own: rules_test.cpp holds it
  return rule.why.empty() ? "joins its neighbours' kernels" : rule.why;
}

void add_rules(std::string& text, std::span<const Rule> rules) {
  text += "| rule | from | to | class | reason |\n|---|---|---|---|---|\n";
  for (const Rule& r : rules)
    text += fmt::format("| {} | `{}` | `{}` | {} | {} |\n", cell(r.name), cell(r.pattern), cell(r.replacement),
                        word(r.kind), cell(reason(r)));
}

/// "same: BERT", of a rule or template by its name; library calls are in no table.
std::string what_is(const std::string& name) {
  for (const auto& rules : {algebra(), canonical_forms()})
    for (const Rule& r : rules)
      if (r.name == name) return fmt::format("{}: {}", word(r.kind), reason(r));
  for (const Template& t : templates())
    if (t.name == name) return fmt::format("{}: a template", word(t.kind));
  return fmt::format("{}: a library call", word(RuleClass::same));
}

}  // namespace

std::string describe_tables() {
  std::string text =
      "# The compiler's tables\n\nWritten by `burnish-compiler-tool --tables` from the tables in src/compiler; do not "
      "edit.\n\n## Passes\n";
  int n = 0;
  for (const Pass& pass : pipeline()) text += fmt::format("{}. {}\n", ++n, pass.name);
  text += "\n## Algebra\nLess work for the same result.\n\n";
  add_rules(text, algebra());
  text += "\n## Canonical forms\nComposite operators in terms of those that fusion joins.\n\n";
  add_rules(text, canonical_forms());
  text += "\n## Templates\n| template | target | what it takes | class |\n|---|---|---|---|\n";
  for (const Template& t : templates())
    text += fmt::format("| {} | {} | {} | {} |\n", t.name, t.target, t.what, word(t.kind));
  text += "\n## Pointwise operators\n| operator | arguments | code | cost |\n|---|---|---|---|\n";
  for (const PointOp& op : point_ops())
    text +=
        fmt::format("| {}{} | {} | `{}` | {} |\n", op.op,
                    op.variant.empty() ? "" : " (" + std::string(op.variant) + ")", op.args, cell(op.code), op.cost);
  return text;
}

std::string describe_fired(const std::vector<std::string>& fired) {
  std::vector<std::string> order;
  std::map<std::string, int> times;
  for (const std::string& name : fired)
    if (times[name]++ == 0) order.push_back(name);
  std::string text;
  for (const std::string& name : order)
    text += fmt::format("  {}{} ({})\n", name, times[name] > 1 ? fmt::format(", {} times", times[name]) : "",
                        what_is(name));
  return text;
}

}  // namespace burnish::compiler
