#include "runtime/bound.h"

#include <gmock/gmock.h>

#include <thread>

#include "plans.h"

namespace burnish::testing {
namespace {

using ::testing::HasSubstr;

const char* const linear =
    R"({"burnish_plan": 1, "inputs": {"x": {"dtype": "float32", "shape": ["n", 4]}}, "where": ["n % 2 == 0"],
  "params": {"w": "linear.weight", "b": "linear.bias"},
  "prepare": [{"op": "aten::t", "args": ["w"], "out": ["v"]}, {"op": "aten::clone", "args": ["v"], "out": ["wt"]}],
  "steps": [{"op": "aten::addmm", "args": ["b", "x", "wt"], "out": ["y"]}], "result": "y"})";

TEST(Bound, RunsAndPreparesAgainWhenAParameterChanges) {
  const Folder folder;
  const auto w = at::randn({3, 4}), b = at::randn({3}), x = at::randn({2, 4});
  const auto bound = make_bound(folder, linear, {w, b});
  EXPECT_TRUE(at::equal(run_one(*bound, {x}), at::addmm(b, x, w.t())));
  EXPECT_EQ(bound->prepared().times, 1u);
  EXPECT_EQ(bound->prepared().bytes, 3 * 4 * sizeof(float));
  w.mul_(2);
  EXPECT_TRUE(at::equal(run_one(*bound, {x}), at::addmm(b, x, w.t())));
  EXPECT_EQ(bound->prepared().times, 2u);
  w.data().add_(1);  // a version counter of its own: not counted
  EXPECT_TRUE(bound->refresh());
  EXPECT_TRUE(at::allclose(run_one(*bound, {x}), at::addmm(b, x, w.t())));
  b.mul_(3);  // not read by prepare
  run_one(*bound, {x});
  EXPECT_EQ(bound->prepared().times, 3u);
  const auto w2 = at::randn({3, 4});
  EXPECT_TRUE(bound->set_params({w2, b}));
  EXPECT_TRUE(at::allclose(run_one(*bound, {x}), at::addmm(b, x, w2.t())));
  EXPECT_FALSE(bound->set_params({at::randn({3, 5}), b}));
}

TEST(Bound, ParametersThatChangeTheirKindAreAMiss) {
  const Folder folder;
  auto w = at::randn({3, 4});
  const auto b = at::randn({3}), x = at::randn({2, 4});
  const auto bound = make_bound(folder, linear, {w, b});
  w.set_data(at::randn({3, 4}, at::kDouble));
  EXPECT_THAT(miss(*bound, {x}), HasSubstr("missed: the parameter linear.weight changed"));
  w.set_data(at::ones({3, 4}));
  EXPECT_TRUE(at::allclose(run_one(*bound, {x}), at::addmm(b, x, w.t())));
}

TEST(Bound, GuardsSayWhatTheyMissed) {
  const Folder folder;
  const auto bound = make_bound(folder, linear, {at::randn({3, 4}), at::randn({3})});
  EXPECT_THAT(miss(*bound, {at::randn({3, 4})}), HasSubstr("n % 2 == 0"));
  EXPECT_THAT(miss(*bound, {at::randn({2, 5})}), HasSubstr("missed: input x"));
  EXPECT_THAT(miss(*bound, {at::randn({2, 4}, at::kDouble)}), HasSubstr("missed: input x"));
  EXPECT_THAT(miss(*bound, {at::randn({4, 2}).t()}), HasSubstr("missed: input x"));
  EXPECT_THAT(miss(*bound, {at::_neg_view(at::zeros({2, 4}))}), HasSubstr("missed: input x"));
  EXPECT_THAT(miss(*bound, {1}), HasSubstr("no tensor is given"));
  EXPECT_THAT(miss(*bound, {}), HasSubstr("0 inputs are given"));
}

TEST(Bound, PrepareMayKeepTwiceWhatItReads) {
  const Folder folder;
  const auto plan = [](const char* repeats) {
    return plan_of(R"({"op": "aten::add.Tensor", "args": ["x", "k"], "out": ["y"]})", "\"y\"",
                   R"("params": {"w": "w"}, "prepare": [{"op": "aten::repeat", "args": ["w", [)" +
                       std::string(repeats) + R"(, 1]], "out": ["k"]}])");
  };
  EXPECT_TRUE(make_bound(folder, plan("2"), {at::randn({64, 512})}));
  EXPECT_TRUE(make_bound(folder, plan("3"), {at::randn({1, 4})})) << "64 KB may always be kept";
  const auto program = load(folder, plan("3"));
  ASSERT_TRUE(program);
  const auto bound = Bound::make(*program, {at::randn({64, 512})});
  ASSERT_FALSE(bound);
  EXPECT_EQ(bound.error().reason, "prepare-budget");
}

TEST(Bound, ArgumentsOfAllKinds) {
  const Folder folder;
  const auto x = at::randn({6, 4});
  const auto bound =
      make_bound(folder,
                 plan_of(R"(
      {"op": "aten::view", "args": ["x", ["n / 2", 2, -1]], "out": ["v"]},
      {"op": "aten::sum.dim_IntList", "args": ["v", 1], "kwargs": {"keepdim": true, "dtype": {"dtype": "float64"}}, "out": ["s"]},
      {"op": "aten::add.Tensor", "args": ["s", 2], "kwargs": {"alpha": 0.5}, "out": ["a"]},
      {"op": "aten::masked_fill.Scalar", "args": ["a", "m", {"float": "-inf"}], "out": ["f"]},
      {"op": "aten::split.Tensor", "args": ["x", "n / 3", 0], "out": ["p", "", "q"]},
      {"op": "aten::cat", "args": [["p", "q"], 1], "out": ["c"]},
      {"op": "aten::index.Tensor", "args": ["c", [null, "i"]], "out": ["g"]},
      {"op": "aten::max.dim", "args": ["g", 0], "out": ["", "indices"]},
      {"op": "aten::gelu", "args": ["g"], "kwargs": {"approximate": {"str": "tanh"}}, "out": ["t"]})",
                         R"({"f": "f", "t": "t", "n": "n * 2", "list": ["indices", null, true, 2.5, {"str": "text"}]})",
                         R"("params": {"m": "m", "i": "i"})"),
                 {at::zeros({3, 1, 4}, at::kBool).fill_(true), at::tensor({0, 5}, at::kLong)});
  const auto results = run(*bound, {x});
  ASSERT_EQ(results.size(), 8u);
  EXPECT_EQ(results[0].toTensor().scalar_type(), at::kDouble);
  EXPECT_TRUE(at::isinf(results[0].toTensor()).all().item<bool>());
  const auto pieces = x.split(2, 0);
  const auto g = at::cat({pieces[0], pieces[2]}, 1).index_select(1, at::tensor({0, 5}, at::kLong));
  EXPECT_TRUE(at::equal(results[1].toTensor(), at::gelu(g, "tanh")));
  EXPECT_EQ(results[2].toInt(), 12);
  EXPECT_TRUE(at::equal(results[3].toTensor(), g.argmax(0)));
  EXPECT_TRUE(results[4].isNone());
  EXPECT_TRUE(results[5].toBool());
  EXPECT_EQ(results[6].toDouble(), 2.5);
  EXPECT_EQ(results[7].toStringRef(), "text");
}

TEST(Bound, ScalarsPromoteAsInPython) {
  const Folder folder;
  const auto bound = make_bound(folder, R"({"burnish_plan": 1, "inputs": {"x": {"dtype": "float16", "shape": ["n"]}},
    "steps": [{"op": "aten::mul.Tensor", "args": ["x", 0.1], "out": ["a"]}, {"op": "aten::add.Tensor", "args": ["a", "n"], "out": ["y"]}], "result": "y"})");
  const auto x = at::randn({3}).to(at::kHalf);
  EXPECT_TRUE(at::equal(run_one(*bound, {x}), x * 0.1 + 3));
}

TEST(Bound, LaunchesSplitTheRangeAndPassEveryKind) {
  const Folder folder;
  folder.compile("k", R"(
    extern "C" void burnish_entry_k(long begin, long end, void* const* a) {
      const float* x = (const float*)a[0]; float* y = (float*)a[1]; long columns = (long)a[2];
      float scale = *(const float*)&a[3];
      for (long i = begin * columns; i < end * columns; ++i) y[i] = x[i] * scale + (a[4] ? 1 : 0);
    }
    extern "C" const char burnish_signature_k[] = "ppifp";)");
  const auto bound =
      make_bound(folder, plan_of(R"~({"zero": "y", "like": "x"}, {"launch": "k", "range": "n - 1", "grain": 3,
       "args": [{"of": "x", "offset": 4}, {"of": "y", "offset": "size(x, 1)"}, "size(x, -1)", 0.5, null]})~",
                                 "\"y\"", R"("kernels": {"k": {"source": "kernels.cpp"}})"));
  for (const int n : {1, 2, 100}) {
    const auto x = at::randn({n, 4});
    auto wanted = x * 0.5;
    wanted[0] = 0;
    EXPECT_TRUE(at::equal(run_one(*bound, {x}), wanted)) << n;
  }
}

TEST(Bound, OwnTensorsMayBeWrittenThroughViews) {
  const Folder folder;
  const auto bound = make_bound(folder, plan_of(R"({"empty": "y", "dtype": "float32", "shape": ["n", 8]},
      {"op": "aten::slice.Tensor", "args": ["y", 1, 0, 4], "out": ["left"]}, {"op": "aten::slice.Tensor", "args": ["y", 1, 4, 8], "out": ["right"]},
      {"op": "aten::copy_", "args": ["left", "x"], "out": [""]}, {"op": "aten::neg.out", "args": ["x"], "kwargs": {"out": "right"}, "out": [""]})",
                                                "\"y\""));
  const auto x = at::randn({3, 4});
  EXPECT_TRUE(at::equal(run_one(*bound, {x}), at::cat({x, -x}, 1)));
}

TEST(Bound, LayoutsAndAllocations) {
  const Folder folder;
  const auto bound = make_bound(
      folder, R"({"burnish_plan": 1, "inputs": {"x": {"dtype": "float32", "shape": [2, 3, 4, 5], "strides": "any"}},
    "steps": [{"layout": "c", "of": "x", "strides": "channels_last"}, {"layout": "same", "of": "x", "strides": "contiguous"},
      {"layout": "e", "of": "x", "strides": [60, 1, 15, 3]}, {"empty": "a", "like": "c", "strides": "any"}, {"zero": "z", "like": "x", "dtype": "int64", "shape": [2]}],
    "result": ["c", "same", "e", "a", "z"]})");
  const auto x = at::randn({2, 3, 4, 5});
  const auto results = run(*bound, {x});
  EXPECT_TRUE(results[0].toTensor().is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_EQ(results[1].toTensor().data_ptr(), x.data_ptr());
  EXPECT_TRUE(at::equal(results[2].toTensor(), x));
  EXPECT_EQ(results[2].toTensor().strides().vec(), (std::vector<std::int64_t>{60, 1, 15, 3}));
  EXPECT_TRUE(results[3].toTensor().is_contiguous(at::MemoryFormat::ChannelsLast));
  EXPECT_TRUE(at::equal(results[4].toTensor(), at::zeros({2}, at::kLong)));
}

TEST(Bound, FunctionsLoopsAndChoices) {
  const Folder folder;
  const std::string functions = R"("functions": {
      "step": {"args": ["h", "x"], "steps": [{"op": "aten::add.Tensor", "args": ["h", "x"], "kwargs": {"alpha": "i"}, "out": ["o"]}], "result": ["o"]},
      "swap": {"args": ["a", "b"], "steps": [{"op": "aten::add.Tensor", "args": ["a", "b"], "out": ["s"]}], "result": ["b", "s"]},
      "twice": {"args": ["a"], "steps": [{"op": "aten::mul.Tensor", "args": ["a", 2], "out": ["o"]}], "result": ["o"]},
      "same": {"args": ["a"], "steps": [], "result": ["a"]}})";
  const auto x = at::randn({5, 4}), zero = at::zeros({5, 4});
  auto loop = [&](const std::string& bounds) {
    return make_bound(
        folder,
        plan_of(R"({"zero": "z", "like": "x"}, {"call": "step", "args": ["z", "x"], "out": ["y"], "for": "i", "in": )" +
                    bounds +
                    R"(}, {"call": "swap", "args": ["z", "x"], "out": ["p", "q"], "for": "i", "in": [0, "n"]},
      {"op": "aten::sum", "args": ["x"], "out": ["s"]}, {"op": "aten::gt.Scalar", "args": ["s", 0], "out": ["flag"]},
      {"if": "flag", "then": "twice", "else": "same", "args": ["x"], "out": ["r"]})",
                R"(["y", "p", "q", "r"])", functions));
  };
  for (const auto* bounds : {"[1, 4]", "[1, \"n - 1\"]"}) {  // unrolled, and as a loop
    const auto bound = loop(bounds);
    for (const auto& input : {x, x.abs(), -x.abs()}) {
      const auto results = run(*bound, {input});
      EXPECT_TRUE(at::allclose(results[0].toTensor(), input * 6)) << bounds;
      EXPECT_TRUE(at::allclose(results[1].toTensor(), input * 5));  // 0, 1, 1, 2, 3, 5: Fibonacci's
      EXPECT_TRUE(at::allclose(results[2].toTensor(), input * 8));
      EXPECT_TRUE(at::equal(results[3].toTensor(), input.sum().item<float>() > 0 ? input * 2 : input));
    }
  }
  const auto none = loop("[\"n\", 3]");
  EXPECT_TRUE(at::equal(run(*none, {x})[0].toTensor(), zero));
}

TEST(Bound, FailuresNameTheStep) {
  const Folder folder;
  const auto bound =
      make_bound(folder, plan_of(R"({"op": "aten::view", "args": ["x", [3, "n"]], "out": ["y"]})", "\"y\""));
  const auto text = miss(*bound, {at::randn({2, 4})});
  EXPECT_THAT(text, HasSubstr("steps[0] op aten::view"));
  EXPECT_THAT(text, HasSubstr("shape '[3, 2]' is invalid"));
  const auto negative =
      make_bound(folder, plan_of(R"({"empty": "y", "dtype": "float32", "shape": ["n - 5"]})", "\"y\""));
  EXPECT_THAT(miss(*negative, {at::randn({2, 4})}), HasSubstr("a size is negative: -3"));
  const auto division =
      make_bound(folder, plan_of(R"~({"empty": "y", "dtype": "float32", "shape": ["8 / (n - 2)"]})~", "\"y\""));
  EXPECT_THAT(miss(*division, {at::randn({2, 4})}), HasSubstr("division by zero"));
}

TEST(Bound, HugeAllocationsAreOutOfMemoryAndTheNextCallWorks) {
  const Folder folder;
  const auto bound =
      make_bound(folder, plan_of(R"({"empty": "y", "dtype": "float32", "shape": ["n * n * n * n"]})", "\"y\""));
  std::vector<c10::IValue> results;
  const auto outcome = bound->run(std::vector<c10::IValue>{at::zeros({30000, 4})}, results);
  ASSERT_TRUE(std::holds_alternative<Error>(outcome));
  EXPECT_EQ(std::get<Error>(outcome).reason, "memory") << to_text(std::get<Error>(outcome));
  EXPECT_EQ(run_one(*bound, {at::zeros({3, 4})}).numel(), 81);
}

TEST(Bound, IntermediatesAreFreedAtTheirLastUse) {
  const Folder folder;
  std::string steps = R"({"op": "aten::add.Tensor", "args": ["x", 1], "out": ["h0"]})";
  for (int i = 1; i <= 20; ++i)
    steps += R"(, {"op": "aten::add.Tensor", "args": ["h)" + std::to_string(i - 1) + R"(", 1], "out": ["h)" +
             std::to_string(i) + "\"]}";
  const auto program = load(folder, plan_of(steps, "\"h20\""));
  ASSERT_TRUE(program);
  for (const auto& instruction : (*program)->steps.instructions) {
    const auto& op = std::get<OpInstruction>(instruction.what);
    EXPECT_TRUE(op.stack[0].operands[0].last || !instruction.release.empty());
  }
}

TEST(Bound, ThreadsRunOneBoundPlan) {
  const Folder folder;
  const auto bound = make_bound(folder, linear, {at::randn({3, 4}), at::randn({3})});
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      const auto x = at::full({2 * (t + 1), 4}, float(t));
      const auto wanted = run_one(*bound, {x});
      for (int i = 0; i < 200; ++i) ASSERT_TRUE(at::equal(run_one(*bound, {x}), wanted));
    });
  for (auto& thread : threads) thread.join();
}

TEST(Bound, ResultsAreFreshAndPlain) {
  const Folder folder;
  const auto bound =
      make_bound(folder, plan_of(R"({"op": "aten::add.Tensor", "args": ["x", 1], "out": ["y"]})", "\"y\""));
  const auto x = at::randn({1 << 16, 4});
  const auto first = run_one(*bound, {x}), kept = first.clone();
  for (int i = 0; i < 5; ++i) run_one(*bound, {at::randn({1 << 16, 4})});
  EXPECT_TRUE(at::equal(first, kept));
  EXPECT_FALSE(first.requires_grad());
}

TEST(Bound, ProfilesSteps) {
  const Folder folder;
  const auto bound = make_bound(folder, linear, {at::randn({3, 4}), at::randn({3})});
  std::vector<StepProfile> rows;
  std::vector<c10::IValue> results;
  bound->profile(std::vector<c10::IValue>{at::randn({2, 4})}, results, rows);
  ASSERT_EQ(rows.size(), 1u);
  EXPECT_GT(rows[0].seconds, 0);
  EXPECT_EQ(rows[0].bytes_in, (3 + 8 + 12) * sizeof(float));
  EXPECT_EQ(rows[0].bytes_out, 6 * sizeof(float));
}

}  // namespace
}  // namespace burnish::testing
