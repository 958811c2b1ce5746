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

/// One exchange with a language model. `files`: the prompt's parts in order ("0-system", "1-user", "2-assistant", ...;
/// what exchanges share is stored once) and "reply".
struct CallRecord {
  std::int64_t id = 0, problem = 0;
  std::string agent;
  int number = 0;                                 ///< of the attempt that it was for
  std::string purpose, service, model;            ///< purpose: propose, hints
  std::int64_t tokens_in = 0, tokens_cached = 0;  ///< cached ones are part of tokens_in
  std::int64_t tokens_out = 0, tokens_reasoning = 0;
  bool estimated = false;  ///< the reply had no usage: tokens are counted from the text
  bool replayed = false;   ///< answered from a cassette: nothing was paid now
  double cost = 0;         ///< US dollars by the prices of models.toml
  double seconds = 0;
  std::string error;  ///< empty where there was an answer
  double created = 0;
  std::map<std::string, std::string> files;
};

/// The calls of one agent in a run, replayed ones included (their cost is what they cost when they were recorded).
struct CallSum {
  std::int64_t calls = 0, failed = 0, estimated = 0, tokens_in = 0, tokens_out = 0;
  double usd = 0;

  CallSum& operator+=(const CallSum& part) {
    calls += part.calls;
    failed += part.failed;
    estimated += part.estimated;
    tokens_in += part.tokens_in;
    tokens_out += part.tokens_out;
    usd += part.usd;
    return *this;
  }
};

/// What a run paid for, replayed calls left out.
struct Spent {
  double usd = 0;
  std::int64_t tokens = 0, calls = 0;
};

}  // namespace burnish
