#pragma once
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "agents/answer_pieces.h"
#include "base/error.h"
#include "base/json.h"

/// Plans as answers hold them: alone, inside other JSON, several of them, with small slips.
namespace burnish {

/// A plan that parses as JSON.
struct FoundPlan {
  std::string text;
  std::size_t line = 0;  ///< of the answer where its text begins
  bool whole = false;    ///< has steps and a result: no excerpt
};

/// What a piece of JSON turned out to hold.
struct JsonContents {
  std::vector<FoundPlan> plans;
  std::vector<Piece> files;        ///< sources and Python that stood in it as strings
  std::vector<std::string> texts;  ///< strings that hold an answer of their own
  std::vector<Error> errors;       ///< what looked like a plan and cannot be read
  std::string rest;                ///< what followed the last plan: not JSON
};

bool names_plan(std::string_view text);

/// Reads JSON, or what is nearly JSON, whose first line is `line` of the answer.
JsonContents read_json(std::string_view text, std::size_t line);

/// The sources that a plan's kernels name: kernel -> file. Empty where the plan has no kernels.
std::map<std::string, std::string> sources_of(const json& plan);

/// Mends what has one meaning only, and says so: no version, a kernel's source in the place of its file's name, a
/// folder before that name.
std::string mended(const std::string& plan_text, std::vector<std::string>& remarks);

}  // namespace burnish
