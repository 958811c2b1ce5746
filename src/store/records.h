#pragma once
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/json.h"
#include "base/verdict.h"

/// What the store gives back: one struct a table, as values.
namespace burnish {

struct RunRecord {
  std::string id;
  double created = 0;   ///< seconds since 1970
  std::string command;  ///< optimize, suite, eval, verify
  json options;         ///< everything needed to go on with the run
  json host;            ///< what it was measured on
  std::string state;    ///< open, done
};

struct ProblemRecord {
  std::int64_t id = 0;
  std::string run, name, level;
  json spec;           ///< file, class, inputs_from
  std::string state;   ///< open, done, excluded
  json opened;         ///< the judge's reply to "open", null before
  std::string reason;  ///< where excluded: one word of docs/reasons.md
  json outcome;        ///< where done: what `burnish optimize --json` prints; where excluded: the error
  std::map<std::string, std::string> files;  ///< source and exported plan: file name -> artifact
};

struct AttemptRecord {
  std::int64_t id = 0, problem = 0;
  std::string agent;
  int number = 0;  ///< counts from 1 for each agent
  std::string strategy, name, form;
  json notes;                                ///< what the agent says of its proposal
  std::map<std::string, std::string> files;  ///< file name -> artifact
};

/// One verdict on one attempt (or on the problem's original, where attempt is 0).
struct EvaluationRecord {
  std::int64_t id = 0, problem = 0, attempt = 0;
  std::string stage;  ///< search, eval, final
  double created = 0;
  Verdict verdict;  ///< samples left out: Store::samples gives them
};

}  // namespace burnish
