#include "agents/language_model.h"

#include "agents/answer.h"
#include "agents/context.h"
#include "agents/hints.h"

namespace burnish {
namespace {

class LanguageModel : public Agent {
 public:
  LanguageModel(Model model, std::unique_ptr<Asker> asker, PromptFacts facts, std::string context,
                std::optional<Reference> reference, std::optional<SubAgent> hints)
      : model_(std::move(model)),
        asker_(std::move(asker)),
        facts_(std::move(facts)),
        context_(std::move(context)),
        reference_(std::move(reference)),
        hints_(std::move(hints)) {}

  std::string name() const override { return context_ == "plain" ? model_.name : model_.name + "@" + context_; }

  bool wants_profile() const override { return has_profile(context_); }
  bool wants_full_verdicts() const override { return true; }
  bool remote() const override { return model_.service != "command"; }

  Result<std::optional<Proposal>> propose(const Task& task, std::span<const PastAttempt> history) override {
    // The context stays the same for the whole problem.
    if (!context_added_) {
      add_device(facts_, task.target);
      if (auto ok = add_context(facts_, context_, task, reference_); !ok) return std::unexpected(ok.error());
      context_added_ = true;
    }
    json notes;
    if (wants_profile()) {
      TRY(found, add_hints(task, history));
      notes = std::move(found);
    }
    TRY(prompt, make_prompt(task, history, facts_, model_));
    auto reply = asker_->ask(model_, prompt, {});
    if (!reply) return inside("agent " + model_.name, reply.error());
    Proposal proposal = proposal_of(*reply);
    proposal.name = "attempt " + std::to_string(history.size() + 1);
    proposal.notes["model"] = model_.id;
    if (notes.is_object()) proposal.notes.update(notes);
    return proposal;
  }

 private:
  /// Puts the hints for the best measured attempt among the facts, asking for them where no earlier prompt had them.
  /// Gives the notes that let a later prompt find them again, in another process too.
  Result<json> add_hints(const Task& task, std::span<const PastAttempt> history) {
    const auto* measured = best_measured(history);
    if (!measured) return json();
    facts_.hints_for = measured->number;
    facts_.hints = hints_known(history, *measured);
    json notes = {{"hints_for", measured->number}};
    if (facts_.hints.empty()) {
      const Model& model = hints_ ? hints_->model : model_;
      const auto prompt = hints_prompt(task, *measured, history.back().number + 1, facts_, model);
      auto reply = (hints_ ? hints_->asker : asker_)->ask(model, prompt, {});
      if (!reply && reply.error().reason == stopped_reason) return inside("hints by " + model.name, reply.error());
      // Without a sub-agent the measurements speak for themselves.
      facts_.hints = reply && !reply->text.empty() ? reply->text : "```\n" + measurements(*measured) + "```";
      if (!reply) notes["hints_failed"] = to_text(reply.error());
    }
    notes["hints"] = facts_.hints;
    return notes;
  }

  Model model_;
  std::unique_ptr<Asker> asker_;
  PromptFacts facts_;
  std::string context_;
  std::optional<Reference> reference_;
  std::optional<SubAgent> hints_;
  bool context_added_ = false;
};

}  // namespace

Proposal proposal_of(const Reply& reply) {
  Proposal proposal;
  proposal.files[answer_file] = reply.text;
  if (reply.stop == Stop::truncated) proposal.notes["stop"] = "the answer was cut off at the model's output limit";
  if (reply.stop == Stop::refused) proposal.notes["stop"] = "the model refused";
  auto answer = read_answer(reply.text);
  if (!answer) {
    proposal.notes["unreadable"] = to_text(answer.error());
    return proposal;
  }
  if (answer->plan.empty()) {
    proposal.form = Form::model_new;
    proposal.files["model_new.py"] = std::move(answer->python);
    return proposal;
  }
  proposal.files["plan.json"] = std::move(answer->plan);
  proposal.files.merge(answer->files);
  return proposal;
}

std::unique_ptr<Agent> make_language_model(Model model, std::unique_ptr<Asker> asker, PromptFacts facts,
                                           std::string context, std::optional<Reference> reference,
                                           std::optional<SubAgent> hints) {
  return std::make_unique<LanguageModel>(std::move(model), std::move(asker), std::move(facts), std::move(context),
                                         std::move(reference), std::move(hints));
}

}  // namespace burnish
