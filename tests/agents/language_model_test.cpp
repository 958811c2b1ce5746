#include "agents/language_model.h"
#include "agents/context.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <deque>
#include <fstream>

#include "agents/hints.h"

namespace burnish {
namespace {

const std::string good_answer =
    "```json plan.json\n{\"burnish_plan\": 1, \"kernels\": {\"k\": {\"source\": \"k.cpp\"}}}\n```\n```cpp "
    "k.cpp\nextern \"C\" void k(long, long) {}\n```\n";

/// Answers what it was given, in order, and keeps the prompts.
struct ScriptedAsker : Asker {
  std::deque<Result<Reply>> replies;
  std::vector<Prompt>* prompts = nullptr;
  Result<Reply> ask(const Model&, const Prompt& prompt, const OnText&) override {
    if (prompts) prompts->push_back(prompt);
    if (replies.empty()) return fail("the script is at its end");
    auto reply = replies.front();
    replies.pop_front();
    return reply;
  }
};

Reply reply(const std::string& text) {
  Reply r;
  r.text = text;
  r.stop = Stop::end;
  return r;
}

Verdict verdict(Verdict::Kind kind, const std::string& reason, std::optional<double> speedup = {},
                json detail = nullptr) {
  Verdict v;
  v.kind = kind, v.reason = reason, v.speedup = speedup;
  v.body = {{"detail", std::move(detail)}};
  return v;
}

PastAttempt past(int number, const std::string& answer, Verdict v) {
  return {number, proposal_of(reply(answer)), std::move(v)};
}

const Task task{.problem = "gelu",
                .target = "cpu",
                .source = "class Model: ...",
                .opened = {{"eager_seconds", 0.001}, {"eager_error", 1e-7}}};
const PromptFacts facts{.device = "two cores", .compiler = "g++ 12", .threads = 2};
const Model model{.name = "m", .id = "m-1", .service = "vllm"};

TEST(LanguageModel, ProposesThePlanThatItsAnswerHolds) {
  auto asker = std::make_unique<ScriptedAsker>();
  asker->replies.push_back(reply(good_answer));
  const auto agent = make_language_model(model, std::move(asker), facts);
  const auto proposal = agent->propose(task, {});
  ASSERT_TRUE(proposal && *proposal);
  EXPECT_EQ((*proposal)->form, Form::plan);
  EXPECT_TRUE((*proposal)->files.contains("plan.json"));
  EXPECT_TRUE((*proposal)->files.contains("k.cpp"));
  EXPECT_EQ((*proposal)->files.at(answer_file), good_answer);
}

TEST(LanguageModel, AnUnreadableAnswerIsAnAttemptAndTheNextPromptSaysWhy) {
  std::vector<Prompt> prompts;
  auto asker = std::make_unique<ScriptedAsker>();
  asker->prompts = &prompts;
  asker->replies = {reply("I cannot."), reply(good_answer)};
  const auto agent = make_language_model(model, std::move(asker), facts);
  const auto first = agent->propose(task, {});
  ASSERT_TRUE(first && *first);
  EXPECT_FALSE((*first)->files.contains("plan.json"));
  const std::vector<PastAttempt> history = {{1, **first, verdict(Verdict::Kind::refused, "plan")}};
  ASSERT_TRUE(agent->propose(task, history));
  EXPECT_NE(prompts.back().messages.back().text.find("no fenced block at all"), std::string::npos);
}

TEST(LanguageModel, AFailedCallIsAnErrorThatNamesTheAgent) {
  const auto agent = make_language_model(model, std::make_unique<ScriptedAsker>(), facts);
  const auto proposal = agent->propose(task, {});
  ASSERT_FALSE(proposal);
  EXPECT_NE(proposal.error().where.find("agent m"), std::string::npos);
}

PastAttempt measured(int number, double speedup) {
  auto attempt = past(number, good_answer, verdict(Verdict::Kind::accepted, "ok", speedup));
  attempt.verdict.body["profile"] = {
      {"seconds", 1e-3}, {"steps", {{{"step", "steps[0] launch k"}, {"seconds", 9e-4}, {"bytes_in", 1e6}}}}};
  return attempt;
}

TEST(ProfileContext, MeasurementsGoToASubAgentAndItsHintsToTheModel) {
  std::vector<Prompt> prompts, hint_prompts;
  auto asker = std::make_unique<ScriptedAsker>(), sub = std::make_unique<ScriptedAsker>();
  asker->prompts = &prompts;
  sub->prompts = &hint_prompts;
  asker->replies = {reply(good_answer), reply(good_answer), reply(good_answer)};
  sub->replies = {reply("1. Split steps[0] over rows.")};
  const auto agent =
      make_language_model(model, std::move(asker), facts, "profile", {}, SubAgent{model, std::move(sub)});
  EXPECT_TRUE(agent->wants_profile());
  ASSERT_TRUE(agent->propose(task, {}));
  EXPECT_TRUE(hint_prompts.empty()) << "there is nothing to measure yet";

  std::vector<PastAttempt> history = {measured(1, 1.2)};
  auto second = agent->propose(task, history);
  ASSERT_TRUE(second && *second) << to_text(second.error());
  ASSERT_EQ(hint_prompts.size(), 1u);
  EXPECT_EQ(hint_prompts[0].purpose, "hints");
  EXPECT_EQ(hint_prompts[0].attempt, 2);
  EXPECT_NE(hint_prompts[0].messages[0].text.find("steps[0] launch k"), std::string::npos);
  EXPECT_NE(hint_prompts[0].messages[0].text.find("1.20 times"), std::string::npos);
  EXPECT_NE(prompts.back().messages.back().text.find("Split steps[0] over rows."), std::string::npos);

  history.push_back({2, **second, verdict(Verdict::Kind::refused, "values")});
  ASSERT_TRUE(agent->propose(task, history));
  EXPECT_EQ(hint_prompts.size(), 1u) << "the same candidate is the best: the hints are known";
  EXPECT_NE(prompts.back().messages.back().text.find("Split steps[0] over rows."), std::string::npos);
}

TEST(ProfileContext, PicturesGoToAModelThatTakesThem) {
  const auto attempt = measured(1, 1.2);
  Model sees = model;
  sees.pictures = true;
  const auto prompt = hints_prompt(task, attempt, 2, facts, sees);
  ASSERT_GE(prompt.messages[0].pictures.size(), 2u);
  EXPECT_EQ(prompt.messages[0].pictures[0].media_type, "image/png");
  EXPECT_EQ(prompt.messages[0].pictures[0].base64.substr(0, 8), "iVBORw0K");
  EXPECT_NE(prompt.messages[0].text.find("The pictures show"), std::string::npos);
  EXPECT_NE(prompt.system.find("You read measurements"), std::string::npos);
  const auto blind = hints_prompt(task, attempt, 2, facts, model);
  EXPECT_TRUE(blind.messages[0].pictures.empty());
  EXPECT_EQ(blind.messages[0].text.find("pictures"), std::string::npos);
}

TEST(ProfileContext, WithoutASubAgentsAnswerTheMeasurementsSpeak) {
  std::vector<Prompt> prompts;
  auto asker = std::make_unique<ScriptedAsker>(), sub = std::make_unique<ScriptedAsker>();
  asker->prompts = &prompts;
  asker->replies = {reply(good_answer)};
  const auto agent = make_language_model(model, std::move(asker), facts, "both", {}, SubAgent{model, std::move(sub)});
  const std::vector<PastAttempt> history = {measured(1, 1.2)};
  const auto proposal = agent->propose(task, history);
  ASSERT_TRUE(proposal && *proposal);
  EXPECT_NE(prompts.back().messages.back().text.find("launch k"), std::string::npos);
  EXPECT_NE((*proposal)->notes["hints_failed"].dump().find("at its end"), std::string::npos);
}

TEST(Prompt, HoldsTheProblemTheRulesAndTheModulesOwnError) {
  const auto prompt = make_prompt(task, {}, facts, model);
  ASSERT_TRUE(prompt) << to_text(prompt.error());
  EXPECT_NE(prompt->system.find("burnish_plan"), std::string::npos);
  EXPECT_NE(prompt->system.find("2 threads"), std::string::npos);
  EXPECT_EQ(prompt->system.find("{{"), std::string::npos);
  EXPECT_NE(prompt->messages[0].text.find("class Model: ..."), std::string::npos);
  EXPECT_NE(prompt->messages[0].text.find("1e-07"), std::string::npos);
  EXPECT_EQ(prompt->messages[0].text.find("{{"), std::string::npos);
}

TEST(Prompt, IsThatOfTheTarget) {
  Task on_gpu = task;
  on_gpu.target = "cuda";
  const auto prompt = make_prompt(on_gpu, {}, facts, model);
  ASSERT_TRUE(prompt) << to_text(prompt.error());
  EXPECT_NE(prompt->system.find("__global__"), std::string::npos);
  EXPECT_EQ(prompt->system.find("int64_t begin"), std::string::npos);
  EXPECT_EQ(prompt->system.find("{{"), std::string::npos);
  on_gpu.target = "rocm";
  EXPECT_FALSE(make_prompt(on_gpu, {}, facts, model));
}

TEST(Prompt, ForMetalRanksByEstimatesAndNamesNoTimeOfThisMachine) {
  Task on_mac = task;
  on_mac.target = "metal-emulated";
  const auto estimated = [](int number, double speedup) {
    Verdict said = verdict(Verdict::Kind::accepted, "ok");
    said.body["estimate"] = {{"speedup", speedup}};
    return past(number, good_answer, said);
  };
  const std::vector<PastAttempt> history = {estimated(1, 1.5), estimated(2, 0.9)};
  PromptFacts there = facts;
  add_device(there, on_mac.target);
  const auto prompt = make_prompt(on_mac, history, there, model);
  ASSERT_TRUE(prompt) << to_text(prompt.error());
  EXPECT_NE(prompt->system.find("kernel void"), std::string::npos);
  EXPECT_EQ(prompt->system.find("{{"), std::string::npos);
  EXPECT_NE(prompt->messages[0].text.find("Apple M4 Max"), std::string::npos);
  EXPECT_NE(prompt->messages[0].text.find("PyTorch is not timed."), std::string::npos);
  EXPECT_NE(prompt->messages[2].text.find("estimated at 1.5"), std::string::npos);
  EXPECT_NE(prompt->messages[2].text.find("estimated to be faster"), std::string::npos);
  EXPECT_NE(prompt->messages[4].text.find("not estimated to be faster"), std::string::npos);
  EXPECT_EQ(history[0].verdict.rank(), 1.5);
}

TEST(Prompt, FeedbackSaysWhereAndByHowMuch) {
  const auto text = feedback(
      past(2, good_answer,
           verdict(Verdict::Kind::refused, "values", {}, {{"index", {3, 7}}, {"expected", 1.0}, {"got", 2.0}})),
      5);
  EXPECT_NE(text.find("Attempt 2 of 5: refused (values)"), std::string::npos);
  EXPECT_NE(text.find("\"got\": 2.0"), std::string::npos);
}

TEST(Prompt, TrimsHistoryButKeepsTheBestAndTheLast) {
  std::vector<PastAttempt> history;
  for (int i = 1; i <= 6; ++i)
    history.push_back(
        past(i, "answer " + std::to_string(i) + std::string(60'000, ' ') + good_answer,
             i == 2 ? verdict(Verdict::Kind::accepted, "ok", 3.0) : verdict(Verdict::Kind::refused, "values")));
  Model small = model;
  small.context_tokens = 40'000;
  small.output_tokens = 8'000;
  const auto prompt = make_prompt(task, history, facts, small);
  ASSERT_TRUE(prompt);
  std::string all;
  for (const Message& m : prompt->messages) all += m.text;
  EXPECT_NE(all.find("answer 2"), std::string::npos);
  EXPECT_NE(all.find("answer 6"), std::string::npos);
  EXPECT_EQ(all.find("answer 1"), std::string::npos);
}

struct Folder {
  std::filesystem::path path = std::filesystem::temp_directory_path() / ("burnish-asker-" + std::to_string(getpid()));
  Folder() { std::filesystem::create_directories(path); }
  ~Folder() { std::filesystem::remove_all(path); }
};

TEST(CommandAsker, GivesThePromptOnStdinAndTakesStdout) {
  Model program = model;
  program.command = "tr a-z A-Z";
  const auto answer = make_command_asker()->ask(program, {"fixed", {{Message::Role::user, "hello", {}}}}, {});
  ASSERT_TRUE(answer) << to_text(answer.error());
  EXPECT_NE(answer->text.find("HELLO"), std::string::npos);
}

TEST(CommandAsker, AProgramThatFailsOrHangsIsASentence) {
  Model program = model;
  program.command = "echo broken >&2; exit 3";
  const auto failed = make_command_asker()->ask(program, {}, {});
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().what.find("broken"), std::string::npos);
  program.command = "sleep 60";
  EXPECT_FALSE(make_command_asker(0.2)->ask(program, {}, {}));
}

TEST(CassetteAsker, RecordsOnceAndReplaysWithoutTheModel) {
  const Folder folder;
  auto inner = std::make_unique<ScriptedAsker>();
  inner->replies.push_back(reply(good_answer));
  const Prompt prompt{"s", {{Message::Role::user, "q", {}}}};
  ASSERT_TRUE(make_cassette_asker(folder.path, std::move(inner))->ask(model, prompt, {}));
  const auto replayed = make_cassette_asker(folder.path, nullptr)->ask(model, prompt, {});
  ASSERT_TRUE(replayed) << to_text(replayed.error());
  EXPECT_EQ(replayed->text, good_answer);
  EXPECT_EQ(replayed->stop, Stop::end);
  const auto missing = make_cassette_asker(folder.path, nullptr)->ask(model, {"other", {}}, {});
  ASSERT_FALSE(missing);
  EXPECT_NE(missing.error().what.find("lacks this call"), std::string::npos);
  for (const auto& entry : std::filesystem::directory_iterator(folder.path)) std::ofstream(entry.path()) << "broken";
  EXPECT_FALSE(make_cassette_asker(folder.path, nullptr)->ask(model, prompt, {}));
}

}  // namespace
}  // namespace burnish
