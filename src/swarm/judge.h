#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "agents/agent.h"
#include "base/verdict.h"

namespace burnish {

/// Where a problem is: FILE[:Class], with inputs from another function if asked. All empty where the caller's own
/// process is the judge and holds the module already.
struct ProblemSpec {
  std::string file, cls, inputs_from;
  std::string name, level = "other";
};

/// The judging flags, the same for optimize, eval, suite and verify; they go to the judge and into the store as they
/// are.
struct JudgeOptions {
  std::string target = "cpu";
  int inputs = 100;
  double verify_seconds = 20;
  double slowest_seconds = 0;  ///< of one eager forward: slower problems are an error, `too-slow`; 0: none is
  std::string precision = "highest", contract = "full", mode = "eval";
  std::vector<std::pair<std::string, std::string>> domain;  ///< input name -> kind
  bool deterministic = false, sandbox = true;
};
json to_json(const JudgeOptions& options);
Result<JudgeOptions> judge_options_of(const json& stored);

/// The judge's reply to "open": what it says of the problem, and the folder of the exported plan (empty: none).
struct Opened {
  json reply;
  std::filesystem::path plan;
};

/// A candidate that the judge can take: files on disk and, for plans, compiled kernels by source file.
struct Candidate {
  std::string name;
  Form form = Form::plan;
  std::filesystem::path location;  ///< a folder for plans, a file for recipes and ModelNew; empty for the original
  bool original = false;           ///< the module itself, for the A/A figure
  std::map<std::string, std::filesystem::path> kernels;
  std::optional<double> to_beat;          ///< search: what cannot reach this speedup need not be verified in full
  std::optional<double> compile_seconds;  ///< what the kernels took; goes into the verdict
};

/// search: the ladder with a quick timing; eval: the full set and a final timing; final: fresh inputs, the deployed
/// form.
enum class Stage { search, eval, final };
std::string to_text(Stage stage);

/// Holds the user's module and says what a candidate is worth. An Error from open() is the problem's fault (its
/// `reason` says which); an Error from judge() means that there is no judge any more; what a candidate does wrong is a
/// Verdict.
class Judge {
 public:
  virtual ~Judge() = default;
  virtual Result<Opened> open(const ProblemSpec& problem) = 0;
  virtual Result<Verdict> judge(const Candidate& candidate, Stage stage) = 0;
  /// A plan's steps with their times and bytes (docs/architecture.md), for hints. An Error says why there are none.
  virtual Result<json> profile(const Candidate& candidate) {
    return fail("this judge measures no steps", candidate.name, "", "environment");
  }
};

/// `reason` of the Error that means: the user pressed Ctrl-C.
inline constexpr const char* interrupted_reason = "interrupted";

}  // namespace burnish
