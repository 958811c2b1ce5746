#include "providers/wire.h"

#include <gtest/gtest.h>

#include "providers/models.h"
#include "providers/sse.h"

namespace burnish {
namespace {

Partial feed(const Wire& wire, std::string_view stream) {
  Partial partial;
  SseParser parser;
  for (std::size_t i = 0; i < stream.size(); i += 3)  // pieces of three bytes: events never arrive whole
    parser.feed(stream.substr(i, 3), [&](std::string_view e, std::string_view d) { wire.event(e, d, partial); });
  return partial;
}

const Model claude{.name = "c", .id = "claude", .service = "anthropic", .output_tokens = 1000};
const Prompt prompt{"fixed part",
                    {{Message::Role::user, "problem", {{"image/png", "QUJD"}}}, {Message::Role::assistant, "try", {}}}};

TEST(AnthropicMessages, MarksTheFixedPartForTheCacheAndSendsPictures) {
  const auto request = anthropic_messages.request(claude, "http://x", "k", prompt);
  const json body = json::parse(request.body);
  EXPECT_EQ(request.url, "http://x/v1/messages");
  EXPECT_EQ(body["system"][0]["cache_control"]["type"], "ephemeral");
  EXPECT_EQ(body["messages"][0]["content"][0]["source"]["data"], "QUJD");
  EXPECT_EQ(body["messages"][1]["role"], "assistant");
  EXPECT_FALSE(body.contains("thinking"));
}

TEST(AnthropicMessages, ReadsAStreamWithThinkingAndCachedTokens) {
  const auto p =
      feed(anthropic_messages,
           "event: message_start\ndata: "
           "{\"type\":\"message_start\",\"message\":{\"usage\":{\"input_tokens\":5,\"cache_read_input_tokens\":20,"
           "\"output_tokens\":1}}}\n\n"
           "event: ping\ndata: {\"type\":\"ping\"}\n\n"
           "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"thinking_delta\",\"thinking\":\"hm\"}}\n\n"
           "data: {\"type\":\"content_block_delta\",\"delta\":{\"type\":\"text_delta\",\"text\":\"yes\"}}\r\n\r\n"
           "data: "
           "{\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"max_tokens\"},\"usage\":{\"output_tokens\":9}}\n\n"
           "data: {\"type\":\"message_stop\"}\n\n");
  EXPECT_TRUE(p.done);
  EXPECT_EQ(p.reply.text, "yes");
  EXPECT_EQ(p.reply.stop, Stop::truncated);
  EXPECT_EQ(p.reply.usage.input_tokens, 25);
  EXPECT_EQ(p.reply.usage.cached_tokens, 20);
  EXPECT_EQ(p.reply.usage.output_tokens, 9);
}

TEST(OpenaiResponses, ReadsStreamAndRefusal) {
  const auto p = feed(openai_responses,
                      "data: {\"type\":\"response.output_text.delta\",\"delta\":\"ab\"}\n\n"
                      "data: "
                      "{\"type\":\"response.completed\",\"response\":{\"status\":\"completed\",\"usage\":{\"input_"
                      "tokens\":3,\"output_tokens\":4,"
                      "\"output_tokens_details\":{\"reasoning_tokens\":2}}}}\n\n");
  EXPECT_EQ(p.reply.text, "ab");
  EXPECT_EQ(p.reply.stop, Stop::end);
  EXPECT_EQ(p.reply.usage.reasoning_tokens, 2);
  EXPECT_EQ(feed(openai_responses, "data: {\"type\":\"response.refusal.delta\",\"delta\":\"no\"}\n\n").reply.stop,
            Stop::refused);
  EXPECT_EQ(feed(openai_responses,
                 "data: "
                 "{\"type\":\"response.incomplete\",\"response\":{\"status\":\"incomplete\",\"incomplete_details\":{"
                 "\"reason\":"
                 "\"max_output_tokens\"}}}\n\n")
                .reply.stop,
            Stop::truncated);
}

TEST(GeminiGenerate, LeavesThoughtsOut) {
  const auto p =
      feed(gemini_generate,
           "data: "
           "{\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"thinking\",\"thought\":true},{\"text\":\"answer\"}]},"
           "\"finishReason\":\"STOP\"}],\"usageMetadata\":{\"promptTokenCount\":4,\"candidatesTokenCount\":2,"
           "\"thoughtsTokenCount\":3}}\n\n");
  EXPECT_EQ(p.reply.text, "answer");
  EXPECT_EQ(p.reply.usage.output_tokens, 5);
  EXPECT_TRUE(p.done);
}

TEST(Wires, WholeBodiesGiveTheSameReplies) {
  EXPECT_EQ(
      anthropic_messages.whole(json::parse(R"({"content":[{"type":"text","text":"a"}],"stop_reason":"end_turn"})"))
          ->text,
      "a");
  EXPECT_EQ(
      chat_completions.whole(json::parse(R"({"choices":[{"message":{"content":"a"},"finish_reason":"length"}]})"))
          ->stop,
      Stop::truncated);
  EXPECT_EQ(
      openai_responses
          .whole(json::parse(
              R"({"output":[{"type":"message","content":[{"type":"output_text","text":"a"}]}],"status":"completed"})"))
          ->text,
      "a");
  for (const Wire* wire : {&anthropic_messages, &chat_completions, &openai_responses, &gemini_generate}) {
    EXPECT_FALSE(wire->whole(json::object())) << wire->name;
    EXPECT_FALSE(wire->whole(json::parse(R"({"error": {"message": "no"}})"))) << wire->name;
    for (const char* odd : {"null", "[]", "3", R"({"choices": 3})", R"({"content": [3, null]})"}) {
      Partial partial;
      wire->event("", odd, partial);  // must not throw
    }
  }
}

TEST(Models, TheShippedTableIsWhole) {
  ModelTable table;
  const auto ok = read_models(table, shipped_models(), "models.toml");
  ASSERT_TRUE(ok) << to_text(ok.error());
  for (const char* name :
       {"claude-opus-4", "claude-sonnet-4", "gpt-4o", "gpt-4_1", "gpt-5", "o3", "deepseek-v3", "deepseek-r1", "llama"})
    EXPECT_NE(table.find(name), nullptr) << name;
  for (const auto& model : table.models) {
    if (model.withdrawn.empty()) continue;
    const Model* next = table.find(model.successor);
    ASSERT_NE(next, nullptr) << model.name << " has no successor";
    EXPECT_TRUE(next->withdrawn.empty()) << next->name;
  }
}

TEST(Models, AnAdaptiveModelGetsAnEffortAndNoBudget) {
  Model model{.name = "m", .id = "m", .service = "anthropic"};
  model.reasons = true;
  model.effort = "high";
  const Prompt hello{.system = "s", .messages = {{Message::Role::user, "hello", {}}}};
  const auto body = [&] { return json::parse(anthropic_messages.request(model, "http://x", "", hello).body); };
  EXPECT_EQ(body()["thinking"]["type"], "enabled");
  model.adaptive = true;
  EXPECT_EQ(body()["thinking"], json({{"type", "adaptive"}}));
  EXPECT_EQ(body()["output_config"]["effort"], "high");
}

TEST(Models, AUsersRowOverridesKeyByKey) {
  ModelTable table;
  ASSERT_TRUE(read_models(table, "[models.a]\nid = \"x\"\nservice = \"vllm\"\noutput_tokens = 5\n", "one"));
  ASSERT_TRUE(read_models(table, "[models.a]\nid = \"y\"\n[limits.vllm]\nin_flight = 3\n", "two"));
  EXPECT_EQ(table.models.size(), 1u);
  EXPECT_EQ(table.find("a")->id, "y");
  EXPECT_EQ(table.find("a")->output_tokens, 5);
  EXPECT_EQ(table.limits.at("vllm").in_flight, 3);
}

TEST(Models, MistakesNameTheirLine) {
  const std::pair<const char*, const char*> cases[] = {{"[models.a]\nid = \"x\"\nservise = \"vllm\"\n", "f:3"},
                                                       {"[models.a]\nid = 3\nservice = \"vllm\"\n", "f:2"},
                                                       {"[models.a]\nid = \"x\"\nservice = \"nowhere\"\n", "f:1"},
                                                       {"[models.a\nid = 1", "f:1"},
                                                       {"[prices]\na = 1\n", "f:1"}};
  for (const auto& [text, where] : cases) {
    ModelTable table;
    const auto status = read_models(table, text, "f");
    ASSERT_FALSE(status) << text;
    EXPECT_EQ(status.error().where.substr(0, 3), where) << text;
  }
}

TEST(Models, AMissingKeyNamesItsVariable) {
  unsetenv("ANTHROPIC_API_KEY");
  const auto key = key_for(claude);
  ASSERT_FALSE(key);
  EXPECT_NE(key.error().todo.find("ANTHROPIC_API_KEY"), std::string::npos);
  setenv("ANTHROPIC_API_KEY_COMMAND", "echo from-command", 1);
  EXPECT_EQ(*key_for(claude), "from-command");
  unsetenv("ANTHROPIC_API_KEY_COMMAND");
}

TEST(Models, CostCountsCachedTokensOnce) {
  const Model m{.input_price = 10, .cached_price = 1, .output_price = 100};
  EXPECT_DOUBLE_EQ(cost(m, {.input_tokens = 1'000'000, .cached_tokens = 500'000, .output_tokens = 10'000}),
                   5 + 0.5 + 1);
}

}  // namespace
}  // namespace burnish
