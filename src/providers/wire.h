#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "providers/provider.h"

namespace burnish {

/// One HTTP request. Keys travel in `headers` only and are never logged.
struct HttpRequest {
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
};

/// What has been read of a streamed reply.
struct Partial {
  Reply reply;
  bool done = false;
  std::string error;  ///< an error that the service put inside the stream or a 200 body
};

/// A wire format: how a prompt becomes a request, and how a reply is read, streamed or whole. All functions are pure.
struct Wire {
  std::string_view name;
  HttpRequest (*request)(const Model& model, const std::string& base_url, const std::string& key, const Prompt& prompt);
  /// Reads one server-sent event (`event` may be empty); unknown events are skipped.
  void (*event)(std::string_view event, std::string_view data, Partial& partial);
  /// Reads a whole JSON body (for a service that ignored "stream", batch files and cassettes).
  Result<Reply> (*whole)(const json& body);
  /// One line of a batch file, or nothing where the service has no batches in this format.
  json (*batch_line)(const Model& model, const std::string& custom_id, const Prompt& prompt);
};

extern const Wire anthropic_messages, chat_completions, openai_responses, gemini_generate;

/// A service that speaks a known format. `key_variable` empty: no key needed.
struct Service {
  std::string_view name;
  const Wire* wire;
  std::string_view url, key_variable, note;
};

/// All services, and one by name (nullptr where there is none).
const std::vector<Service>& services();
const Service* find_service(std::string_view name);

namespace wire_detail {
/// A JSON number at `pointer` as a count; 0 where it is absent, negative, or no number (services send all of these).
std::int64_t count_at(const json& body, const char* pointer);
/// A JSON string at `pointer`, or "".
std::string text_at(const json& body, const char* pointer);
/// JSON text with invalid UTF-8 replaced, never thrown at.
std::string dump(const json& body);
/// Parses an event's data; sets partial.error where it is no JSON.
json parse_event(std::string_view data, Partial& partial);
}  // namespace wire_detail

}  // namespace burnish
