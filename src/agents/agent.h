#pragma once
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/verdict.h"

namespace burnish {

enum class Form { plan, recipe, model_new };
std::string to_text(Form form);
std::optional<Form> form_of(const std::string& text);

/// What an agent proposes: a candidate as files. A plan has "plan.json" and its kernels' sources, a recipe has
/// "recipe.json", a ModelNew has "model_new.py".
struct Proposal {
  std::string name;  ///< short, for people: "max-autotune"
  Form form = Form::plan;
  std::map<std::string, std::string> files;  ///< name relative to the candidate's folder -> contents
  json notes;                                ///< free: which rules fired, which schedule
};

/// A candidate of somebody else's that a prompt shows.
struct Example {
  std::string id;      ///< for the record: "claude-opus-4:2", or with the run and problem that it is of
  std::string what;    ///< for the prompt: "The best so far of the other agents, 1.80 times the module's speed"
  std::string source;  ///< of the problem that it solves; empty: this one
  Proposal proposal;
};

/// An optimised implementation that the context `reference` shows.
struct Reference {
  std::string name;  ///< of the file that it came from
  std::string text;
};

/// What an agent is told of a problem. `plan` is the folder of the exported plan (plan.json, constants.safetensors),
/// empty where the module could not be exported.
struct Task {
  std::string problem, target, source;
  std::filesystem::path plan;
  json opened;   ///< the judge's reply to "open": eager_seconds, eager_error, trivial, inputs ...
  json options;  ///< the judging flags: precision, contract, mode ...
  std::vector<Example> examples;
  std::optional<Reference> solved;  ///< a verified winner for this very problem, of an earlier run, of any target
};

/// An attempt that this agent made, and what it earned.
struct PastAttempt {
  int number = 0;
  Proposal proposal;
  Verdict verdict;
};

/// Something that proposes candidates. One object serves one problem; called by one thread at a time.
class Agent {
 public:
  virtual ~Agent() = default;
  virtual std::string name() const = 0;
  /// The next proposal in the light of the attempts so far, or nothing where this agent has no more ideas. The history
  /// is all that an agent may rely on: after --resume the object is a new one.
  virtual Result<std::optional<Proposal>> propose(const Task& task, std::span<const PastAttempt> history) = 0;
  /// It asks a service elsewhere: waiting for its proposals costs this machine nothing.
  virtual bool remote() const { return false; }
  /// Its next prompt shows how the time of its best right candidate is spent: verdicts have a "profile" then.
  virtual bool wants_profile() const { return false; }
  /// Each of its right proposals is verified in full, though a faster one is there: the verdicts tell how good the
  /// agent is, and it learns from them.
  virtual bool wants_full_verdicts() const { return false; }
  /// Its proposals come from outside, through `burnish answers`: it never proposes by itself, and a problem on which it
  /// has attempts left stays open.
  virtual bool waits() const { return false; }
};

/// One row an agent: `burnish optimize --agents` and `--help` read the table.
struct AgentRow {
  const char* name;
  const char* help;
  std::unique_ptr<Agent> (*make)();
};
std::span<const AgentRow> agent_rows();

class Asker;
class HttpLoop;

/// How language models are asked. `record` gets every exchange, `replay` answers in the models' place (nothing is asked
/// then). Empty: none of these.
struct Asking {
  std::filesystem::path record, replay;
  std::optional<Reference> reference;  ///< the user's own; else the context of that name finds one
  std::string hints_model;             ///< whom the context `profile` asks for hints; empty: the model itself
  std::shared_ptr<HttpLoop> http;      ///< shared by all; each has its own where there is none
  /// Puts itself between an agent and what asks for it: records, holds a budget, or asks nobody.
  std::function<std::unique_ptr<Asker>(const std::string& agent, std::unique_ptr<Asker> asker)> around;
  /// Told of an answer's text as it arrives (empty piece: from its start again), in any thread.
  std::function<void(const std::string& agent, std::string_view piece)> on_text;
};

/// The agents of these names (all where the list is empty); fails on an unknown or repeated name.
Result<std::vector<std::unique_ptr<Agent>>> make_agents(const std::vector<std::string>& names,
                                                        const Asking& asking = {});

}  // namespace burnish
