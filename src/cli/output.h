#pragma once
#include <string>

#include "base/error.h"
#include "base/json.h"

namespace burnish {

/// One JSON line on stdout, flushed: who reads along sees it at once.
void print_json(const json& line);

/// Text on stdout, as it is.
void print_text(const std::string& text);

/// "burnish: what (where): todo" on stderr; gives exit_misuse (exit_interrupted, and no word, after Ctrl-C).
int report_error(const Error& error);

/// The same, with {"verdict": "error", "reason", "detail", ...} as the last line on stdout where JSON was asked for.
int report_error(const Error& error, bool as_json);

}  // namespace burnish
