#include "agents/hints.h"

#include <fmt/format.h>

#include "agents/template.h"
#include "context/base64.h"
#include "context/pictures.h"
#include "context/profile_text.h"

namespace burnish {

std::string_view cpu_hints_template();

const PastAttempt* best_measured(std::span<const PastAttempt> history) {
  const PastAttempt* best = nullptr;
  for (const auto& past : history) {
    if (!past.verdict.accepted() || !past.verdict.body.contains("profile")) continue;
    if (!best || past.verdict.rank() > best->verdict.rank()) best = &past;
  }
  return best;
}

std::string hints_known(std::span<const PastAttempt> history, const PastAttempt& attempt) {
  for (const auto& past : history) {
    const auto& notes = past.proposal.notes;
    if (notes.is_object() && notes.value("hints_for", 0) == attempt.number) return notes.value("hints", "");
  }
  return "";
}

Prompt hints_prompt(const Task& task, const PastAttempt& attempt, int number, const PromptFacts& facts,
                    const Model& model) {
  kainjow::mustache::data values;
  const bool estimated = attempt.verdict.estimated_speedup().has_value();
  values.set("place", estimated ? "an Apple GPU" : task.target == "cuda" ? "an NVIDIA GPU" : "a CPU");
  values.set("device", facts.device);
  values.set("source", task.source);
  values.set("answer", as_answer(attempt.proposal));
  values.set("table", measurements(attempt));
  std::vector<Picture> pictures;
  if (model.pictures)
    for (const auto& png : draw_profile(attempt.verdict.body["profile"]))
      pictures.push_back({"image/png", base64(png)});
  values.set("pictures", !pictures.empty());
  const auto gain = fmt::format("{:.2f}", estimated ? attempt.verdict.rank() : attempt.verdict.speedup.value_or(1));
  values.set("speedup", estimated ? "estimated to be " + gain + " times as fast as the module's own plan"
                                  : gain + " times as fast as the module");
  // The fixed part stands before the line of dashes, for the service's cache.
  const auto text = render(cpu_hints_template(), values);
  const auto line = text.find("\n---\n");
  return {text.substr(0, line), {{Message::Role::user, text.substr(line + 5), std::move(pictures)}}, "hints", number};
}

std::string measurements(const PastAttempt& attempt) {
  return profile_text(attempt.verdict.body["profile"]);
}

}  // namespace burnish
