#pragma once
#include <functional>
#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "swarm/builder.h"
#include "swarm/judge.h"
#include "swarm/watcher.h"

namespace burnish {

/// A verdict with the numbers that the swarm decides by.
inline Verdict accepted(double speedup, double low, double high) {
  return *parse_verdict({{"verdict", "accepted"}, {"reason", "ok"}, {"speedup", speedup}, {"interval", {low, high}}});
}
inline Verdict refused(const std::string& reason) {
  return *parse_verdict({{"verdict", "refused"}, {"reason", reason}});
}

/// Verdicts by a candidate's name, or by "name@final". `requests` are the names asked for, with their stage.
struct FakeJudge : Judge {
  std::map<std::string, Verdict> verdicts;
  std::vector<std::string> requests;
  std::map<std::string, std::optional<double>> to_beat;  ///< as a candidate came, by its request
  std::optional<Error> cannot_open;
  std::function<void()> before;

  Result<Opened> open(const ProblemSpec&) override {
    if (cannot_open) return std::unexpected(*cannot_open);
    return Opened{{{"eager_seconds", 0.001}, {"source", "class Model: ..."}}, {}};
  }
  Result<Verdict> judge(const Candidate& candidate, Stage stage) override {
    if (before) before();
    requests.push_back(candidate.name + "@" + to_text(stage));
    to_beat[requests.back()] = candidate.to_beat;
    for (const auto& key : {requests.back(), candidate.name})
      if (const auto v = verdicts.find(key); v != verdicts.end()) return v->second;
    return fail("no judge any more", candidate.name, "", "environment");
  }
};

/// Proposes names in order, as recipes or as plans that cannot be built.
struct FakeAgent : Agent {
  FakeAgent(std::string who, std::vector<std::string> names, Form kind = Form::recipe)
      : who_(std::move(who)), names_(std::move(names)), kind_(kind) {}
  std::string name() const override { return who_; }
  bool wants_full_verdicts() const override { return full; }
  Result<std::optional<Proposal>> propose(const Task&, std::span<const PastAttempt> history) override {
    if (history.size() >= names_.size()) return std::nullopt;
    const auto& next = names_[history.size()];
    if (next == "fails") return fail("the agent is out of order");
    if (next == "escapes") return Proposal{next, Form::plan, {{"../escaped", next}}, nullptr};
    const char* file = kind_ == Form::recipe ? "recipe.json" : "plan.json";
    return Proposal{next, kind_, {{file, next}}, nullptr};
  }
  bool full = false;

 private:
  std::string who_;
  std::vector<std::string> names_;
  Form kind_;
};

struct FakeBuilder : Builder {
  Result<std::map<std::string, std::filesystem::path>> build(const std::filesystem::path&) override {
    return fail("kernels.cpp:3: expected ';'", "kernels.cpp", "", "compile");
  }
};

/// Keeps what it is told as words.
struct FakeWatcher : Watcher {
  std::vector<std::string> stopped;
  void on(const Event& event) override {
    if (const auto* e = std::get_if<events::AgentStopped>(&event)) stopped.push_back(e->agent + ": " + e->why);
  }
};

}  // namespace burnish
