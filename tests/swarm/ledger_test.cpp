#include "swarm/ledger.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/paths.h"

namespace burnish {
namespace {

using ::testing::HasSubstr;

const Model model{.name = "m",
                  .id = "m-1",
                  .service = "anthropic",
                  .output_tokens = 400,
                  .input_price = 1e6,
                  .output_price = 1e6};  // a dollar a token
const Prompt prompt{"fixed part", {{Message::Role::user, "problem", {}}}, "propose", 3};

/// Answers with ten tokens in and out, after a while.
struct PaidAsker : Asker {
  std::atomic<int>& under_way;
  std::atomic<int>& most;
  explicit PaidAsker(std::atomic<int>& u, std::atomic<int>& m) : under_way(u), most(m) {}
  Result<Reply> ask(const Model&, const Prompt&, const OnText&) override {
    most = std::max<int>(most, ++under_way);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    --under_way;
    return Reply{.text = "answer", .usage = {10, 4, 10, 2}, .stop = Stop::end};
  }
};

struct FixedAsker : Asker {
  Result<Reply> reply;
  explicit FixedAsker(Result<Reply> r) : reply(std::move(r)) {}
  Result<Reply> ask(const Model&, const Prompt&, const OnText&) override { return reply; }
};

class LedgerTest : public ::testing::Test {
 protected:
  void SetUp() override {
    store_ = *Store::open(folder_.path());
    run_ = store_->create_run("suite", json::object(), json::object())->id;
    problem_ = store_->add_problem(run_, "p", "other", json::object())->id;
  }
  Result<Reply> ask(Ledger& ledger, Result<Reply> reply) {
    return ledger.asker(problem_, "m", std::make_unique<FixedAsker>(std::move(reply)))->ask(model, prompt, {});
  }

  TemporaryFolder folder_ = *TemporaryFolder::make("burnish-test");
  std::unique_ptr<Store> store_;
  std::string run_;
  std::int64_t problem_ = 0;
};

TEST_F(LedgerTest, EveryExchangeIsRecordedWholeWithItsCost) {
  const auto ledger = *Ledger::open(*store_, run_, {});
  ASSERT_TRUE(ask(*ledger, Reply{.text = "answer", .usage = {10, 4, 20, 5}, .stop = Stop::end}));
  ASSERT_FALSE(ask(*ledger, fail("HTTP 529: overloaded")));
  const auto calls = *store_->calls(problem_);
  ASSERT_EQ(calls.size(), 2u);
  EXPECT_EQ(calls[0].number, 3);
  EXPECT_EQ(calls[0].tokens_in, 10);
  EXPECT_EQ(calls[0].tokens_out, 20);
  EXPECT_DOUBLE_EQ(calls[0].cost, cost(model, {10, 4, 20, 5}));
  EXPECT_FALSE(calls[0].estimated);
  EXPECT_EQ(*store_->artifacts().get(calls[0].files.at("0-system")), "fixed part");
  EXPECT_EQ(*store_->artifacts().get(calls[0].files.at("1-user")), "problem");
  EXPECT_EQ(*store_->artifacts().get(calls[0].files.at("reply")), "answer");
  EXPECT_THAT(calls[1].error, HasSubstr("overloaded"));
  EXPECT_DOUBLE_EQ(calls[1].cost, 0);
}

TEST_F(LedgerTest, UsageThatTheServiceDoesNotSendIsCountedFromTheText) {
  const auto ledger = *Ledger::open(*store_, run_, {});
  ASSERT_TRUE(ask(*ledger, Reply{.text = std::string(400, 'x'), .stop = Stop::end}));
  const auto calls = *store_->calls(problem_);
  EXPECT_TRUE(calls[0].estimated);
  EXPECT_EQ(calls[0].tokens_out, 100);
}

TEST_F(LedgerTest, ASpentBudgetStopsNewCallsAndLaterPartsOfTheRunKnow) {
  const Budget budget{.usd = 15};
  auto ledger = *Ledger::open(*store_, run_, budget);
  const Reply ten{.text = "a", .usage = {5, 0, 5, 0}, .stop = Stop::end};
  EXPECT_TRUE(ask(*ledger, ten));
  EXPECT_TRUE(ask(*ledger, ten)) << "10 of 15 dollars were spent: this call passes the budget, the next is not made";
  const auto refused = ask(*ledger, ten);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().reason, stopped_reason);
  EXPECT_THAT(to_text(refused.error()), HasSubstr("15 US dollars"));
  ledger = *Ledger::open(*store_, run_, budget);
  EXPECT_FALSE(ask(*ledger, ten));
  ledger = *Ledger::open(*store_, run_, {.usd = 100, .tokens = 20});
  EXPECT_THAT(to_text(ask(*ledger, ten).error()), HasSubstr("20 tokens"));
  EXPECT_EQ(store_->calls(problem_)->size(), 2u);
}

TEST_F(LedgerTest, WhatIsReplayedOrFreeCostsNothing) {
  const auto ledger = *Ledger::open(*store_, run_, {.usd = 1});
  EXPECT_TRUE(
      ask(*ledger, Reply{.text = "a", .usage = {9, 0, 9, 0}, .stop = Stop::end, .raw_stop = "", .replayed = true}));
  EXPECT_DOUBLE_EQ(store_->spent(run_)->usd, 0);
  const auto poor = *Ledger::open(*store_, run_, {.usd = 0});
  EXPECT_FALSE(ask(*poor, Reply{})) << "a budget of zero";
  Model free = model;
  free.input_price = free.output_price = 0;
  EXPECT_TRUE(poor->asker(problem_, "m", std::make_unique<FixedAsker>(Reply{}))->ask(free, prompt, {}));
}

TEST_F(LedgerTest, CallsWaitForOthersWhereTogetherTheyMightPassTheBudget) {
  // A call is guessed at 104 dollars (4 tokens of prompt, a quarter of 400) and costs 20.
  const auto ledger = *Ledger::open(*store_, run_, {.usd = 330});
  std::atomic<int> under_way = 0, most = 0, answered = 0;
  std::vector<std::jthread> threads;
  for (int i = 0; i < 24; ++i)
    threads.emplace_back([&] {
      auto asker = ledger->asker(problem_, "m", std::make_unique<PaidAsker>(under_way, most));
      answered += asker->ask(model, prompt, {}).has_value();
    });
  threads.clear();
  EXPECT_LE(most, 3);
  EXPECT_GE(answered, 15);
  EXPECT_LE(store_->spent(run_)->usd, 330 + 20);
}

}  // namespace
}  // namespace burnish
