#include "swarm/memory.h"

#include <fmt/format.h>
#include <fnmatch.h>

#include <algorithm>
#include <set>

#include "agents/prompt.h"
#include "swarm/proposals.h"
#include "swarm/similarity.h"

namespace burnish {
namespace {

constexpr double least_alike = 0.25;  ///< below, an example teaches another craft
constexpr double same_plan = 0.999;
constexpr double other_kind_weight = 0.25;
constexpr std::size_t most_source = 6000;  ///< characters of an example's module

std::string last_part(const std::string& name) {
  const auto slash = name.rfind('/');
  return slash == std::string::npos ? name : name.substr(slash + 1);
}

std::string text_of(const std::map<std::string, std::string>& files, const char* name) {
  const auto found = files.find(name);
  return found == files.end() ? "" : found->second;
}

/// What tells that two problems are one: names may differ from run to run, and so may paths.
std::set<std::string> identities(const ProblemRecord& p) {
  std::set<std::string> all = {"name " + last_part(p.name)};
  const auto add = [&](const char* kind, const std::string& value) {
    if (!value.empty()) all.insert(kind + value);
  };
  if (p.spec.is_object() && p.spec.contains("file") && p.spec["file"].is_string())
    add("file ", p.spec["file"].get<std::string>() + ":" + p.spec.value("class", ""));
  add("source ", text_of(p.files, "problem.py"));
  add("plan ", text_of(p.files, "plan.json"));
  return all;
}

bool matches(const std::vector<std::string>& globs, const std::string& name) {
  return std::ranges::any_of(globs, [&](const std::string& glob) {
    return ::fnmatch(glob.c_str(), name.c_str(), 0) == 0 || ::fnmatch(glob.c_str(), last_part(name).c_str(), 0) == 0;
  });
}

struct Found {
  double alike = 0, low = 0;
  ProblemRecord problem;
  const Solved* of_corpus = nullptr;  ///< of no run
};

std::string what_text(double speedup) {
  return fmt::format("A problem like this one, and a plan that was accepted at {:.2f} times its module's speed",
                     speedup);
}

Result<std::optional<Example>> example_of(Store& store, const Found& found) {
  if (const auto* solved = found.of_corpus)
    return Example{"corpus " + solved->name, what_text(solved->speedup), solved->source.substr(0, most_source),
                   solved->proposal};
  TRY(attempts, store.attempts(found.problem.id));
  for (const auto& attempt : attempts) {
    if (attempt.agent != found.problem.outcome.value("winner", "") ||
        attempt.number != found.problem.outcome.value("number", 0) || attempt.form != to_text(Form::plan))
      continue;
    TRY(proposal, recorded_proposal(store, attempt, companions_of(found.problem.files)));
    std::string source;
    if (const auto artifact = text_of(found.problem.files, "problem.py"); !artifact.empty()) {
      TRY(text, store.artifacts().get(artifact));
      source = text.substr(0, most_source);
    }
    return Example{fmt::format("{} {} {}:{}", found.problem.run, found.problem.name, attempt.agent, attempt.number),
                   what_text(found.problem.outcome.value("speedup", 1.0)), std::move(source), std::move(proposal)};
  }
  return std::nullopt;
}

}  // namespace

Result<std::vector<Example>> nearest_solved(Store& store, const ProblemRecord& problem, const json& plan,
                                            const std::string& target, const HeldOut& held_out,
                                            const std::vector<Solved>& corpus, std::size_t most) {
  TRY(own_run, store.run(problem.run));
  TRY(own_problems, store.problems(problem.run));
  std::set<std::string> hidden;
  std::vector<Features> hidden_plans;
  for (const auto& p : own_problems) {
    if (!held_out.whole_run && !matches(held_out.globs, p.name)) continue;
    hidden.merge(identities(p));
    if (corpus.empty() || text_of(p.files, "plan.json").empty()) continue;
    TRY(text, store.artifacts().get(text_of(p.files, "plan.json")));
    hidden_plans.push_back(features_of(json::parse(text, nullptr, false)));
  }
  const bool measured = held_out.whole_run || matches(held_out.globs, problem.name);
  const auto features = features_of(plan);
  std::vector<Found> found;
  TRY(runs, store.runs());
  for (const auto& run : runs) {
    if (run.created > own_run.created) continue;
    if (run.options.value(json::json_pointer("/judging/target"), std::string()) != target) continue;
    TRY(problems, store.problems(run.id));
    for (auto& p : problems) {
      if (run.id == problem.run && p.id >= problem.id) continue;
      if (p.state != "done" || p.outcome.value("verdict", "") != "accepted") continue;
      if (matches(held_out.globs, p.name)) continue;
      const auto who = identities(p);
      if (std::ranges::any_of(who, [&](const std::string& id) { return hidden.contains(id); })) continue;
      const auto artifact = text_of(p.files, "plan.json");
      if (artifact.empty()) continue;
      TRY(text, store.artifacts().get(artifact));
      const double alike = similarity(features, features_of(json::parse(text, nullptr, false)));
      if (alike < least_alike || (measured && alike >= same_plan)) continue;
      const auto interval = p.outcome.value("interval", json());
      const double low =
          interval.is_array() && !interval.empty() && interval[0].is_number() ? interval[0].get<double>() : 1.0;
      found.push_back({alike, low, std::move(p), nullptr});
    }
  }
  for (const auto& solved : corpus) {
    if (solved.target != target || hidden.contains("name " + solved.name) || matches(held_out.globs, solved.name))
      continue;
    const auto theirs = features_of(solved.exported);
    if (std::ranges::any_of(hidden_plans, [&](const Features& f) { return similarity(f, theirs) >= same_plan; }))
      continue;
    const double alike = similarity(features, theirs);
    if (alike < least_alike || (measured && alike >= same_plan)) continue;
    found.push_back({alike, solved.speedup, {}, &solved});
  }
  std::ranges::stable_sort(found, std::greater{}, [](const Found& f) { return std::pair(f.alike, f.low); });
  std::vector<Example> examples;
  std::set<std::string> shown;  // the same problem solved in several runs is one example
  for (const auto& f : found) {
    if (examples.size() == most) break;
    const auto plan_of = f.of_corpus ? "corpus " + f.of_corpus->name : text_of(f.problem.files, "plan.json");
    if (shown.contains(plan_of)) continue;
    TRY(example, example_of(store, f));
    if (!example) continue;  // a recipe won: nothing to write a plan after
    shown.insert(plan_of);
    examples.push_back(std::move(*example));
  }
  return examples;
}

Result<std::optional<Reference>> verified_winner(Store& store, const ProblemRecord& problem, const std::string& target,
                                                 const HeldOut& held_out) {
  TRY(own_run, store.run(problem.run));
  const bool measured = held_out.whole_run || matches(held_out.globs, problem.name);
  const auto own = identities(problem);
  std::optional<Found> best;
  std::string best_target;
  TRY(runs, store.runs());
  for (const auto& run : runs) {
    const auto theirs = run.options.value(json::json_pointer("/judging/target"), std::string());
    if (run.created > own_run.created || run.id == problem.run || (measured && theirs == target)) continue;
    TRY(problems, store.problems(run.id));
    for (auto& p : problems) {
      if (p.state != "done" || p.outcome.value("verdict", "") != "accepted") continue;
      const auto who = identities(p);
      const auto same = [&](const char* kind) {
        return std::ranges::any_of(who,
                                   [&](const std::string& id) { return id.starts_with(kind) && own.contains(id); });
      };
      if (!same("plan ") && !(same("name ") && same("source "))) continue;
      const auto speedup = p.outcome.value("speedup", json());
      Found found{theirs == target ? 1.0 : 0.0, speedup.is_number() ? speedup.get<double>() : 1.0, std::move(p),
                  nullptr};
      if (best && std::pair(found.alike, found.low) <= std::pair(best->alike, best->low)) continue;
      TRY(example, example_of(store, found));
      if (!example) continue;  // a recipe
      best = std::move(found);
      best_target = theirs;
    }
  }
  if (!best) return std::nullopt;
  TRY(example, example_of(store, *best));
  return Reference{
      fmt::format("accepted for {} at {:.2f} times the module's speed, in an earlier run", best_target, best->low),
      as_answer(example->proposal)};
}

Result<std::map<std::string, Tally>> earlier_tallies(Store& store, const ProblemRecord& problem, const json& plan) {
  const auto kind = kind_of(plan);
  std::map<std::string, Tally> tallies;
  TRY(problems, store.problems(problem.run));
  for (const auto& p : problems) {
    if (p.id >= problem.id || p.state != "done") continue;
    double weight = other_kind_weight;
    if (const auto artifact = text_of(p.files, "plan.json"); !artifact.empty()) {
      TRY(text, store.artifacts().get(artifact));
      if (kind_of(json::parse(text, nullptr, false)) == kind) weight = 1;
    }
    TRY(attempts, store.attempts(p.id));
    TRY(evaluations, store.evaluations(p.id));
    for (const auto& attempt : attempts) {
      for (const auto& e : evaluations) {
        if (e.attempt != attempt.id || e.stage != "search") continue;
        auto& tally = tallies[attempt.agent];
        (e.verdict.wins() ? tally.good : tally.bad) += weight;
      }
    }
  }
  return tallies;
}

}  // namespace burnish
