#include "swarm/judge.h"

namespace burnish {

json to_json(const JudgeOptions& o) {
  json domain = json::object();
  for (const auto& [name, kind] : o.domain) domain[name] = kind;
  return {{"target", o.target},
          {"inputs", o.inputs},
          {"verify_seconds", o.verify_seconds},
          {"slowest_seconds", o.slowest_seconds},
          {"precision", o.precision},
          {"contract", o.contract},
          {"mode", o.mode},
          {"domain", domain},
          {"deterministic", o.deterministic},
          {"sandbox", o.sandbox}};
}

Result<JudgeOptions> judge_options_of(const json& stored) try {
  JudgeOptions o;
  o.target = stored.at("target");
  o.inputs = stored.at("inputs");
  o.verify_seconds = stored.at("verify_seconds");
  o.slowest_seconds = stored.value("slowest_seconds", 0.0);  // a run of an older version has none
  o.precision = stored.at("precision");
  o.contract = stored.at("contract");
  o.mode = stored.at("mode");
  for (const auto& [name, kind] : stored.at("domain").items()) o.domain.emplace_back(name, kind);
  o.deterministic = stored.at("deterministic");
  o.sandbox = stored.at("sandbox");
  return o;
} catch (const json::exception& error) {
  return fail(std::string("the run's options cannot be read: ") + error.what(), "store", "start a new run");
}

std::string to_text(Stage stage) {
  switch (stage) {
    case Stage::search:
      return "search";
    case Stage::eval:
      return "eval";
    case Stage::final:
      break;
  }
  return "final";
}

}  // namespace burnish
