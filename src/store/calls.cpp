// The part of Store that records exchanges with language models: what was sent, what came back, what it cost.
#include "store/store.h"

namespace burnish {

Status Store::insert_call(const CallRecord& call) {
  if (auto ok =
          database_.run("INSERT INTO model_calls(problem, agent, number, purpose, service, model, tokens_in, "
                        "tokens_cached, tokens_out, tokens_reasoning, estimated, replayed, cost, seconds, error, "
                        "created) VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                        {call.problem, call.agent, call.number, call.purpose, call.service, call.model, call.tokens_in,
                         call.tokens_cached, call.tokens_out, call.tokens_reasoning, static_cast<int>(call.estimated),
                         static_cast<int>(call.replayed), call.cost, call.seconds, call.error, call.created});
      !ok)
    return ok;
  return set_files("call", database_.last_id(), call.files);
}

Status Store::add_call(CallRecord call) {
  const std::lock_guard lock(mutex_);
  TRY(transaction, Transaction::begin(database_));
  call.created = now_seconds();
  if (auto ok = insert_call(call); !ok) return ok;
  return transaction.commit();
}

Result<std::vector<CallRecord>> Store::calls(std::int64_t problem) {
  const std::lock_guard lock(mutex_);
  TRY(row,
      database_.query(
          "SELECT id, agent, number, purpose, service, model, tokens_in, tokens_cached, tokens_out, "
          "tokens_reasoning, estimated, replayed, cost, seconds, error, created FROM model_calls WHERE problem = ? "
          "ORDER BY id",
          {problem}));
  std::vector<CallRecord> all;
  for (;;) {
    TRY(more, row.step());
    if (!more) break;
    CallRecord call{.id = row.integer(0), .problem = problem, .agent = row.text(1)};
    call.number = static_cast<int>(row.integer(2));
    call.purpose = row.text(3);
    call.service = row.text(4);
    call.model = row.text(5);
    call.tokens_in = row.integer(6);
    call.tokens_cached = row.integer(7);
    call.tokens_out = row.integer(8);
    call.tokens_reasoning = row.integer(9);
    call.estimated = row.integer(10) != 0;
    call.replayed = row.integer(11) != 0;
    call.cost = row.real(12);
    call.seconds = row.real(13);
    call.error = row.text(14);
    call.created = row.real(15);
    all.push_back(std::move(call));
  }
  for (auto& call : all) {
    TRY(named, files("call", call.id));
    call.files = std::move(named);
  }
  return all;
}

Result<Spent> Store::spent(const std::string& run) {
  const std::lock_guard lock(mutex_);
  TRY(row, database_.query("SELECT coalesce(sum(cost), 0), coalesce(sum(tokens_in + tokens_out), 0), count(*) "
                           "FROM model_calls JOIN problems ON problems.id = model_calls.problem "
                           "WHERE problems.run = ? AND NOT replayed",
                           {run}));
  TRY(more, row.step());
  (void)more;
  return Spent{row.real(0), row.integer(1), row.integer(2)};
}

Result<std::map<std::string, CallSum>> Store::call_sums(const std::string& run) {
  const std::lock_guard lock(mutex_);
  TRY(row, database_.query("SELECT agent, count(*), sum(error <> ''), sum(estimated), sum(tokens_in), sum(tokens_out), "
                           "sum(cost) FROM model_calls JOIN problems ON problems.id = model_calls.problem "
                           "WHERE problems.run = ? GROUP BY agent",
                           {run}));
  std::map<std::string, CallSum> sums;
  for (;;) {
    TRY(more, row.step());
    if (!more) return sums;
    sums[row.text(0)] = {row.integer(1), row.integer(2), row.integer(3), row.integer(4), row.integer(5), row.real(6)};
  }
}

}  // namespace burnish
