#include "plan/splice.h"

#include <gtest/gtest.h>

#include "plan/check.h"
#include "plan/corpus.h"
#include "plan/inline.h"
#include "plan/mutate.h"
#include "plan/parse.h"
#include "plan/terms.h"

namespace burnish {
namespace {

Plan plan_of(std::string_view text) {
  auto plan = parse_plan(text, "plan");
  EXPECT_TRUE(plan) << to_text(plan.error());
  const auto checked = check(*plan);
  EXPECT_TRUE(checked) << to_text(checked.error());
  return std::move(*plan);
}

/// Every tensor that steps make, described such that all of the plan's symbols are bound. The shapes are made up:
/// nothing here runs.
KnownTensors made_up(const Plan& plan) {
  std::vector<Expr> shape;
  for (const Input& input : plan.inputs)
    if (const auto* tensor = std::get_if<InputTensor>(&input))
      for (const Expr& size : tensor->shape)
        if (size.symbol()) shape.push_back(size);
  KnownTensors known = known_tensors(plan);
  for (const Step& step : plan.steps)
    for (const std::string& name : outputs_of(step))
      known.try_emplace(name, InputTensor{name, name, DType::float32, shape, {Strides::Kind::any, {}}});
  return known;
}

/// Cuts these steps out and puts the same region back; false where they make no region.
bool round_trip(const Plan& plan, const std::vector<std::size_t>& steps) {
  const auto part = cut(plan, steps, made_up(plan));
  if (!part) {
    EXPECT_FALSE(part.error().what.empty());
    return false;
  }
  const auto whole = splice(plan, steps, *part);
  EXPECT_TRUE(whole) << to_text(whole.error()) << print_plan(*part);
  if (!whole) return true;
  EXPECT_EQ(Terms(*whole).result(), Terms(plan).result())
      << print_plan(plan) << print_plan(*part) << print_plan(*whole);
  return true;
}

TEST(Splice, ARegionThatGoesBackAsItIsChangesNothing) {
  std::size_t regions = 0, tried = 0;
  for (const auto text : corpus::plans)
    for (const Plan& plan : {plan_of(text), *inline_calls(plan_of(text))})
      for (std::size_t begin = 0; begin < plan.steps.size(); ++begin)
        for (std::size_t end = begin + 1; end <= plan.steps.size() && end < begin + 12; ++end) {
          std::vector<std::size_t> steps;
          for (std::size_t i = begin; i < end; ++i) steps.push_back(i);
          ++tried;
          regions += round_trip(plan, steps);
        }
  EXPECT_GT(regions, tried / 2);
}

TEST(Splice, SoDoRegionsWithGaps) {
  Random random(5);
  std::size_t regions = 0;
  for (const auto text : corpus::plans) {
    const Plan plan = *inline_calls(plan_of(text));
    for (int round = 0; round < 60; ++round) {
      std::vector<std::size_t> steps;
      for (std::size_t i = 0; i < plan.steps.size(); ++i)
        if (below(random, 3) == 0) steps.push_back(i);
      if (!steps.empty()) regions += round_trip(plan, steps);
    }
  }
  EXPECT_GT(regions, 30U);
}

constexpr std::string_view mlp = R"json({
 "burnish_plan": 1,
 "inputs": {"x": {"dtype": "float32", "shape": ["n", 8]}}, "where": ["n > 1", "size(x, 0) < 99"],
 "params": {"w1": "a.weight", "w2": "b.weight"}, "constants": {"c": "c"},
 "kernels": {"k": {"source": "k.cpp", "text": "void k() { k_inner(); }"}},
 "functions": {"f": {"args": ["h"], "steps": [{"op": "aten::relu", "args": ["h"], "out": ["y"]}], "result": ["y"]}},
 "prepare": [{"op": "aten::t", "args": ["w1"], "out": ["w1t"]}, {"op": "aten::t", "args": ["w2"], "out": ["w2t"]}],
 "steps": [
  {"op": "aten::mm", "args": ["x", "w1t"], "out": ["h1"]},
  {"call": "f", "args": ["h1"], "out": ["a1"]},
  {"empty": "s", "like": "a1"},
  {"launch": "k", "range": "numel(a1)", "args": ["a1", "s", "n"]},
  {"op": "aten::mm", "args": ["s", "w2t"], "out": ["h2"]},
  {"op": "aten::add.Tensor", "args": ["h2", "c"], "out": ["y"]},
  {"call": "f", "args": ["y"], "out": ["z"]}],
 "result": ["z", "numel(h1)"],
 "notes": {"meta": {"h1": {"dtype": "float32", "shape": ["n", 8], "strides": [8, 1]}, "s": {"dtype": "float32", "shape": ["n", 8], "strides": [1, "n"]}}}})json";

TEST(Cut, TakesWhatTheRegionNeeds) {
  const Plan plan = plan_of(mlp);
  const auto part = cut(plan, {4, 5}, known_tensors(plan));
  ASSERT_TRUE(part) << to_text(part.error());
  ASSERT_EQ(part->inputs.size(), 1U);
  const auto& input = std::get<InputTensor>(part->inputs[0]);
  EXPECT_EQ(input.name, "s");
  EXPECT_EQ(input.strides.values.size(), 2U);
  EXPECT_EQ(part->result, json::array({"y"}));
  EXPECT_EQ(part->params.size(), 1U);
  EXPECT_EQ(part->prepare.size(), 1U);
  EXPECT_EQ(part->constants.size(), 1U);
  EXPECT_TRUE(part->kernels.empty());
  EXPECT_TRUE(part->functions.empty());
  ASSERT_EQ(part->where.size(), 1U);  // x is no input here, so what is said of it falls away
  EXPECT_EQ(part->where[0].text(), "n > 1");
  EXPECT_TRUE(part->notes["meta"].contains("s"));
}

TEST(Cut, KnownStridesThatAreContiguousSaySo) {
  const Plan plan = plan_of(mlp);
  EXPECT_EQ(known_tensors(plan).at("h1").strides.kind, Strides::Kind::contiguous);
  EXPECT_EQ(known_tensors(plan).at("s").strides.kind, Strides::Kind::explicit_);
}

TEST(Cut, RefusesWhatIsNoRegion) {
  const Plan plan = plan_of(mlp);
  const auto why = [&](const std::vector<std::size_t>& steps) {
    const auto part = cut(plan, steps, made_up(plan));
    return part ? "fine" : to_text(part.error());
  };
  EXPECT_EQ(why({0, 1}), "fine");
  EXPECT_NE(why({0, 4}).find("in the middle"), std::string::npos) << why({0, 4});
  EXPECT_NE(why({3}).find("writes to memory of steps[2] empty s"), std::string::npos) << why({3});
  EXPECT_NE(why({2}).find("written outside"), std::string::npos) << why({2});
  EXPECT_NE(why({}).find("no steps"), std::string::npos);
  EXPECT_NE(why({7}).find("no step 7"), std::string::npos);
  const auto unknown = cut(plan, {6}, {});
  ASSERT_FALSE(unknown);
  EXPECT_NE(unknown.error().what.find("'y' are not known"), std::string::npos);
}

/// A better plan for steps 4 and 5 of mlp.
Plan better(const std::string& prepare, const std::string& steps, const std::string& result,
            const std::string& more = "") {
  return plan_of(
      R"({"burnish_plan": 1, "inputs": {"s": {"dtype": "float32", "shape": ["n", 8], "strides": [1, "n"]}}, "where": ["n > 2"],
                     "params": {"h1": "b.weight", "q": "b.bias"}, "constants": {"c": "c"}, )" +
      more + R"("prepare": [)" + prepare + R"(], "steps": [)" + steps + R"(], "result": )" + result + "}");
}

TEST(Splice, NamesNeverMeet) {
  const Plan plan = plan_of(mlp);
  const auto whole = splice(
      plan, {4, 5},
      better(
          R"({"op": "aten::t", "args": ["h1"], "out": ["w1t"]})",
          R"({"op": "aten::addmm", "args": ["q", "s", "w1t"], "out": ["x"]}, {"op": "aten::add.Tensor", "args": ["x", "c"], "out": ["a1"]})",
          R"(["a1"])"));
  ASSERT_TRUE(whole) << to_text(whole.error());
  EXPECT_EQ(whole->params.size(), 3U);
  EXPECT_EQ(whole->prepare.size(), 2U);  // the transposed weight of before is not used any more
  EXPECT_EQ(step_to_text(whole->steps[4]), "s_laid = strides [1, n] of s");
  EXPECT_EQ(step_to_text(whole->steps[5]), "x_2 = aten::addmm(q, s_laid, w1t_2)");
  EXPECT_EQ(step_to_text(whole->steps[6]), "y = aten::add.Tensor(x_2, c)");
  EXPECT_EQ(step_to_text(whole->prepare[1]), "w1t_2 = aten::t(w2)");
  EXPECT_EQ(whole->where.back().text(), "n > 2");
}

TEST(Splice, ARegionMayTurnOutToBeItsInput) {
  const Plan plan = plan_of(mlp);
  const auto whole = splice(plan, {4, 5}, better("", "", R"("s")"));
  ASSERT_TRUE(whole) << to_text(whole.error());
  EXPECT_EQ(step_to_text(whole->steps.back()), "z = f(s_laid)");
}

TEST(Splice, KernelsOfOneNameAreRenamedInTheirText) {
  const Plan plan = plan_of(mlp);
  const std::string steps = R"({"empty": "o", "like": "s"}, {"launch": "k", "range": "n", "args": ["s", "o"]})";
  const auto whole =
      splice(plan, {4, 5},
             better("", steps, R"(["o"])",
                    R"("kernels": {"k": {"source": "k.cpp", "text": "void k() { k_inner(); /* k */ }"}}, )"));
  ASSERT_TRUE(whole) << to_text(whole.error());
  ASSERT_EQ(whole->kernels.size(), 2U);
  EXPECT_EQ(whole->kernels[1].first, "k_2");
  EXPECT_EQ(whole->kernels[1].second.source, "k_2.cpp");
  EXPECT_EQ(whole->kernels[1].second.text, "void k_2() { k_inner(); /* k_2 */ }");
  EXPECT_EQ(std::get<LaunchStep>(whole->steps[6]).kernel, "k_2");
  const auto same = splice(
      plan, {4, 5},
      better("", steps, R"(["o"])", R"("kernels": {"k": {"source": "k.cpp", "text": "void k() { k_inner(); }"}}, )"));
  ASSERT_TRUE(same);
  EXPECT_EQ(same->kernels.size(), 1U);
  const auto file = splice(plan, {4, 5}, better("", steps, R"(["o"])", R"("kernels": {"k": {"source": "k.cpp"}}, )"));
  ASSERT_FALSE(file);
  EXPECT_NE(file.error().todo.find("as text"), std::string::npos);
}

TEST(Splice, FunctionsOfOneNameAreSharedOnlyIfTheyAreTheSame) {
  const Plan plan = plan_of(mlp);
  const std::string steps = R"({"call": "f", "args": ["s"], "out": ["o"]})";
  const auto with = [&](const std::string& op) {
    return splice(plan, {4, 5},
                  better("", steps, R"(["o"])",
                         R"("functions": {"f": {"args": ["h"], "steps": [{"op": ")" + op +
                             R"(", "args": ["h"], "out": ["y"]}], "result": ["y"]}}, )"));
  };
  ASSERT_TRUE(with("aten::relu"));
  EXPECT_EQ(with("aten::relu")->functions.size(), 1U);
  ASSERT_TRUE(with("aten::neg")) << to_text(with("aten::neg").error());
  EXPECT_EQ(with("aten::neg")->functions.size(), 2U);
  EXPECT_EQ(std::get<CallStep>(with("aten::neg")->steps[5]).function, "f_2");
}

TEST(Splice, RefusesAPlanForAnotherRegion) {
  const Plan plan = plan_of(mlp);
  const auto wrong = splice(plan, {0, 1}, better("", "", R"(["s"])"));
  ASSERT_FALSE(wrong);
  EXPECT_NE(wrong.error().what.find("reads no tensor 's'"), std::string::npos);
  EXPECT_FALSE(splice(plan, {4, 5}, better("", "", R"(["s", "s"])")));
}

}  // namespace
}  // namespace burnish
