// OpenAI's Responses API: POST /responses. Format: platform.openai.com/docs/api-reference/responses and
// /responses-streaming.
#include "providers/wire.h"

namespace burnish {
namespace {

using namespace wire_detail;

json message(const Message& m) {
  const bool user = m.role == Message::Role::user;
  json parts = json::array({{{"type", user ? "input_text" : "output_text"}, {"text", m.text}}});
  for (const Picture& p : m.pictures)
    parts.push_back({{"type", "input_image"}, {"image_url", "data:" + p.media_type + ";base64," + p.base64}});
  return {{"role", user ? "user" : "assistant"}, {"content", parts}};
}

json body(const Model& model, const Prompt& prompt) {
  json input = json::array();
  for (const Message& m : prompt.messages) input.push_back(message(m));
  json out = {{"model", model.id}, {"input", input}, {"max_output_tokens", model.output_tokens}, {"store", false}};
  if (!prompt.system.empty()) out["instructions"] = prompt.system;
  if (model.reasons && !model.effort.empty()) out["reasoning"] = {{"effort", model.effort}};
  return out;
}

HttpRequest request(const Model& model, const std::string& base, const std::string& key, const Prompt& prompt) {
  json out = body(model, prompt);
  out["stream"] = true;
  return {base + "/responses", {{"content-type", "application/json"}, {"authorization", "Bearer " + key}}, dump(out)};
}

void read_end(const json& response, Reply& reply) {
  if (response.contains("usage") && response["usage"].is_object()) {
    const json& u = response["usage"];
    reply.usage = {count_at(u, "/input_tokens"), count_at(u, "/input_tokens_details/cached_tokens"),
                   count_at(u, "/output_tokens"), count_at(u, "/output_tokens_details/reasoning_tokens")};
  }
  const std::string status = text_at(response, "/status"), why = text_at(response, "/incomplete_details/reason");
  reply.raw_stop = why.empty() ? status : why;
  if (why == "max_output_tokens")
    reply.stop = Stop::truncated;
  else if (why == "content_filter")
    reply.stop = Stop::refused;
  else if (status == "completed" && reply.stop != Stop::refused)
    reply.stop = Stop::end;
}

void event(std::string_view, std::string_view data, Partial& partial) {
  const json e = parse_event(data, partial);
  const std::string type = text_at(e, "/type");
  if (type == "response.output_text.delta")
    partial.reply.text += text_at(e, "/delta");
  else if (type == "response.refusal.delta")
    partial.reply.text += text_at(e, "/delta"), partial.reply.stop = Stop::refused;
  else if (type == "response.completed" || type == "response.incomplete") {
    if (e.contains("response")) read_end(e["response"], partial.reply);
    partial.done = true;
  } else if (type == "response.failed")
    partial.error = text_at(e, "/response/error/message");
  else if (type == "error")
    partial.error = text_at(e, "/message");
}

Result<Reply> whole(const json& b) {
  if (b.contains("error") && b["error"].is_object()) return fail(text_at(b, "/error/message"), "reply");
  if (!b.contains("output") || !b["output"].is_array())
    return fail("the reply holds no output", dump(b).substr(0, 200));
  Reply reply;
  for (const json& item : b["output"]) {
    if (text_at(item, "/type") == "function_call") reply.stop = Stop::tool_call;
    if (!item.contains("content") || !item["content"].is_array()) continue;
    for (const json& part : item["content"]) {
      reply.text += text_at(part, "/text");
      if (text_at(part, "/type") == "refusal") reply.text += text_at(part, "/refusal"), reply.stop = Stop::refused;
    }
  }
  read_end(b, reply);
  return reply;
}

json batch_line(const Model& model, const std::string& id, const Prompt& prompt) {
  return {{"custom_id", id}, {"method", "POST"}, {"url", "/v1/responses"}, {"body", body(model, prompt)}};
}

}  // namespace

const Wire openai_responses{"openai_responses", request, event, whole, batch_line};

}  // namespace burnish
