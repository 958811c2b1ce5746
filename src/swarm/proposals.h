#pragma once
#include "agents/agent.h"
#include "store/store.h"
#include "swarm/judge.h"

namespace burnish {

/// Files of an exported plan that candidates may name without repeating them (name -> artifact): they stand beside
/// every candidate's own.
using Companions = std::map<std::string, std::string>;
Companions companions_of(const std::map<std::string, std::string>& files);

/// Puts a proposal's files into the store and records the attempt, not yet judged.
Result<AttemptRecord> record_proposal(Store& store, std::int64_t problem, const std::string& agent, int number,
                                      const std::string& strategy, const Proposal& proposal,
                                      const Companions& companions);

/// The proposal that a recorded attempt was.
Result<Proposal> recorded_proposal(const Store& store, const AttemptRecord& attempt, const Companions& companions);

/// Whether two attempts are the same candidate: equal files, whatever prose the answers had around them.
bool same_candidate(const AttemptRecord& a, const AttemptRecord& b);
bool same_candidate(const Proposal& a, const Proposal& b);

/// Writes an attempt's files into a folder and gives the candidate, kernels not yet compiled.
Result<Candidate> materialise(const Store& store, const AttemptRecord& attempt, const std::filesystem::path& folder);

}  // namespace burnish
