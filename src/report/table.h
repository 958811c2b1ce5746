#pragma once
#include <string>
#include <vector>

#include "base/terminal.h"

namespace burnish {

/// Rows of text, drawn for a terminal, for Markdown or for a web page.
class Table {
 public:
  explicit Table(std::vector<std::string> head) : head_(std::move(head)) {}
  void add(std::vector<std::string> row, Colour colour = Colour::none) { rows_.push_back({std::move(row), colour}); }
  bool empty() const { return rows_.empty(); }
  std::string terminal(bool colour) const;
  std::string markdown() const;
  std::string html() const;

 private:
  struct Row {
    std::vector<std::string> cells;
    Colour colour;
  };
  std::vector<std::string> head_;
  std::vector<Row> rows_;
};

/// Text that is safe between tags.
std::string escape_html(std::string_view text);

}  // namespace burnish
