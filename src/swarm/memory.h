#pragma once
#include <map>
#include <string>
#include <vector>

#include "store/store.h"
#include "swarm/corpus.h"
#include "swarm/strategy.h"

/// What the store knows of other problems, for the strategies that look at it.
namespace burnish {

/// What may never be shown: where the worth of agents is measured, solutions of the measured problems would be leaks.
struct HeldOut {
  std::vector<std::string> globs;  ///< names (or their last part) that match
  bool whole_run = false;          ///< all problems of the problem's own run, under whatever name they were solved
};

/// The winners, plans all, of the problems whose plans are most like `plan`, nearest first. Only what runs begun
/// earlier and earlier problems of this one have, and those of `corpus`: the same again after a kill. A held-out
/// problem is shown nothing that solves it: nothing of its own name, file, source or plan.
Result<std::vector<Example>> nearest_solved(Store& store, const ProblemRecord& problem, const json& plan,
                                            const std::string& target, const HeldOut& held_out,
                                            const std::vector<Solved>& corpus = {}, std::size_t most = 2);

/// A winner for this very problem (the same name and source, or the same plan) from a run begun earlier: the fastest of
/// the same target, else of any other. Of a held-out problem only one for another target, which solves another task.
Result<std::optional<Reference>> verified_winner(Store& store, const ProblemRecord& problem, const std::string& target,
                                                 const HeldOut& held_out);

/// How often each agent did well on the earlier problems of this run: those of the same kind count whole, others a
/// quarter.
Result<std::map<std::string, Tally>> earlier_tallies(Store& store, const ProblemRecord& problem, const json& plan);

}  // namespace burnish
