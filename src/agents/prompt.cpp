#include "agents/prompt.h"

#include <algorithm>

#include "agents/answer.h"
#include "agents/template.h"
#include "base/files.h"

namespace burnish {

// The templates of prompts/, embedded by the build.
std::string_view cpu_system_template();
std::string_view cuda_system_template();
std::string_view metal_system_template();
std::string_view cpu_problem_template();
std::string_view cpu_feedback_template();
std::string_view cpu_example_template();
std::string_view cpu_hinted_template();

namespace {

using kainjow::mustache::data;

/// The exported plan without its constants' values and notes: what a model needs of it.
std::string shown_plan(const std::filesystem::path& folder) {
  const auto text = folder.empty() ? Result<std::string>("null") : read_file(folder / "plan.json");
  if (!text) return "(the plan cannot be read)";
  json plan = json::parse(*text, nullptr, false);
  if (plan.is_object()) plan.erase("notes");
  constexpr std::size_t most = 60'000;  // a network of a thousand steps; a model sees its beginning and knows it
  std::string shown = folder.empty() ? "(this module could not be exported)" : plan.dump();
  return shown.size() <= most ? shown : shown.substr(0, most) + "\n... (cut)";
}

struct TargetPrompt {
  std::string_view target;
  std::string_view (*system)();
  bool timed;  ///< whether what PyTorch takes here says what it takes there
};
constexpr TargetPrompt target_prompts[] = {{"cpu", cpu_system_template, true},
                                           {"cuda", cuda_system_template, true},
                                           {"metal-emulated", metal_system_template, false}};

std::string seconds_text(const json& opened) {
  if (!opened.contains("eager_seconds") || !opened["eager_seconds"].is_number()) return "an unknown time";
  return std::to_string(opened["eager_seconds"].get<double>() * 1e6) + " us";
}

std::string advice_for(const Verdict& v) {
  if (v.wins()) return "Correct and faster. Make it faster still: what does it spend its time on?";
  if (const auto estimated = v.estimated_speedup(); estimated && v.accepted())
    return *estimated > win_threshold ? "Correct, and estimated to be faster. What is left of its estimated time?"
                                      : "Correct, but not estimated to be faster: fewer launches, fewer passes over "
                                        "memory.";
  if (v.accepted())
    return "Correct, but not faster than the module. Find what costs the time: passes over memory, fresh tensors, "
           "operators.";
  if (v.reason == "compile") return "Correct the source; the diagnostics are above.";
  if (v.reason == "precision" || v.reason == "values")
    return "Correct the arithmetic first; where it differs is above.";
  if (v.reason == "contract" || v.reason == "nan")
    return "It fails on inputs of another scale or sign: keep the range of float32 throughout.";
  if (v.reason == "out-of-bounds")
    return "A kernel writes or reads outside its tensors: check the last piece of the range and odd sizes.";
  return "Correct what is named above.";
}

/// The examples that are short enough to leave room for the problem, each at most `most` characters.
std::string shown_examples(const std::vector<Example>& examples, std::size_t most) {
  std::string text;
  for (const auto& example : examples) {
    data values;
    values.set("what", example.what);
    if (!example.source.empty()) values.set("source", example.source);
    values.set("answer", as_answer(example.proposal));
    const auto one = render(cpu_example_template(), values);
    if (one.size() <= most) text += one;
  }
  return text;
}

/// Messages of one attempt: the model's answer, and what it earned.
std::pair<Message, Message> exchange(const PastAttempt& attempt, int attempts) {
  const auto answer = attempt.proposal.files.find(answer_file);
  const std::string text = answer == attempt.proposal.files.end() ? "(no answer is recorded)" : answer->second;
  return {{Message::Role::assistant, text, {}}, {Message::Role::user, feedback(attempt, attempts), {}}};
}

/// Indices of the attempts that fit: the last and the best always, then the latest that have room (characters / 3 is a
/// cautious count of tokens).
std::vector<std::size_t> kept(std::span<const PastAttempt> history, std::size_t room) {
  if (history.empty()) return {};
  std::size_t best = history.size();
  for (std::size_t i = 0; i < history.size(); ++i)
    if (history[i].verdict.accepted() &&
        (best == history.size() || history[i].verdict.rank() > history[best].verdict.rank()))
      best = i;
  std::vector<std::size_t> keep;
  for (std::size_t i = history.size(); i-- > 0;) {
    const auto answer = history[i].proposal.files.find(answer_file);
    const std::size_t size = answer == history[i].proposal.files.end() ? 0 : answer->second.size() / 3;
    if (i + 1 != history.size() && i != best && size > room) continue;
    room -= std::min(room, size);
    keep.insert(keep.begin(), i);
  }
  return keep;
}

}  // namespace

std::string as_answer(const Proposal& proposal) {
  std::string text;
  for (const auto& [name, contents] : proposal.files) {
    if (name == answer_file) continue;
    const auto kind = name.ends_with(".json")    ? "json "
                      : name.ends_with(".py")    ? "python "
                      : name.ends_with(".cu")    ? "cuda "
                      : name.ends_with(".metal") ? "metal "
                                                 : "cpp ";
    text += std::string("```") + kind + name + "\n" + contents;
    text += contents.ends_with('\n') ? "```\n\n" : "\n```\n\n";
  }
  return text;
}

std::string feedback(const PastAttempt& attempt, int attempts) {
  const Verdict& v = attempt.verdict;
  data values;
  values.set("number", std::to_string(attempt.number));
  values.set("attempts", std::to_string(attempts));
  std::string outcome = to_text(v.kind) + " (" + v.reason + ")";
  if (v.speedup) outcome += ", " + std::to_string(*v.speedup) + " times the module's speed";
  if (const auto estimated = v.estimated_speedup())
    outcome += ", estimated at " + std::to_string(*estimated) + " times the speed of the module's own plan";
  values.set("outcome", outcome);
  data remarks{data::type::list};
  if (const auto answer = attempt.proposal.files.find(answer_file); answer != attempt.proposal.files.end()) {
    const auto read = read_answer(answer->second);
    if (!read)
      remarks << data{to_text(read.error())};
    else
      for (const std::string& remark : read->remarks) remarks << data{remark};
  }
  values.set("remarks", remarks);
  if (v.body.contains("detail") && !v.body["detail"].is_null())
    values.set("detail", v.body["detail"].dump(1, ' ', false, json::error_handler_t::replace).substr(0, 8000));
  values.set("advice", advice_for(v));
  return render(cpu_feedback_template(), values);
}

Result<Prompt> make_prompt(const Task& task, std::span<const PastAttempt> history, const PromptFacts& facts,
                           const Model& model) {
  const auto* target = std::ranges::find(target_prompts, task.target, &TargetPrompt::target);
  if (target == std::end(target_prompts))
    return fail("there are no prompts for target '" + task.target + "'", "prompts/",
                "use --target cpu, cuda or metal-emulated");
  data fixed;
  fixed.set("threads", std::to_string(facts.threads) + (facts.threads == 1 ? " thread" : " threads"));
  fixed.set("compiler", facts.compiler);
  fixed.set("inputs", std::to_string(task.options.is_object() ? task.options.value("inputs", 100) : 100));

  data values;
  values.set("device", facts.device);
  values.set("source", task.source);
  values.set("inputs", task.opened.contains("inputs") ? task.opened["inputs"].dump() : "see the plan");
  if (target->timed) values.set("eager_time", seconds_text(task.opened));
  if (task.opened.contains("eager_error") && task.opened["eager_error"].is_number())
    values.set("eager_error", task.opened["eager_error"].dump());
  if (!facts.best.empty()) values.set("best", facts.best);
  values.set("plan", shown_plan(task.plan));
  if (!facts.reference.empty())
    values.set("reference", facts.reference), values.set("reference_kind", facts.reference_kind);

  Prompt prompt{render(target->system(), fixed), {{Message::Role::user, render(cpu_problem_template(), values), {}}}};
  const auto window = static_cast<std::size_t>(std::max<std::int64_t>(0, model.context_tokens - model.output_tokens));
  auto last = shown_examples(task.examples, window / 2);  // characters: a sixth of the window
  if (!facts.hints.empty()) {
    data hints;
    hints.set("hints", facts.hints);
    hints.set("number", std::to_string(facts.hints_for));
    last += render(cpu_hinted_template(), hints);
  }
  const std::size_t used = (prompt.system.size() + prompt.messages[0].text.size() + last.size()) / 3;
  for (const std::size_t i : kept(history, window > used ? window - used : 0)) {
    auto [answer, earned] = exchange(history[i], facts.attempts);
    prompt.messages.push_back(std::move(answer));
    prompt.messages.push_back(std::move(earned));
  }
  prompt.attempt = history.empty() ? 1 : history.back().number + 1;
  // Last, because they change from attempt to attempt: what stands before them stays in the service's cache.
  prompt.messages.back().text += last;
  return prompt;
}

}  // namespace burnish
