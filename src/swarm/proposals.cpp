#include "swarm/proposals.h"

#include <algorithm>

#include "agents/prompt.h"
#include "base/files.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

/// Names come from agents: "../x" and "/etc/x" are no files of a candidate.
bool stays_inside(const fs::path& name) {
  if (name.empty() || name.is_absolute()) return false;
  return std::none_of(name.begin(), name.end(),
                      [](const fs::path& part) { return part == ".." || part == "." || part.empty(); });
}

/// Equal but for the prose around. Of an answer that holds no candidate nothing is left: each is read by itself.
bool same_files(std::map<std::string, std::string> a, std::map<std::string, std::string> b) {
  if (a == b) return !a.empty();
  a.erase(answer_file);
  b.erase(answer_file);
  return !a.empty() && a == b;
}

}  // namespace

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

bool same_candidate(const AttemptRecord& a, const AttemptRecord& b) {
  return a.form == b.form && same_files(a.files, b.files);
}

bool same_candidate(const Proposal& a, const Proposal& b) {
  return a.form == b.form && same_files(a.files, b.files);
}

Result<Candidate> materialise(const Store& store, const AttemptRecord& attempt, const fs::path& folder) {
  Candidate candidate{.name = attempt.agent + "/" + attempt.name, .form = form_of(attempt.form).value_or(Form::plan)};
  for (const auto& [name, artifact] : attempt.files) {
    if (!stays_inside(name))
      return fail("a file of the candidate has a name that leads out of its folder", name, "use a plain file name",
                  "plan");
    TRY(text, store.artifacts().get(artifact));
    const auto file = folder / name;
    std::error_code ec;
    fs::create_directories(file.parent_path(), ec);
    if (auto ok = write_file(file, text); !ok) {
      ok.error().reason = "environment";
      return std::unexpected(ok.error());
    }
  }
  switch (candidate.form) {
    case Form::plan:
      // A model's answer in which none was found: the next prompt says what was missing.
      if (!fs::exists(folder / "plan.json"))
        return fail("the answer holds no plan", attempt.name, "burnish show RUN PROBLEM AGENT:NUMBER has it", "plan");
      candidate.location = folder;
      break;
    case Form::recipe:
      candidate.location = folder / "recipe.json";
      break;
    case Form::model_new:
      candidate.location = folder / "model_new.py";
      break;
  }
  return candidate;
}

}  // namespace burnish
