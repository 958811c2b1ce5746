#include "compiler/tables.h"

#include <fmt/format.h>

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

void add_rules(std::string& text, std::span<const Rule> rules) {
  text += "| rule | from | to | class | who has it |\n|---|---|---|---|---|\n";
  for (const Rule& r : rules)
    text += fmt::format("| {} | `{}` | `{}` | {} | {} |\n", cell(r.name), cell(r.pattern), cell(r.replacement),
                        word(r.kind), cell(r.why));
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
  text += "\n## Templates\n| template | what it takes |\n|---|---|\n";
  for (const Template& t : templates()) text += fmt::format("| {} | {} |\n", t.name, t.what);
  text += "\n## Pointwise operators\n| operator | arguments | code | cost |\n|---|---|---|---|\n";
  for (const PointOp& op : point_ops())
    text +=
        fmt::format("| {}{} | {} | `{}` | {} |\n", op.op,
                    op.variant.empty() ? "" : " (" + std::string(op.variant) + ")", op.args, cell(op.code), op.cost);
  return text;
}

}  // namespace burnish::compiler
