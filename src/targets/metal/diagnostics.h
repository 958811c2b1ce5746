#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "targets/metal/translate.h"

/// Messages as Metal's compiler words and places them: "program_source:LINE:COL: error: ...", the line, a caret.
namespace burnish::metal {

std::string diagnostic(int line, int column, std::string_view severity, std::string_view what, std::string_view source);

/// An error of `translate` (where = "LINE:COL") as a diagnostic.
Error as_diagnostic(const Error& error, std::string_view source);

struct Diagnosed {
  std::string errors;                 ///< with their notes, in the user's columns and words
  std::vector<std::string> warnings;  ///< "LINE:COL: text"
};

/// Reads clang's messages about translated (or, without a translation, preprocessed) source.
Diagnosed read_diagnostics(std::string_view clang_says, std::string_view source, const Translation* translation);

}  // namespace burnish::metal
