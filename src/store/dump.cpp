// The part of Store that turns one run into JSON and back, for moving it to another machine.
#include <set>

#include "store/store.h"

namespace burnish {
namespace {

json dump_evaluation(const EvaluationRecord& e, json samples) {
  return {{"stage", e.stage}, {"created", e.created}, {"verdict", e.verdict.body}, {"samples", std::move(samples)}};
}

json dump_attempt(const AttemptRecord& a) {
  return {{"agent", a.agent}, {"number", a.number}, {"strategy", a.strategy}, {"name", a.name},
          {"form", a.form},   {"notes", a.notes},   {"files", a.files}};
}

json dump_call(const CallRecord& c) {
  return {{"agent", c.agent},         {"number", c.number},
          {"purpose", c.purpose},     {"service", c.service},
          {"model", c.model},         {"tokens", {c.tokens_in, c.tokens_cached, c.tokens_out, c.tokens_reasoning}},
          {"estimated", c.estimated}, {"replayed", c.replayed},
          {"cost", c.cost},           {"seconds", c.seconds},
          {"error", c.error},         {"created", c.created},
          {"files", c.files}};
}

CallRecord call_of(const json& c, std::int64_t problem) {
  CallRecord call{.problem = problem, .agent = c.at("agent"), .number = c.at("number"), .purpose = c.at("purpose")};
  call.service = c.at("service");
  call.model = c.at("model");
  const auto& tokens = c.at("tokens");
  call.tokens_in = tokens.at(0);
  call.tokens_cached = tokens.at(1);
  call.tokens_out = tokens.at(2);
  call.tokens_reasoning = tokens.at(3);
  call.estimated = c.at("estimated");
  call.replayed = c.at("replayed");
  call.cost = c.at("cost");
  call.seconds = c.at("seconds");
  call.error = c.at("error");
  call.created = c.at("created");
  call.files = c.at("files").get<std::map<std::string, std::string>>();
  return call;
}

Result<Verdict> verdict_of(const json& evaluation) {
  json body = evaluation.at("verdict");
  body["samples"] = evaluation.at("samples");
  return parse_verdict(std::move(body));
}

}  // namespace

Result<json> Store::dump_run(const std::string& id) {
  const std::lock_guard lock(mutex_);
  TRY(record, run(id));
  json dump = {{"burnish_run", 1},          {"id", record.id},           {"created", record.created},
               {"command", record.command}, {"options", record.options}, {"host", record.host},
               {"state", record.state},     {"problems", json::array()}};
  std::set<std::string> names;
  TRY(all, problems(id));
  for (const auto& problem : all) {
    json p = {{"name", problem.name},       {"level", problem.level},    {"spec", problem.spec},
              {"state", problem.state},     {"opened", problem.opened},  {"reason", problem.reason},
              {"outcome", problem.outcome}, {"attempts", json::array()}, {"evaluations", json::array()},
              {"files", problem.files}};
    for (const auto& [name, artifact] : problem.files) names.insert(artifact);
    TRY(tried, attempts(problem.id));
    TRY(judged, evaluations(problem.id));
    for (const auto& attempt : tried) {
      json a = dump_attempt(attempt);
      a["evaluations"] = json::array();
      for (const auto& [name, artifact] : attempt.files) names.insert(artifact);
      for (const auto& evaluation : judged) {
        if (evaluation.attempt != attempt.id) continue;
        TRY(raw, samples(evaluation.id));
        a["evaluations"].push_back(dump_evaluation(evaluation, raw));
      }
      p["attempts"].push_back(std::move(a));
    }
    for (const auto& evaluation : judged) {
      if (evaluation.attempt != 0) continue;
      TRY(raw, samples(evaluation.id));
      p["evaluations"].push_back(dump_evaluation(evaluation, raw));
    }
    TRY(asked, calls(problem.id));
    for (const auto& call : asked) {
      for (const auto& [name, artifact] : call.files) names.insert(artifact);
      p["calls"].push_back(dump_call(call));
    }
    dump["problems"].push_back(std::move(p));
  }
  dump["artifacts"] = names;
  return dump;
}

Result<RunRecord> Store::load_run(const json& dump) try {
  const std::lock_guard lock(mutex_);
  if (!dump.is_object() || dump.value("burnish_run", 0) != 1) {
    return fail("this is not a packed run of a version that this burnish knows", "run.json", "update burnish");
  }
  RunRecord record{dump.at("id"),      dump.at("created"), dump.at("command"),
                   dump.at("options"), dump.at("host"),    dump.at("state")};
  TRY(transaction, Transaction::begin(database_));
  if (auto ok = database_.run(
          "INSERT OR IGNORE INTO runs(id, created, command, options, host, state) VALUES(?, ?, ?, ?, ?, ?)",
          {record.id, record.created, record.command, record.options.dump(), record.host.dump(), record.state});
      !ok)
    return std::unexpected(ok.error());
  if (database_.changes() == 0) {
    return fail(
        "the store already has a run \"" + record.id + "\"", folder_.string(),
        "unpack into another store with --store DIR, or remove that run with `burnish prune --runs " + record.id + "`");
  }
  for (const auto& p : dump.at("problems")) {
    if (auto ok = database_.run("INSERT INTO problems(run, name, level, spec, state, opened, reason, outcome) "
                                "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                                {record.id, p.at("name").get<std::string>(), p.at("level").get<std::string>(),
                                 p.at("spec").dump(), p.at("state").get<std::string>(), p.at("opened").dump(),
                                 p.at("reason").get<std::string>(), p.at("outcome").dump()});
        !ok)
      return std::unexpected(ok.error());
    const auto problem = database_.last_id();
    if (auto ok = set_files("problem", problem, p.at("files").get<std::map<std::string, std::string>>()); !ok)
      return std::unexpected(ok.error());
    for (const auto& a : p.at("attempts")) {
      if (auto ok = database_.run("INSERT INTO attempts(problem, agent, number, strategy, name, form, notes, created) "
                                  "VALUES(?, ?, ?, ?, ?, ?, ?, ?)",
                                  {problem, a.at("agent").get<std::string>(), a.at("number").get<std::int64_t>(),
                                   a.at("strategy").get<std::string>(), a.at("name").get<std::string>(),
                                   a.at("form").get<std::string>(), a.at("notes").dump(), record.created});
          !ok)
        return std::unexpected(ok.error());
      const auto attempt = database_.last_id();
      if (auto ok = set_files("attempt", attempt, a.at("files").get<std::map<std::string, std::string>>()); !ok)
        return std::unexpected(ok.error());
      for (const auto& e : a.at("evaluations")) {
        TRY(verdict, verdict_of(e));
        TRY(id, insert_evaluation(problem, attempt, e.at("stage"), verdict, e.at("created")));
        (void)id;
      }
    }
    for (const auto& c : p.value("calls", json::array()))
      if (auto ok = insert_call(call_of(c, problem)); !ok) return std::unexpected(ok.error());
    for (const auto& e : p.at("evaluations")) {
      TRY(verdict, verdict_of(e));
      TRY(id, insert_evaluation(problem, 0, e.at("stage"), verdict, e.at("created")));
      (void)id;
    }
  }
  if (auto ok = transaction.commit(); !ok) return std::unexpected(ok.error());
  return record;
} catch (const json::exception& error) {
  return fail(std::string("the packed run is damaged: ") + error.what(), "run.json", "pack it again");
}

}  // namespace burnish
