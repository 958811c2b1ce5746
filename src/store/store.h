#pragma once
#include <filesystem>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "store/artifacts.h"
#include "store/records.h"
#include "store/sqlite.h"

namespace burnish {

/// JSON as the store keeps it: in one line, bytes that are no UTF-8 replaced.
std::string text_of(const json& value);

/// Everything that Burnish remembers: runs, problems, attempts, verdicts, raw samples and files (docs/store.md). Every
/// change is one transaction; several processes may use one store. Methods may be called from any thread.
class Store {
 public:
  /// Opens the store of that folder, making it where it is not there.
  static Result<std::unique_ptr<Store>> open(const std::filesystem::path& folder);

  const std::filesystem::path& folder() const { return folder_; }
  const Artifacts& artifacts() const { return artifacts_; }

  /// A new run with a short readable id.
  Result<RunRecord> create_run(const std::string& command, const json& options, const json& host);
  Result<RunRecord> run(const std::string& id);
  /// The newest first.
  Result<std::vector<RunRecord>> runs();
  Status finish_run(const std::string& id);
  Status remove_run(const std::string& id);

  /// The problem of that name in the run, made where it is not there.
  Result<ProblemRecord> add_problem(const std::string& run, const std::string& name, const std::string& level,
                                    const json& spec);
  Result<std::vector<ProblemRecord>> problems(const std::string& run);
  /// Records the judge's reply to "open" and the files that came with it (source, exported plan), once.
  Status set_opened(std::int64_t problem, const json& opened, const std::map<std::string, std::string>& files);
  Status finish_problem(std::int64_t problem, const json& outcome);
  /// Opens the problems of a run again that the budget stopped; what was judged stays judged.
  Status reopen_stopped(const std::string& run);
  Status exclude_problem(std::int64_t problem, const std::string& reason, const json& error);

  /// Records a proposal with its files (name -> artifact) before it is judged.
  Result<AttemptRecord> add_attempt(AttemptRecord attempt);
  Result<std::vector<AttemptRecord>> attempts(std::int64_t problem);

  /// Records a verdict with its raw samples; with it the attempt is finished. attempt 0 stands for the original. A
  /// second verdict for the same attempt and stage is refused: nothing is overwritten.
  Result<EvaluationRecord> add_evaluation(std::int64_t problem, std::int64_t attempt, const std::string& stage,
                                          Verdict verdict);
  Result<std::vector<EvaluationRecord>> evaluations(std::int64_t problem);
  /// {"reference": [[seconds, ...] a pair, ...], "candidate": [...]}
  Result<json> samples(std::int64_t evaluation);

  /// Records an exchange with a language model, answered or not; `created` is now.
  Status add_call(CallRecord call);
  Result<std::vector<CallRecord>> calls(std::int64_t problem);
  Result<Spent> spent(const std::string& run);
  /// By agent.
  Result<std::map<std::string, CallSum>> call_sums(const std::string& run);

  /// What was measured of a device (`kind` says what, `key` of which): each is kept, the newest is given.
  Status add_measurement(const std::string& kind, const std::string& key, const json& body);
  Result<std::optional<json>> measurement(const std::string& kind, const std::string& key);

  /// Names of artifacts that some run uses.
  Result<std::vector<std::string>> used_artifacts();
  /// Removes artifacts that nothing uses and that are older than an hour (a younger one may belong to a proposal that
  /// is being written). Gives count and bytes; removes nothing where `dry` is set.
  Result<std::pair<std::int64_t, std::uintmax_t>> remove_orphans(bool dry);

  /// Everything about a run as JSON, for `burnish pack`; and back again. The artifacts' names are in "artifacts".
  Result<json> dump_run(const std::string& id);
  Result<RunRecord> load_run(const json& dump);

 private:
  Store(std::filesystem::path folder, Database database)
      : folder_(std::move(folder)), artifacts_(folder_ / "artifacts"), database_(std::move(database)) {}
  Result<std::vector<ProblemRecord>> problems_where(const std::string& condition, const std::vector<Bind>& values);
  Result<std::map<std::string, std::string>> files(const std::string& owner, std::int64_t id);
  Status set_files(const std::string& owner, std::int64_t id, const std::map<std::string, std::string>& files);
  Result<std::int64_t> insert_evaluation(std::int64_t problem, std::int64_t attempt, const std::string& stage,
                                         const Verdict& verdict, double created);

  Status insert_call(const CallRecord& call);

  std::filesystem::path folder_;
  Artifacts artifacts_;
  Database database_;
  std::recursive_mutex mutex_;
};

/// Seconds since 1970, to the millisecond.
double now_seconds();

}  // namespace burnish
