#pragma once
#include <string>
#include <vector>

#include "base/json.h"
#include "report/table.h"

namespace burnish {

/// How a column's values are written for people. In JSON and CSV they are plain numbers.
enum class Kind { text, count, share, speedup, usd, number };

struct Column {
  std::string name;
  Kind kind = Kind::text;
  bool interval = false;  ///< its cells may be {"value", "low", "high"}; CSV has three columns then
};

/// A table of a report as data: cells are text, numbers, null (nothing to say), or a value with its interval.
struct Sheet {
  std::string id, title, note;
  std::vector<Column> columns;
  std::vector<std::vector<json>> rows;

  Table table() const;
  std::string csv() const;  ///< RFC 4180
  json to_json() const;     ///< {"id", "title", "note", "columns", "rows": [{column: value}]}
};

}  // namespace burnish
