// The part of Store that records attempts, their files, verdicts and samples.
#include <cstring>

#include "store/store.h"

namespace burnish {
namespace {

/// Doubles as bytes, little-endian as all machines that we know.
std::string pack_seconds(const json& list) {
  std::string bytes;
  for (const auto& value : list) {
    const double seconds = value.is_number() ? value.get<double>() : 0.0;
    char raw[sizeof seconds];
    std::memcpy(raw, &seconds, sizeof raw);
    bytes.append(raw, sizeof raw);
  }
  return bytes;
}

json unpack_seconds(const std::string& bytes) {
  json list = json::array();
  for (std::size_t i = 0; i + sizeof(double) <= bytes.size(); i += sizeof(double)) {
    double seconds = 0;
    std::memcpy(&seconds, bytes.data() + i, sizeof seconds);
    list.push_back(seconds);
  }
  return list;
}

}  // namespace

Status Store::set_files(const std::string& owner, std::int64_t id, const std::map<std::string, std::string>& files) {
  for (const auto& [name, artifact] : files) {
    if (auto ok = database_.run("INSERT INTO artifacts(owner, id, name, artifact) VALUES(?, ?, ?, ?)",
                                {owner, id, name, artifact});
        !ok)
      return ok;
  }
  return {};
}

Result<std::map<std::string, std::string>> Store::files(const std::string& owner, std::int64_t id) {
  TRY(row, database_.query("SELECT name, artifact FROM artifacts WHERE owner = ? AND id = ?", {owner, id}));
  std::map<std::string, std::string> named;
  for (;;) {
    TRY(more, row.step());
    if (!more) return named;
    named[row.text(0)] = row.text(1);
  }
}

Result<AttemptRecord> Store::add_attempt(AttemptRecord attempt) {
  const std::lock_guard lock(mutex_);
  TRY(transaction, Transaction::begin(database_));
  if (auto ok = database_.run("INSERT INTO attempts(problem, agent, number, strategy, name, form, notes, created) "
                              "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                              {attempt.problem, attempt.agent, attempt.number, attempt.strategy, attempt.name,
                               attempt.form, text_of(attempt.notes), now_seconds()});
      !ok)
    return std::unexpected(ok.error());
  attempt.id = database_.last_id();
  if (auto ok = set_files("attempt", attempt.id, attempt.files); !ok) return std::unexpected(ok.error());
  if (auto ok = transaction.commit(); !ok) return std::unexpected(ok.error());
  return attempt;
}

Result<std::vector<AttemptRecord>> Store::attempts(std::int64_t problem) {
  const std::lock_guard lock(mutex_);
  TRY(row, database_.query(
               "SELECT id, agent, number, strategy, name, form, notes FROM attempts WHERE problem = ? ORDER BY id",
               {problem}));
  std::vector<AttemptRecord> all;
  for (;;) {
    TRY(more, row.step());
    if (!more) break;
    all.push_back({row.integer(0),
                   problem,
                   row.text(1),
                   static_cast<int>(row.integer(2)),
                   row.text(3),
                   row.text(4),
                   row.text(5),
                   json::parse(row.text(6), nullptr, false),
                   {}});
  }
  // One query for the files of all: a report reads tens of thousands of attempts. CROSS JOIN: attempts come first.
  TRY(file, database_.query(
                "SELECT f.id, f.name, f.artifact FROM attempts a CROSS JOIN artifacts f ON f.owner = 'attempt' AND "
                "f.id = a.id WHERE a.problem = ? ORDER BY a.id",
                {problem}));
  for (auto attempt = all.begin();;) {
    TRY(more, file.step());
    if (!more) return all;
    while (attempt != all.end() && attempt->id != file.integer(0)) ++attempt;
    if (attempt == all.end()) return all;
    attempt->files[file.text(1)] = file.text(2);
  }
}

Result<std::int64_t> Store::insert_evaluation(std::int64_t problem, std::int64_t attempt, const std::string& stage,
                                              const Verdict& verdict, double created) {
  std::optional<double> low, high;
  if (verdict.interval) low = verdict.interval->first, high = verdict.interval->second;
  if (auto ok = database_.run(
          "INSERT INTO evaluations(problem, attempt, stage, verdict, reason, speedup, low, high, body, created)"
          " VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
          {problem, attempt ? Bind(attempt) : Bind(nullptr), stage, to_text(verdict.kind), verdict.reason,
           verdict.speedup, low, high, text_of(verdict.body), created});
      !ok)
    return std::unexpected(ok.error());
  const auto id = database_.last_id();
  for (const auto* side : {"reference", "candidate"}) {
    if (!verdict.samples.is_object() || !verdict.samples.contains(side) || !verdict.samples[side].is_array()) continue;
    int pair = 0;
    for (const auto& list : verdict.samples[side]) {
      const auto bytes = pack_seconds(list.is_array() ? list : json::array({list}));
      if (auto ok = database_.run("INSERT INTO samples(evaluation, side, pair, seconds) VALUES(?, ?, ?, ?)",
                                  {id, side, pair++, Bind::blob(bytes)});
          !ok)
        return std::unexpected(ok.error());
    }
  }
  return id;
}

Result<EvaluationRecord> Store::add_evaluation(std::int64_t problem, std::int64_t attempt, const std::string& stage,
                                               Verdict verdict) {
  const std::lock_guard lock(mutex_);
  TRY(transaction, Transaction::begin(database_));
  EvaluationRecord record{0, problem, attempt, stage, now_seconds(), std::move(verdict)};
  TRY(id, insert_evaluation(problem, attempt, stage, record.verdict, record.created));
  if (auto ok = transaction.commit(); !ok) return std::unexpected(ok.error());
  record.id = id;
  return record;
}

Result<std::vector<EvaluationRecord>> Store::evaluations(std::int64_t problem) {
  const std::lock_guard lock(mutex_);
  TRY(row, database_.query("SELECT id, attempt, stage, created, body FROM evaluations WHERE problem = ? ORDER BY id",
                           {problem}));
  std::vector<EvaluationRecord> all;
  for (;;) {
    TRY(more, row.step());
    if (!more) return all;
    TRY(verdict, parse_verdict(json::parse(row.text(4), nullptr, false)));
    all.push_back({row.integer(0), problem, row.integer(1), row.text(2), row.real(3), std::move(verdict)});
  }
}

Result<json> Store::samples(std::int64_t evaluation) {
  const std::lock_guard lock(mutex_);
  TRY(row, database_.query("SELECT side, seconds FROM samples WHERE evaluation = ? ORDER BY side, pair", {evaluation}));
  json all = {{"reference", json::array()}, {"candidate", json::array()}};
  for (;;) {
    TRY(more, row.step());
    if (!more) return all;
    all[row.text(0)].push_back(unpack_seconds(row.text(1)));
  }
}

}  // namespace burnish
