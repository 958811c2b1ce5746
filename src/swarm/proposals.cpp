#include "swarm/proposals.h"

namespace burnish {

Companions companions_of(const std::map<std::string, std::string>& files) {
  Companions found;
  if (const auto it = files.find("constants.safetensors"); it != files.end()) found.insert(*it);
  return found;
}

Result<AttemptRecord> record_proposal(Store& store, std::int64_t problem, const std::string& agent, int number,
                                      const std::string& strategy, const Proposal& proposal,
                                      const Companions& companions) {
  AttemptRecord record{.problem = problem,
                       .agent = agent,
                       .number = number,
                       .strategy = strategy,
                       .name = proposal.name,
                       .form = to_text(proposal.form),
                       .notes = proposal.notes};
  for (const auto& [name, text] : proposal.files) {
    TRY(artifact, store.artifacts().put(text));
    record.files[name] = artifact;
  }
  if (proposal.form == Form::plan)
    for (const auto& [name, artifact] : companions) record.files.emplace(name, artifact);
  return store.add_attempt(std::move(record));
}

Result<Proposal> recorded_proposal(const Store& store, const AttemptRecord& attempt, const Companions& companions) {
  Proposal proposal{attempt.name, form_of(attempt.form).value_or(Form::plan), {}, attempt.notes};
  for (const auto& [name, artifact] : attempt.files) {
    if (companions.contains(name)) continue;
    TRY(text, store.artifacts().get(artifact));
    proposal.files[name] = std::move(text);
  }
  return proposal;
}

}  // namespace burnish
