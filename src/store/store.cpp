#include "store/store.h"

#include <chrono>
#include <cmath>
#include <set>

#include "store/names.h"
#include "store/schema.h"

namespace burnish {
namespace fs = std::filesystem;
namespace {

json json_of(const Statement& row, int column) {
  if (row.null(column)) return nullptr;
  return json::parse(row.text(column), nullptr, /*allow_exceptions=*/false);
}

RunRecord run_of(const Statement& row) {
  return {row.text(0), row.real(1), row.text(2), json_of(row, 3), json_of(row, 4), row.text(5)};
}

}  // namespace

std::string text_of(const json& value) {
  return value.dump(-1, ' ', false, json::error_handler_t::replace);
}

double now_seconds() {
  const auto since = std::chrono::system_clock::now().time_since_epoch();
  return static_cast<double>(std::chrono::duration_cast<std::chrono::milliseconds>(since).count()) / 1e3;
}

Result<std::unique_ptr<Store>> Store::open(const fs::path& folder) {
  std::error_code ec;
  fs::create_directories(folder / "artifacts", ec);
  if (ec) {
    return fail("the store's folder cannot be made", folder.string(),
                ec.message() + ": name another one with --store DIR or BURNISH_HOME", "environment");
  }
  TRY(database, Database::open(folder / "burnish.db"));
  if (auto ok = prepare_schema(database); !ok) return inside(folder.string(), ok.error());
  return std::unique_ptr<Store>(new Store(folder, std::move(database)));
}

Result<RunRecord> Store::create_run(const std::string& command, const json& options, const json& host) {
  const std::lock_guard lock(mutex_);
  RunRecord run{"", now_seconds(), command, options, host, "open"};
  // 144,000 names: a store that holds most of them gets a number more.
  for (int attempt = 0;; ++attempt) {
    run.id = draw_run_name() + (attempt < 20 ? "" : "-" + std::to_string(attempt));
    if (auto ok = database_.run("INSERT OR IGNORE INTO runs(id, created, command, options, host) VALUES(?, ?, ?, ?, ?)",
                                {run.id, run.created, command, text_of(options), text_of(host)});
        !ok)
      return std::unexpected(ok.error());
    if (database_.changes() == 1) return run;
  }
}

Result<RunRecord> Store::run(const std::string& id) {
  const std::lock_guard lock(mutex_);
  TRY(row, database_.query("SELECT id, created, command, options, host, state FROM runs WHERE id = ?", {id}));
  TRY(found, row.step());
  if (!found)
    return fail("there is no run \"" + id + "\" in the store", folder_.string(),
                "`burnish report --list` shows the runs");
  return run_of(row);
}

Result<std::vector<RunRecord>> Store::runs() {
  const std::lock_guard lock(mutex_);
  TRY(row,
      database_.query("SELECT id, created, command, options, host, state FROM runs ORDER BY created DESC, rowid DESC"));
  std::vector<RunRecord> all;
  for (;;) {
    TRY(more, row.step());
    if (!more) return all;
    all.push_back(run_of(row));
  }
}

Status Store::finish_run(const std::string& id) {
  const std::lock_guard lock(mutex_);
  return database_.run("UPDATE runs SET state = 'done' WHERE id = ?", {id});
}

Status Store::remove_run(const std::string& id) {
  const std::lock_guard lock(mutex_);
  return database_.run("DELETE FROM runs WHERE id = ?", {id});
}

Result<ProblemRecord> Store::add_problem(const std::string& run, const std::string& name, const std::string& level,
                                         const json& spec) {
  const std::lock_guard lock(mutex_);
  if (auto ok = database_.run("INSERT OR IGNORE INTO problems(run, name, level, spec) VALUES(?, ?, ?, ?)",
                              {run, name, level, text_of(spec)});
      !ok)
    return std::unexpected(ok.error());
  TRY(found, problems_where("run = ? AND name = ?", {run, name}));
  if (found.empty()) return fail("the run was removed while it was going on", run, "start it again");
  return std::move(found.front());
}

Result<std::vector<ProblemRecord>> Store::problems(const std::string& run) {
  return problems_where("run = ?", {run});
}

Result<std::vector<ProblemRecord>> Store::problems_where(const std::string& condition,
                                                         const std::vector<Bind>& values) {
  const std::lock_guard lock(mutex_);
  TRY(row, database_.query("SELECT id, run, name, level, spec, state, opened, reason, outcome FROM problems WHERE " +
                               condition + " ORDER BY id",
                           values));
  std::vector<ProblemRecord> all;
  for (;;) {
    TRY(more, row.step());
    if (!more) break;
    all.push_back({row.integer(0),
                   row.text(1),
                   row.text(2),
                   row.text(3),
                   json_of(row, 4),
                   row.text(5),
                   json_of(row, 6),
                   row.text(7),
                   json_of(row, 8),
                   {}});
  }
  for (auto& problem : all) {
    TRY(named, files("problem", problem.id));
    problem.files = std::move(named);
  }
  return all;
}

Status Store::set_opened(std::int64_t problem, const json& opened, const std::map<std::string, std::string>& files) {
  const std::lock_guard lock(mutex_);
  TRY(transaction, Transaction::begin(database_));
  if (auto ok = database_.run("UPDATE problems SET opened = ? WHERE id = ?", {text_of(opened), problem}); !ok)
    return ok;
  if (auto ok = database_.run("DELETE FROM artifacts WHERE owner = 'problem' AND id = ?", {problem}); !ok) return ok;
  if (auto ok = set_files("problem", problem, files); !ok) return ok;
  return transaction.commit();
}

Status Store::finish_problem(std::int64_t problem, const json& outcome) {
  const std::lock_guard lock(mutex_);
  return database_.run("UPDATE problems SET state = 'done', outcome = ? WHERE id = ?", {text_of(outcome), problem});
}

Status Store::reopen_stopped(const std::string& run) {
  const std::lock_guard lock(mutex_);
  return database_.run(
      "UPDATE problems SET state = 'open' WHERE run = ? AND state = 'done' AND "
      "json_extract(outcome, '$.stopped') = 'budget'",
      {run});
}

Status Store::exclude_problem(std::int64_t problem, const std::string& reason, const json& error) {
  const std::lock_guard lock(mutex_);
  return database_.run("UPDATE problems SET state = 'excluded', reason = ?, outcome = ? WHERE id = ?",
                       {reason, text_of(error), problem});
}

Result<std::pair<std::int64_t, std::uintmax_t>> Store::remove_orphans(bool dry) {
  const std::lock_guard lock(mutex_);
  // Nobody can begin to use a file between the look and the removal.
  [[maybe_unused]] const auto transaction = Transaction::begin(database_);
  if (!transaction) return std::unexpected(transaction.error());
  TRY(names, used_artifacts());
  const std::set<std::string> used(names.begin(), names.end());
  std::int64_t count = 0;
  std::uintmax_t bytes = 0;
  const auto young = fs::file_time_type::clock::now() - std::chrono::hours(1);
  for (const auto& name : artifacts_.list()) {
    std::error_code ec;
    const auto path = artifacts_.path(name);
    if (used.contains(name) || fs::last_write_time(path, ec) > young) continue;
    const auto size = fs::file_size(path, ec);
    if (!dry) {
      if (auto ok = artifacts_.remove(name); !ok) return std::unexpected(ok.error());
    }
    ++count;
    bytes += ec ? 0 : size;
  }
  return std::pair(count, bytes);
}

Result<std::vector<std::string>> Store::used_artifacts() {
  const std::lock_guard lock(mutex_);
  TRY(row, database_.query("SELECT DISTINCT artifact FROM artifacts"));
  std::vector<std::string> names;
  for (;;) {
    TRY(more, row.step());
    if (!more) return names;
    names.push_back(row.text(0));
  }
}

}  // namespace burnish
