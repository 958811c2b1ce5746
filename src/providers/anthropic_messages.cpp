// Anthropic's Messages API: POST /v1/messages, header x-api-key, anthropic-version 2023-06-01.
// Format: docs.anthropic.com/en/api/messages and /messages-streaming.
#include "providers/wire.h"

namespace burnish {
namespace {

using namespace wire_detail;

json message(const Message& m) {
  json content = json::array();
  for (const Picture& p : m.pictures)
    content.push_back(
        {{"type", "image"}, {"source", {{"type", "base64"}, {"media_type", p.media_type}, {"data", p.base64}}}});
  content.push_back({{"type", "text"}, {"text", m.text}});
  return {{"role", m.role == Message::Role::user ? "user" : "assistant"}, {"content", content}};
}

json body(const Model& model, const Prompt& prompt) {
  json messages = json::array();
  for (const Message& m : prompt.messages) messages.push_back(message(m));
  json out = {{"model", model.id}, {"max_tokens", model.output_tokens}, {"messages", messages}};
  if (!prompt.system.empty())  // the fixed part: marked once, read from the service's cache afterwards
    out["system"] =
        json::array({{{"type", "text"}, {"text", prompt.system}, {"cache_control", {{"type", "ephemeral"}}}}});
  if (model.reasons && model.adaptive) {  // newer models refuse a budget: they choose, within an effort
    out["thinking"] = {{"type", "adaptive"}};
    if (!model.effort.empty()) out["output_config"] = {{"effort", model.effort}};
  } else if (model.reasons && model.effort != "none") {
    const std::int64_t budget = model.effort == "high" ? 32'000 : model.effort == "low" ? 4'000 : 12'000;
    out["thinking"] = {{"type", "enabled"}, {"budget_tokens", std::min(budget, model.output_tokens / 2)}};
  }
  return out;
}

HttpRequest request(const Model& model, const std::string& base, const std::string& key, const Prompt& prompt) {
  json out = body(model, prompt);
  out["stream"] = true;
  return {base + "/v1/messages",
          {{"x-api-key", key}, {"anthropic-version", "2023-06-01"}, {"content-type", "application/json"}},
          dump(out)};
}

Stop stop_of(const std::string& word) {
  if (word == "end_turn" || word == "stop_sequence") return Stop::end;
  if (word == "max_tokens" || word == "model_context_window_exceeded") return Stop::truncated;
  if (word == "refusal") return Stop::refused;
  if (word == "tool_use") return Stop::tool_call;
  return Stop::unknown;
}

void read_usage(const json& from, Usage& usage) {
  const auto cached = count_at(from, "/cache_read_input_tokens");
  const auto input = count_at(from, "/input_tokens") + cached + count_at(from, "/cache_creation_input_tokens");
  if (input > 0) usage.input_tokens = input, usage.cached_tokens = cached;
  if (const auto output = count_at(from, "/output_tokens"); output > 0) usage.output_tokens = output;
}

void event(std::string_view, std::string_view data, Partial& partial) {
  const json e = parse_event(data, partial);
  const std::string type = text_at(e, "/type");
  if (type == "message_start" && e.contains("message") && e["message"].contains("usage"))
    read_usage(e["message"]["usage"], partial.reply.usage);
  else if (type == "content_block_delta" && text_at(e, "/delta/type") == "text_delta")
    partial.reply.text += text_at(e, "/delta/text");
  else if (type == "message_delta") {
    partial.reply.raw_stop = text_at(e, "/delta/stop_reason");
    partial.reply.stop = stop_of(partial.reply.raw_stop);
    if (e.contains("usage")) read_usage(e["usage"], partial.reply.usage);
  } else if (type == "message_stop")
    partial.done = true;
  else if (type == "error")
    partial.error = text_at(e, "/error/type") + ": " + text_at(e, "/error/message");
}

Result<Reply> whole(const json& b) {
  if (b.contains("error")) return fail(text_at(b, "/error/type") + ": " + text_at(b, "/error/message"), "reply");
  if (!b.contains("content") || !b["content"].is_array())
    return fail("the reply holds no content", dump(b).substr(0, 200));
  Reply reply;
  for (const json& block : b["content"])
    if (text_at(block, "/type") == "text") reply.text += text_at(block, "/text");
  reply.raw_stop = text_at(b, "/stop_reason");
  reply.stop = stop_of(reply.raw_stop);
  if (b.contains("usage")) read_usage(b["usage"], reply.usage);
  return reply;
}

json batch_line(const Model& model, const std::string& id, const Prompt& prompt) {
  return {{"custom_id", id}, {"params", body(model, prompt)}};
}

}  // namespace

const Wire anthropic_messages{"anthropic_messages", request, event, whole, batch_line};

}  // namespace burnish
