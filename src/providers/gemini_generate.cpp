// Google's Gemini API: POST /v1beta/models/ID:streamGenerateContent?alt=sse, header x-goog-api-key.
// Format: ai.google.dev/api/generate-content.
#include "providers/wire.h"

namespace burnish {
namespace {

using namespace wire_detail;

json message(const Message& m) {
  json parts = json::array({{{"text", m.text}}});
  for (const Picture& p : m.pictures)
    parts.push_back({{"inline_data", {{"mime_type", p.media_type}, {"data", p.base64}}}});
  return {{"role", m.role == Message::Role::user ? "user" : "model"}, {"parts", parts}};
}

json body(const Model& model, const Prompt& prompt) {
  json contents = json::array();
  for (const Message& m : prompt.messages) contents.push_back(message(m));
  json out = {{"contents", contents}, {"generationConfig", {{"maxOutputTokens", model.output_tokens}}}};
  if (!prompt.system.empty()) out["systemInstruction"] = {{"parts", json::array({{{"text", prompt.system}}})}};
  return out;
}

HttpRequest request(const Model& model, const std::string& base, const std::string& key, const Prompt& prompt) {
  return {base + "/v1beta/models/" + model.id + ":streamGenerateContent?alt=sse",
          {{"content-type", "application/json"}, {"x-goog-api-key", key}},
          dump(body(model, prompt))};
}

Stop stop_of(const std::string& word) {
  if (word == "STOP") return Stop::end;
  if (word == "MAX_TOKENS") return Stop::truncated;
  if (word == "SAFETY" || word == "PROHIBITED_CONTENT" || word == "RECITATION" || word == "BLOCKLIST")
    return Stop::refused;
  if (word == "MALFORMED_FUNCTION_CALL") return Stop::tool_call;
  return Stop::unknown;
}

void read(const json& b, Reply& reply) {
  const json::json_pointer parts("/candidates/0/content/parts");
  if (b.contains(parts) && b.at(parts).is_array())
    for (const json& part : b.at(parts))
      if (!part.value("thought", false)) reply.text += text_at(part, "/text");
  if (const std::string word = text_at(b, "/candidates/0/finishReason"); !word.empty())
    reply.raw_stop = word, reply.stop = stop_of(word);
  if (const std::string word = text_at(b, "/promptFeedback/blockReason"); !word.empty())
    reply.raw_stop = word, reply.stop = Stop::refused;
  if (b.contains("usageMetadata") && b["usageMetadata"].is_object()) {
    const json& u = b["usageMetadata"];
    const auto thoughts = count_at(u, "/thoughtsTokenCount");
    reply.usage = {count_at(u, "/promptTokenCount"), count_at(u, "/cachedContentTokenCount"),
                   count_at(u, "/candidatesTokenCount") + thoughts, thoughts};
  }
}

void event(std::string_view, std::string_view data, Partial& partial) {
  const json e = parse_event(data, partial);
  if (e.contains("error")) partial.error = text_at(e, "/error/message");
  read(e, partial.reply);
  if (!partial.reply.raw_stop.empty()) partial.done = true;  // the format has no end event of its own
}

Result<Reply> whole(const json& b) {
  if (b.contains("error")) return fail(text_at(b, "/error/message"), "reply");
  Reply reply;
  read(b, reply);
  if (reply.text.empty() && reply.stop == Stop::unknown)
    return fail("the reply holds no candidate", dump(b).substr(0, 200));
  return reply;
}

json batch_line(const Model& model, const std::string& id, const Prompt& prompt) {
  return {{"key", id}, {"request", body(model, prompt)}};
}

}  // namespace

const Wire gemini_generate{"gemini_generate", request, event, whole, batch_line};

}  // namespace burnish
