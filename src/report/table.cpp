#include "report/table.h"

#include <algorithm>

namespace burnish {
namespace {

std::string escape_markdown(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '|' || c == '\\') out += '\\';
    out += c == '\n' ? ' ' : c;
  }
  return out;
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

std::string Table::terminal(bool colour) const {
  std::vector<int> widths;
  const auto widen = [&](const std::vector<std::string>& cells) {
    widths.resize(std::max(widths.size(), cells.size()));
    for (std::size_t i = 0; i < cells.size(); ++i) widths[i] = std::max(widths[i], width_of(cells[i]));
  };
  widen(head_);
  for (const auto& row : rows_) widen(row.cells);
  const auto line = [&](const std::vector<std::string>& cells) {
    std::string text;
    for (std::size_t i = 0; i < cells.size(); ++i) {
      text += cells[i];
      if (i + 1 < cells.size()) text += std::string(static_cast<std::size_t>(widths[i] - width_of(cells[i])) + 2, ' ');
    }
    return text;
  };
  std::string out = paint(line(head_), Colour::bold, colour) + "\n";
  for (const auto& row : rows_) out += paint(line(row.cells), row.colour, colour) + "\n";
  return out;
}

std::string Table::markdown() const {
  const auto line = [](const std::vector<std::string>& cells) {
    std::string text = "|";
    for (const auto& cell : cells) text += " " + escape_markdown(cell) + " |";
    return text + "\n";
  };
  std::string out = line(head_) + "|";
  for (std::size_t i = 0; i < head_.size(); ++i) out += " --- |";
  out += "\n";
  for (const auto& row : rows_) out += line(row.cells);
  return out;
}

std::string Table::html() const {
  const auto line = [](const std::vector<std::string>& cells, const std::string& tag) {
    std::string text = "<tr>";
    for (const auto& cell : cells) text += "<" + tag + ">" + escape_html(cell) + "</" + tag + ">";
    return text + "</tr>\n";
  };
  std::string out = "<table>\n" + line(head_, "th");
  for (const auto& row : rows_) out += line(row.cells, "td");
  return out + "</table>\n";
}

}  // namespace burnish
