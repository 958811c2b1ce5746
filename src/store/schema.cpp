#include "store/schema.h"

#include <fmt/format.h>

namespace burnish {
namespace {

constexpr const char* tables = R"sql(
CREATE TABLE runs(
  id TEXT PRIMARY KEY, created REAL NOT NULL, command TEXT NOT NULL, options TEXT NOT NULL, host TEXT NOT NULL,
  state TEXT NOT NULL DEFAULT 'open');
CREATE TABLE problems(
  id INTEGER PRIMARY KEY, run TEXT NOT NULL REFERENCES runs(id) ON DELETE CASCADE, name TEXT NOT NULL, level TEXT NOT NULL,
  spec TEXT NOT NULL, state TEXT NOT NULL DEFAULT 'open', opened TEXT, reason TEXT NOT NULL DEFAULT '', outcome TEXT,
  UNIQUE(run, name));
CREATE TABLE attempts(
  id INTEGER PRIMARY KEY, problem INTEGER NOT NULL REFERENCES problems(id) ON DELETE CASCADE, agent TEXT NOT NULL,
  number INTEGER NOT NULL, strategy TEXT NOT NULL, name TEXT NOT NULL, form TEXT NOT NULL, notes TEXT NOT NULL,
  created REAL NOT NULL, UNIQUE(problem, agent, number));
CREATE TABLE evaluations(
  id INTEGER PRIMARY KEY, problem INTEGER NOT NULL REFERENCES problems(id) ON DELETE CASCADE,
  attempt INTEGER REFERENCES attempts(id) ON DELETE CASCADE, stage TEXT NOT NULL, verdict TEXT NOT NULL,
  reason TEXT NOT NULL, speedup REAL, low REAL, high REAL, body TEXT NOT NULL, created REAL NOT NULL);
CREATE UNIQUE INDEX one_verdict ON evaluations(problem, coalesce(attempt, 0), stage);
CREATE TABLE samples(
  evaluation INTEGER NOT NULL REFERENCES evaluations(id) ON DELETE CASCADE, side TEXT NOT NULL, pair INTEGER NOT NULL,
  seconds BLOB NOT NULL, PRIMARY KEY(evaluation, side, pair));
CREATE TABLE artifacts(
  owner TEXT NOT NULL, id INTEGER NOT NULL, name TEXT NOT NULL, artifact TEXT NOT NULL, PRIMARY KEY(owner, id, name));
CREATE INDEX artifact_uses ON artifacts(artifact);
CREATE TRIGGER forget_problem AFTER DELETE ON problems BEGIN
  DELETE FROM artifacts WHERE owner = 'problem' AND id = old.id; END;
CREATE TRIGGER forget_attempt AFTER DELETE ON attempts BEGIN
  DELETE FROM artifacts WHERE owner = 'attempt' AND id = old.id; END;
)sql";

/// Version 2. Nothing ever wrote into version 1's table of that name.
constexpr const char* call_tables = R"sql(
DROP TABLE IF EXISTS model_calls;
CREATE TABLE model_calls(
  id INTEGER PRIMARY KEY, problem INTEGER NOT NULL REFERENCES problems(id) ON DELETE CASCADE, agent TEXT NOT NULL,
  number INTEGER NOT NULL, purpose TEXT NOT NULL, service TEXT NOT NULL, model TEXT NOT NULL,
  tokens_in INTEGER NOT NULL, tokens_cached INTEGER NOT NULL, tokens_out INTEGER NOT NULL,
  tokens_reasoning INTEGER NOT NULL, estimated INTEGER NOT NULL, replayed INTEGER NOT NULL, cost REAL NOT NULL,
  seconds REAL NOT NULL, error TEXT NOT NULL, created REAL NOT NULL);
CREATE INDEX calls_of_problem ON model_calls(problem);
CREATE TRIGGER forget_call AFTER DELETE ON model_calls BEGIN
  DELETE FROM artifacts WHERE owner = 'call' AND id = old.id; END;
)sql";

/// Version 3.
constexpr const char* measurement_tables = R"sql(
CREATE TABLE measurements(
  id INTEGER PRIMARY KEY, kind TEXT NOT NULL, key TEXT NOT NULL, created REAL NOT NULL, body TEXT NOT NULL);
CREATE INDEX measurements_by_key ON measurements(kind, key);
)sql";

}  // namespace

Status prepare_schema(Database& database) {
  const auto version_of = [&]() -> Result<std::int64_t> {
    TRY(row, database.query("PRAGMA user_version"));
    TRY(more, row.step());
    return more ? row.integer(0) : 0;
  };
  const auto refuse_newer = [](std::int64_t version) -> Status {
    if (version <= store_version) return {};
    return fail(fmt::format("the store has version {}, this burnish knows {} at most", version, store_version), "store",
                "update burnish, or use another store with --store DIR", "environment");
  };
  TRY(before, version_of());
  if (before == store_version) return {};
  if (auto ok = refuse_newer(before); !ok) return ok;
  TRY(transaction, Transaction::begin(database));
  TRY(version, version_of());  // another process may have made the tables meanwhile
  if (version == store_version) return {};
  if (auto ok = refuse_newer(version); !ok) return ok;
  if (version == 0) {
    if (auto ok = database.script(tables); !ok) return ok;
  }
  if (version < 2)
    if (auto ok = database.script(call_tables); !ok) return ok;
  if (version < 3)
    if (auto ok = database.script(measurement_tables); !ok) return ok;
  if (auto ok = database.script(fmt::format("PRAGMA user_version = {}", store_version)); !ok) return ok;
  return transaction.commit();
}

}  // namespace burnish
