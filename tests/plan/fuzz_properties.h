#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "plan/check.h"
#include "plan/guards.h"
#include "plan/inline.h"
#include "plan/lifetimes.h"
#include "plan/parse.h"
#include "plan/print.h"
#include "plan/terms.h"

/// What must hold for any text that claims to be a plan. Used by the fuzz tests and by the libFuzzer entry.
namespace burnish {

inline bool is_utf8(const std::string& text) {
  try {
    (void)json(text).dump();
    return true;
  } catch (const json::exception&) {
    return false;
  }
}

/// Nothing, or which property is broken.
inline std::optional<std::string> broken_property(std::string_view text) {
  const auto plan = parse_plan(text, "plan.json");
  if (!plan) {
    if (plan.error().what.empty() || plan.error().reason != "plan") return "an error without words or reason";
    return is_utf8(to_text(plan.error())) ? std::nullopt : std::optional("a message that is not UTF-8");
  }
  const std::string printed = print_plan(*plan);
  const auto again = parse_plan(printed, "printed");
  if (!again) return "what is printed does not parse: " + to_text(again.error());
  if (print_plan(*again) != printed) return "printing is not stable";
  if (describe_plan(*plan).empty()) return "no description";
  const Status checked = check(*plan), checked_again = check(*again);
  if (checked.has_value() != checked_again.has_value()) return "the printed plan is judged differently";
  if (!checked) {
    if (checked.error().what.empty() || checked.error().reason != "plan") return "a refusal without words or reason";
    return is_utf8(to_text(checked.error())) ? std::nullopt : std::optional("a message that is not UTF-8");
  }
  const auto guards = Guards::compile(*plan);
  if (!guards) return "a checked plan has guards that do not compile: " + to_text(guards.error());
  const auto found = lifetimes(*plan);
  if (found.steps.size() != plan->steps.size()) return "lifetimes of another length";
  const auto flat = inline_calls(*plan);
  if (!flat && flat.error().where.starts_with("after inlining"))
    return "inlining breaks the plan: " + to_text(flat.error());
  if (flat && flat->steps.size() < 200 && Terms(*flat).result() != Terms(*plan).result())
    return "inlining changes the plan";
  return std::nullopt;
}

}  // namespace burnish
