#include "runtime/graphs.h"

#include <gmock/gmock.h>

#include <thread>

#include "plans.h"

namespace burnish::testing {
namespace {

/// What a recorder that replays on a CPU has seen and may do.
struct Log {
  int records = 0, replays = 0, uses = 0;
  bool free = true, fails = false;
};

/// Runs the body again at each replay: it reads the inputs' fixed memory, and gives its outputs to whoever holds the
/// recording, as a graph would whose steps write to fixed memory.
class FakeRecording : public Recording {
 public:
  FakeRecording(std::shared_ptr<Log> log, std::function<void()> body) : log_(std::move(log)), body_(std::move(body)) {}
  void enter() override {
    EXPECT_EQ(log_->uses, 0) << "two uses of one memory at a time";
    ++log_->uses;
  }
  void replay() override {
    ++log_->replays;
    body_();
  }
  void leave() noexcept override { --log_->uses; }

 private:
  std::shared_ptr<Log> log_;
  std::function<void()> body_;
};

class FakeRecorder : public Recorder {
 public:
  explicit FakeRecorder(std::shared_ptr<Log> log) : log_(std::move(log)) {}
  bool is_free(c10::Device) override { return log_->free; }
  std::unique_ptr<Recording> record(c10::Device, const std::function<void()>& body) override {
    ++log_->records;
    body();
    if (log_->fails) throw std::runtime_error("operation not permitted when stream is capturing");
    body();
    return std::make_unique<FakeRecording>(log_, body);
  }

 private:
  std::shared_ptr<Log> log_;
};

struct Recorded {
  Folder folder;
  std::shared_ptr<Log> log = std::make_shared<Log>();
  std::shared_ptr<Bound> bound;

  explicit Recorded(const std::string& plan, std::vector<at::Tensor> params = {}) {
    bound = make_bound(folder, plan, std::move(params));
    bound->record_with(std::make_shared<FakeRecorder>(log));
  }
  at::Tensor run(const at::Tensor& x) const { return run_one(*bound, {x}); }
};

const std::string affine = plan_of(R"({"op": "aten::mul.Tensor", "args": ["x", "w"], "out": ["h"]},
  {"op": "aten::add.Tensor", "args": ["h", "k"], "out": ["y"]})",
                                   "\"y\"", R"("params": {"w": "w", "b": "b"},
  "prepare": [{"op": "aten::mul.Tensor", "args": ["b", 2], "out": ["k"]}])");

at::Tensor affine_of(const at::Tensor& x, const at::Tensor& w, const at::Tensor& b) {
  return x * w + b * 2;
}

TEST(Graphs, TheThirdCallOfAKindIsRecordedAndLaterOnesReplay) {
  const auto w = at::randn({4}), b = at::randn({4});
  const Recorded recorded(affine, {w, b});
  std::vector<at::Tensor> inputs, outputs;
  for (int i = 0; i < 6; ++i) {
    inputs.push_back(at::randn({3, 4}));
    outputs.push_back(recorded.run(inputs.back()));
  }
  EXPECT_EQ(recorded.log->records, 1);
  EXPECT_EQ(recorded.log->replays, 4);
  EXPECT_EQ(recorded.log->uses, 0);
  for (int i = 0; i < 6; ++i)  // after all calls: no output is memory of a later one
    EXPECT_TRUE(at::equal(outputs[static_cast<std::size_t>(i)], affine_of(inputs[static_cast<std::size_t>(i)], w, b)));
}

TEST(Graphs, OtherSizesAreAnotherKindAndThereAreEightAtMost) {
  const auto w = at::randn({4}), b = at::randn({4});
  const Recorded recorded(affine, {w, b});
  for (int round = 0; round < 4; ++round)
    for (int n = 1; n <= 10; ++n) {
      const auto x = at::randn({n, 4});
      EXPECT_TRUE(at::equal(recorded.run(x), affine_of(x, w, b)));
    }
  EXPECT_EQ(recorded.bound->recorded(), 8u);
  EXPECT_EQ(recorded.log->records, 8);
}

TEST(Graphs, ParametersAreSeenHoweverTheyChange) {
  auto w = at::randn({4}), b = at::randn({4});
  const Recorded recorded(affine, {w, b});
  const auto x = at::randn({3, 4});
  const auto same = [&] { return at::equal(recorded.run(x), affine_of(x, w, b)); };
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(same());
  w.add_(1);  // in place, not read by prepare: the recording reads it where it lies
  EXPECT_TRUE(same());
  EXPECT_EQ(recorded.log->records, 1);
  b.add_(1);  // prepare runs again, and what it makes lies elsewhere
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(same());
  EXPECT_EQ(recorded.log->records, 2);
  w.set_data(at::randn({4}));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(same());
  EXPECT_EQ(recorded.log->records, 3);
  const auto w2 = at::randn({4}), b2 = at::randn({4});
  EXPECT_TRUE(recorded.bound->set_params({w2, b2}));
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(at::equal(recorded.run(x), affine_of(x, w2, b2)));
  EXPECT_EQ(recorded.log->records, 4);
  for (int i = 0; i < 8; ++i) {  // changed at every call: not worth a recording
    b2.add_(1);
    EXPECT_TRUE(at::equal(recorded.run(x), affine_of(x, w2, b2)));
  }
  EXPECT_EQ(recorded.log->records, 4);
}

TEST(Graphs, WhileTheCallerRecordsThePlanRunsPlainly) {
  const auto w = at::randn({4}), b = at::randn({4});
  const Recorded recorded(affine, {w, b});
  const auto x = at::randn({3, 4});
  recorded.log->free = false;
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(at::equal(recorded.run(x), affine_of(x, w, b)));
  EXPECT_EQ(recorded.log->records, 0);
  recorded.log->free = true;
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(at::equal(recorded.run(x), affine_of(x, w, b)));
  EXPECT_EQ(recorded.log->replays, 1);
}

TEST(Graphs, WhatCannotBeRecordedRunsPlainlyForGood) {
  const auto w = at::randn({4}), b = at::randn({4});
  const Recorded recorded(affine, {w, b});
  recorded.log->fails = true;
  const auto x = at::randn({3, 4});
  for (int i = 0; i < 6; ++i) EXPECT_TRUE(at::equal(recorded.run(x), affine_of(x, w, b)));
  EXPECT_EQ(recorded.log->records, 1);
  EXPECT_EQ(recorded.bound->recorded(), 0u);
  EXPECT_EQ(recorded.bound->not_recorded(), "operation not permitted when stream is capturing");
}

TEST(Graphs, ResultsOfAllKinds) {
  const auto w = at::randn({4});
  const Recorded recorded(plan_of(R"({"op": "aten::relu", "args": ["x"], "out": ["r"]},
  {"op": "aten::slice.Tensor", "args": ["r", 1, 1, 3], "out": ["part"]})",
                                  R"({"r": "r", "part": "part", "x": "x", "w": "w", "n": "n * 2", "none": null})",
                                  R"("params": {"w": "w"})"),
                          {w});
  for (int i = 0; i < 5; ++i) {
    const auto x = at::randn({3, 4});
    const auto results = run(*recorded.bound, {x});
    ASSERT_EQ(results.size(), 6u);
    std::vector<c10::IValue> by_key(results.begin(), results.end());  // in the tree's order, whatever that is
    int inputs = 0, params = 0, numbers = 0, nones = 0, made = 0;
    for (const auto& result : by_key) {
      if (result.isInt()) numbers += result.toInt() == 6;
      if (result.isNone()) ++nones;
      if (!result.isTensor()) continue;
      const auto& tensor = result.toTensor();
      inputs += tensor.data_ptr() == x.data_ptr();
      params += tensor.data_ptr() == w.data_ptr();
      made += tensor.size(-1) == 2 ? at::equal(tensor, x.relu().slice(1, 1, 3)) && tensor.stride(0) == 4
                                   : at::equal(tensor, x.relu());
    }
    EXPECT_EQ(inputs, 1) << "an input that is a result is the caller's own";
    EXPECT_EQ(params, 1);
    EXPECT_EQ(numbers, 1);
    EXPECT_EQ(nones, 1);
    EXPECT_EQ(made, 2);
  }
  EXPECT_EQ(recorded.log->replays, 3);
}

TEST(Graphs, InputsAndResultsThatOverlapThemselves) {
  const Recorded any(R"({"burnish_plan": 1, "inputs": {"x": {"dtype": "float32", "shape": ["n", 4], "strides": "any"}},
    "steps": [{"op": "aten::relu", "args": ["x"], "out": ["y"]}], "result": "y"})");
  const auto row = at::randn({1, 4});
  for (int i = 0; i < 5; ++i) EXPECT_TRUE(at::equal(any.run(row.expand({3, 4})), row.expand({3, 4}).relu()));
  EXPECT_EQ(any.bound->recorded(), 0u);
  for (int i = 0; i < 5; ++i) {
    const auto wide = at::randn({3, 9}).slice(1, 2, 6);
    EXPECT_TRUE(at::equal(any.run(wide), wide.relu()));
  }
  EXPECT_EQ(any.bound->recorded(), 1u) << "gaps are no overlap";
  const Recorded expanded(plan_of(R"({"op": "aten::sum.dim_IntList", "args": ["x", 0], "out": ["s"]},
    {"op": "aten::expand", "args": ["s", ["n", 4]], "out": ["y"]})",
                                  "\"y\""));
  for (int i = 0; i < 5; ++i) {
    const auto x = at::randn({3, 4});
    EXPECT_TRUE(at::equal(expanded.run(x), x.sum(0).expand({3, 4})));
  }
  EXPECT_EQ(expanded.bound->recorded(), 0u);
}

TEST(Graphs, AGuardThatIsMissedIsStillMissed) {
  const Recorded recorded(affine, {at::randn({4}), at::randn({4})});
  for (int i = 0; i < 4; ++i) recorded.run(at::randn({3, 4}));
  EXPECT_THAT(miss(*recorded.bound, {at::randn({3, 5})}), ::testing::HasSubstr("missed: input x"));
}

TEST(Graphs, ThreadsThatMeetRunPlainly) {
  const auto w = at::randn({4}), b = at::randn({4});
  const Recorded recorded(affine, {w, b});
  std::atomic<int> wrong = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 200; ++i) {
        const auto x = at::randn({3, 4});
        std::vector<c10::IValue> results;
        recorded.bound->run(std::vector<c10::IValue>{x}, results);
        if (!at::equal(results.at(0).toTensor(), affine_of(x, w, b))) ++wrong;
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(wrong, 0);
  EXPECT_EQ(recorded.log->records, 1);
}

TEST(Graphs, APlanThatAsksForOneRunsWhereThereIsNoGpu) {
  const Folder folder;
  const auto program = load(folder, plan_of("", "\"x\"", R"("graph": true)"));
  ASSERT_FALSE(program);
  EXPECT_THAT(to_text(program.error()), ::testing::HasSubstr("only plans of the target cuda"));
}

}  // namespace
}  // namespace burnish::testing
