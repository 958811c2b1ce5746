#include "swarm/ledger.h"

#include <fmt/format.h>

#include <condition_variable>
#include <mutex>

#include "base/interrupt.h"

namespace burnish {

struct Ledger::State {
  Store& store;
  Budget budget;
  std::mutex mutex;
  std::condition_variable ended;
  Spent spent;         ///< by calls that ended
  Spent under_way;     ///< what the calls under way may cost
  std::string failed;  ///< the store took no record: nothing more is asked, so that nothing is paid unseen
};

namespace {

constexpr std::int64_t characters_a_token = 4;

std::int64_t tokens_of(const Prompt& prompt) {
  std::size_t characters = prompt.system.size();
  for (const auto& message : prompt.messages) characters += message.text.size();
  return static_cast<std::int64_t>(characters) / characters_a_token;
}

/// The reply's own usage, or a count of characters where the service sent none that can be.
Usage usage_of(const Prompt& prompt, const Reply& reply, bool& estimated) {
  estimated = reply.usage.input_tokens + reply.usage.output_tokens <= 0;
  if (!estimated) return reply.usage;
  Usage usage;
  usage.input_tokens = tokens_of(prompt);
  usage.output_tokens = static_cast<std::int64_t>(reply.text.size()) / characters_a_token;
  return usage;
}

/// A guess before the call: the prompt as it is, an answer of a quarter of what the model may write.
Spent guess(const Model& model, const Prompt& prompt) {
  Usage usage;
  usage.input_tokens = tokens_of(prompt);
  usage.output_tokens = model.output_tokens / 4;
  return {cost(model, usage), usage.input_tokens + usage.output_tokens, 1};
}

void add(Spent& sum, const Spent& part, int sign = 1) {
  sum.usd += sign * part.usd;
  sum.tokens += sign * part.tokens;
  sum.calls += sign * part.calls;
}

class LedgerAsker : public Asker {
 public:
  LedgerAsker(Ledger::State& state, std::int64_t problem, std::string agent, std::unique_ptr<Asker> inner)
      : state_(state), problem_(problem), agent_(std::move(agent)), inner_(std::move(inner)) {}

  Result<Reply> ask(const Model& model, const Prompt& prompt, const OnText& on_text) override {
    const auto expected = guess(model, prompt);
    if (auto ok = reserve(expected); !ok) return std::unexpected(ok.error());
    const auto begin = Clock::now();
    auto reply = inner_->ask(model, prompt, on_text);
    const double seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    auto record = call_record(state_.store, model, prompt, reply);
    Status kept = record ? Status() : std::unexpected(record.error());
    Spent paid;
    if (record) {
      record->problem = problem_;
      record->agent = agent_;
      record->seconds = seconds;
      if (!record->replayed) paid = {record->cost, record->tokens_in + record->tokens_out, 1};
      kept = state_.store.add_call(std::move(*record));
    }
    settle(expected, paid, kept);
    // An answer that was paid for is given on even where the store is full: the attempt's own record says what happens.
    return reply;
  }

 private:
  using Clock = std::chrono::steady_clock;

  /// Waits until the call fits beside those under way, or refuses it.
  Status reserve(const Spent& expected) {
    std::unique_lock lock(state_.mutex);
    for (;;) {
      if (!state_.failed.empty()) return fail(state_.failed, "store", "make room, then --resume", "environment");
      if (auto ok = within_budget(expected); !ok) return ok;
      if (state_.under_way.calls == 0 || fits(expected)) break;
      if (interrupted()) return fail("interrupted before the call", agent_);
      state_.ended.wait_for(lock, std::chrono::milliseconds(200));
    }
    add(state_.under_way, expected);
    return {};
  }

  void settle(const Spent& expected, const Spent& paid, const Status& kept) {
    const std::lock_guard lock(state_.mutex);
    add(state_.under_way, expected, -1);
    add(state_.spent, paid);
    if (!kept) state_.failed = "an exchange could not be recorded: " + to_text(kept.error());
    state_.ended.notify_all();
  }

  bool fits(const Spent& expected) const {
    const auto& b = state_.budget;
    if (b.usd && state_.spent.usd + state_.under_way.usd + expected.usd > *b.usd) return false;
    return !b.tokens || state_.spent.tokens + state_.under_way.tokens + expected.tokens <= *b.tokens;
  }

  Status within_budget(const Spent& expected) const {
    const auto& b = state_.budget;
    const auto& s = state_.spent;
    if (b.usd && expected.usd > 0 && s.usd >= *b.usd)  // what is free is held by no budget in money
      return fail(fmt::format("the budget of {} US dollars is spent ({:.4f} by {} calls): no new call is made", *b.usd,
                              s.usd, s.calls),
                  agent_, "resume the run with a larger --budget-usd, or leave it as it is", stopped_reason);
    if (b.tokens && s.tokens >= *b.tokens)
      return fail(fmt::format("the budget of {} tokens is spent ({} by {} calls): no new call is made", *b.tokens,
                              s.tokens, s.calls),
                  agent_, "resume the run with a larger --budget-tokens, or leave it as it is", stopped_reason);
    return {};
  }

  Ledger::State& state_;
  std::int64_t problem_;
  std::string agent_;
  std::unique_ptr<Asker> inner_;
};

}  // namespace

Ledger::Ledger(std::unique_ptr<State> state) : state_(std::move(state)) {}
Ledger::~Ledger() = default;

Result<std::unique_ptr<Ledger>> Ledger::open(Store& store, const std::string& run, const Budget& budget) {
  TRY(spent, store.spent(run));
  std::unique_ptr<State> state(new State{store, budget, {}, {}, spent, {}, {}});
  return std::unique_ptr<Ledger>(new Ledger(std::move(state)));
}

std::unique_ptr<Asker> Ledger::asker(std::int64_t problem, const std::string& agent, std::unique_ptr<Asker> inner) {
  return std::make_unique<LedgerAsker>(*state_, problem, agent, std::move(inner));
}

Result<CallRecord> call_record(const Store& store, const Model& model, const Prompt& prompt,
                               const Result<Reply>& reply) {
  CallRecord call;
  call.number = prompt.attempt;
  call.purpose = prompt.purpose;
  call.service = model.service;
  call.model = model.id;
  const auto keep = [&](const std::string& name, const std::string& text) -> Status {
    TRY(artifact, store.artifacts().put(text));
    call.files[name] = artifact;
    return {};
  };
  if (auto ok = keep("0-system", prompt.system); !ok) return std::unexpected(ok.error());
  for (std::size_t i = 0; i < prompt.messages.size(); ++i) {
    const auto& message = prompt.messages[i];
    const auto role = message.role == Message::Role::user ? "user" : "assistant";
    if (auto ok = keep(fmt::format("{}-{}", i + 1, role), message.text); !ok) return std::unexpected(ok.error());
    for (std::size_t j = 0; j < message.pictures.size(); ++j)
      if (auto ok = keep(fmt::format("{}-picture-{}.base64", i + 1, j + 1), message.pictures[j].base64); !ok)
        return std::unexpected(ok.error());
  }
  if (!reply) {
    call.error = to_text(reply.error());
    return call;
  }
  if (auto ok = keep("reply", reply->text); !ok) return std::unexpected(ok.error());
  const auto usage = usage_of(prompt, *reply, call.estimated);
  call.tokens_in = usage.input_tokens;
  call.tokens_cached = usage.cached_tokens;
  call.tokens_out = usage.output_tokens;
  call.tokens_reasoning = usage.reasoning_tokens;
  call.cost = cost(model, usage);
  call.replayed = reply->replayed;
  return call;
}

}  // namespace burnish
