#include "report/sheet.h"

#include <fmt/format.h>

namespace burnish {
namespace {

std::string number_text(double value, Kind kind) {
  switch (kind) {
    case Kind::share:
      return fmt::format("{:.0f}%", 100 * value);
    case Kind::speedup:
      return fmt::format("{:.2f}x", value);
    case Kind::usd:
      return fmt::format("${:.2f}", value);
    case Kind::count:
      return fmt::format("{:.0f}", value);
    case Kind::text:
    case Kind::number:
      break;
  }
  return fmt::format("{:.3g}", value);
}

std::string cell_text(const json& cell, Kind kind) {
  if (cell.is_null()) return "-";
  if (cell.is_string()) return cell.get<std::string>();
  if (cell.is_number()) return number_text(cell.get<double>(), kind);
  if (!cell.is_object()) return cell.dump();
  const auto text = cell_text(cell["value"], kind);
  if (!cell["low"].is_number() || !cell["high"].is_number()) return text;
  auto low = number_text(cell["low"].get<double>(), kind), high = number_text(cell["high"].get<double>(), kind);
  if (kind == Kind::speedup) low.pop_back(), high.pop_back();
  return fmt::format("{} [{}, {}]", text, low, high);
}

std::string csv_field(const json& value) {
  if (value.is_null()) return "";
  const auto text = value.is_string() ? value.get<std::string>() : value.dump();
  if (text.find_first_of(",\"\r\n") == std::string::npos) return text;
  std::string out = "\"";
  for (const char c : text) out += c == '"' ? std::string("\"\"") : std::string(1, c);
  return out + "\"";
}

/// The part of a cell: a plain number is a value without an interval.
json part(const json& cell, const char* key) {
  if (cell.is_object()) return cell.value(key, json());
  return std::string_view(key) == "value" ? cell : json();
}

}  // namespace

Table Sheet::table() const {
  std::vector<std::string> head;
  for (const auto& column : columns) head.push_back(column.name);
  Table out(std::move(head));
  for (const auto& row : rows) {
    std::vector<std::string> cells;
    for (std::size_t i = 0; i < row.size(); ++i) cells.push_back(cell_text(row[i], columns[i].kind));
    out.add(std::move(cells));
  }
  return out;
}

std::string Sheet::csv() const {
  std::string out;
  const auto line = [&](const auto& field) {
    bool first = true;
    for (std::size_t i = 0; i < columns.size(); ++i)
      for (const auto* key : {"value", "low", "high"}) {
        if (!columns[i].interval && std::string_view(key) != "value") continue;
        out += (first ? "" : ",") + field(i, key);
        first = false;
      }
    out += "\r\n";
  };
  line([&](std::size_t i, const char* key) {
    return csv_field(columns[i].name + (std::string_view(key) == "value" ? "" : std::string(" ") + key));
  });
  for (const auto& row : rows) line([&](std::size_t i, const char* key) { return csv_field(part(row[i], key)); });
  return out;
}

json Sheet::to_json() const {
  json list = json::array(), names = json::array();
  for (const auto& column : columns) names.push_back(column.name);
  for (const auto& row : rows) {
    json object = json::object();
    for (std::size_t i = 0; i < row.size(); ++i) object[columns[i].name] = row[i];
    list.push_back(std::move(object));
  }
  return {{"id", id}, {"title", title}, {"note", note}, {"columns", names}, {"rows", list}};
}

}  // namespace burnish
