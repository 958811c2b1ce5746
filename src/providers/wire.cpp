#include "providers/wire.h"

namespace burnish {

double cost(const Model& model, const Usage& usage) {
  const auto fresh = static_cast<double>(usage.input_tokens - usage.cached_tokens);
  return (fresh * model.input_price + static_cast<double>(usage.cached_tokens) * model.cached_price +
          static_cast<double>(usage.output_tokens) * model.output_price) /
         1e6;
}

namespace wire_detail {

std::int64_t count_at(const json& body, const char* pointer) {
  const json::json_pointer where(pointer);
  if (!body.contains(where)) return 0;
  const json& value = body.at(where);
  if (!value.is_number()) return 0;
  const double number = value.get<double>();
  return number > 0 && number < 1e12 ? static_cast<std::int64_t>(number) : 0;
}

std::string text_at(const json& body, const char* pointer) {
  const json::json_pointer where(pointer);
  if (!body.contains(where)) return {};
  const json& value = body.at(where);
  return value.is_string() ? value.get<std::string>() : std::string();
}

std::string dump(const json& body) {
  return body.dump(-1, ' ', false, json::error_handler_t::replace);
}

json parse_event(std::string_view data, Partial& partial) {
  json body = json::parse(data, nullptr, false);
  if (body.is_discarded()) {
    partial.error = "an event of the stream is no JSON: " + std::string(data.substr(0, 200));
    return json::object();
  }
  return body;
}

}  // namespace wire_detail
}  // namespace burnish
