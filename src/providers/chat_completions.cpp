// OpenAI's Chat Completions, spoken by DeepSeek, Ollama, llama.cpp, vLLM, LM Studio and OpenRouter as well.
// Format: platform.openai.com/docs/api-reference/chat; DeepSeek's reasoning_content: api-docs.deepseek.com.
#include "providers/wire.h"

namespace burnish {
namespace {

using namespace wire_detail;

json message(const Message& m) {
  const char* role = m.role == Message::Role::user ? "user" : "assistant";
  if (m.pictures.empty()) return {{"role", role}, {"content", m.text}};
  json parts = json::array({{{"type", "text"}, {"text", m.text}}});
  for (const Picture& p : m.pictures)
    parts.push_back({{"type", "image_url"}, {"image_url", {{"url", "data:" + p.media_type + ";base64," + p.base64}}}});
  return {{"role", role}, {"content", parts}};
}

json body(const Model& model, const Prompt& prompt) {
  json messages = json::array();
  if (!prompt.system.empty()) messages.push_back({{"role", "system"}, {"content", prompt.system}});
  for (const Message& m : prompt.messages) messages.push_back(message(m));
  json out = {{"model", model.id}, {"messages", messages}};
  // OpenAI's reasoning models refuse max_tokens; every other server knows only that name.
  out[model.service == "openai" ? "max_completion_tokens" : "max_tokens"] = model.output_tokens;
  if (model.reasons && !model.effort.empty()) out["reasoning_effort"] = model.effort;
  return out;
}

HttpRequest request(const Model& model, const std::string& base, const std::string& key, const Prompt& prompt) {
  json out = body(model, prompt);
  out["stream"] = true;
  out["stream_options"] = {{"include_usage", true}};
  HttpRequest r{base + "/chat/completions", {{"content-type", "application/json"}}, dump(out)};
  if (!key.empty()) r.headers.emplace_back("authorization", "Bearer " + key);
  return r;
}

Stop stop_of(const std::string& word) {
  if (word == "stop" || word == "eos") return Stop::end;
  if (word == "length") return Stop::truncated;
  if (word == "content_filter") return Stop::refused;
  if (word == "tool_calls" || word == "function_call") return Stop::tool_call;
  return Stop::unknown;
}

void read_usage(const json& from, Usage& usage) {
  usage.input_tokens = count_at(from, "/prompt_tokens");
  usage.output_tokens = count_at(from, "/completion_tokens");
  usage.cached_tokens =
      count_at(from, "/prompt_tokens_details/cached_tokens") + count_at(from, "/prompt_cache_hit_tokens");
  usage.cached_tokens = std::min(usage.cached_tokens, usage.input_tokens);
  usage.reasoning_tokens = count_at(from, "/completion_tokens_details/reasoning_tokens");
}

std::string error_of(const json& e) {
  const std::string said = text_at(e, "/error/message");
  return said.empty() ? dump(e["error"]).substr(0, 300) : said;
}

void event(std::string_view, std::string_view data, Partial& partial) {
  if (data == "[DONE]") {
    partial.done = true;
    return;
  }
  const json e = parse_event(data, partial);
  if (e.contains("error") && !e["error"].is_null()) partial.error = error_of(e);
  partial.reply.text += text_at(e, "/choices/0/delta/content");
  if (const std::string refusal = text_at(e, "/choices/0/delta/refusal"); !refusal.empty()) {
    partial.reply.text += refusal;
    partial.reply.stop = Stop::refused;
  }
  if (const std::string word = text_at(e, "/choices/0/finish_reason"); !word.empty()) {
    partial.reply.raw_stop = word;
    if (partial.reply.stop != Stop::refused) partial.reply.stop = stop_of(word);
  }
  if (e.contains("usage") && e["usage"].is_object()) read_usage(e["usage"], partial.reply.usage);
}

Result<Reply> whole(const json& b) {
  if (b.contains("error") && !b["error"].is_null()) return fail(error_of(b), "reply");
  const json::json_pointer choice("/choices/0/message");
  if (!b.contains(choice)) return fail("the reply holds no message", dump(b).substr(0, 200));
  Reply reply;
  reply.text = text_at(b, "/choices/0/message/content");
  reply.raw_stop = text_at(b, "/choices/0/finish_reason");
  reply.stop = stop_of(reply.raw_stop);
  if (const std::string refusal = text_at(b, "/choices/0/message/refusal"); !refusal.empty())
    reply.text += refusal, reply.stop = Stop::refused;
  if (b.contains("usage") && b["usage"].is_object()) read_usage(b["usage"], reply.usage);
  return reply;
}

json batch_line(const Model& model, const std::string& id, const Prompt& prompt) {
  return {{"custom_id", id}, {"method", "POST"}, {"url", "/v1/chat/completions"}, {"body", body(model, prompt)}};
}

}  // namespace

const Wire chat_completions{"chat_completions", request, event, whole, batch_line};

}  // namespace burnish
