#include "cli/experiment_file.h"

#include <toml++/toml.h>

#include <algorithm>
#include <functional>

#include "base/files.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

/// One key of a table: its name, what its value has to be, and how it is taken (false: of another type).
struct Key {
  std::string name, type;
  std::function<bool(const toml::node&)> take;
};

template <class T>
Key text_or_number(std::string name, std::string type, T& into) {
  return {std::move(name), std::move(type), [&into](const toml::node& node) {
            const auto value = node.value<T>();
            if (value) into = *value;
            return value.has_value();
          }};
}
Key text(std::string name, std::string& into) {
  return text_or_number(std::move(name), "text", into);
}
Key flag(std::string name, bool& into) {
  return text_or_number(std::move(name), "true or false", into);
}
Key number(std::string name, double& into) {
  return text_or_number(std::move(name), "a number", into);
}

/// An integer from `least` on.
template <class T>
Key integer(std::string name, T& into, std::int64_t least) {
  return {std::move(name), "an integer from " + std::to_string(least) + " on", [&into, least](const toml::node& node) {
            const auto value = node.value_exact<std::int64_t>();
            if (!value || *value < least || *value > 1'000'000'000) return false;
            into = static_cast<T>(*value);
            return true;
          }};
}

template <class T>
Key list(std::string name, std::string type, std::vector<T>& into) {
  return {std::move(name), std::move(type), [&into](const toml::node& node) {
            const toml::array* values = node.as_array();
            if (!values) return false;
            into.clear();
            for (const auto& element : *values) {
              if constexpr (std::is_same_v<T, std::string>) {
                const auto value = element.value_exact<std::string>();
                if (!value) return false;
                into.push_back(*value);
              } else {
                const auto value = element.value_exact<std::int64_t>();
                if (!value || *value < 0) return false;
                into.push_back(static_cast<T>(*value));
              }
            }
            return true;
          }};
}

Status read_table(const toml::table& table, const std::vector<Key>& keys, const std::string& file) {
  for (const auto& [name, node] : table) {
    const auto place = file + ":" + std::to_string(name.source().begin.line);
    const auto key = std::ranges::find(keys, name.str(), &Key::name);
    if (key == keys.end()) {
      std::string known;
      for (const auto& k : keys) known += (known.empty() ? "" : ", ") + k.name;
      return fail("unknown key '" + std::string(name.str()) + "'", place, "keys here: " + known);
    }
    if (!key->take(node))
      return fail("'" + std::string(name.str()) + "' must be " + key->type, place, "correct the line");
  }
  return {};
}

/// A key whose value is a table of its own; what is wrong inside is kept in `wrong`.
Key table(std::string name, std::vector<Key> keys, const std::string& file, Status& wrong) {
  return {std::move(name), "a table", [keys = std::move(keys), &file, &wrong](const toml::node& node) {
            if (!node.is_table()) return false;
            if (wrong) wrong = read_table(*node.as_table(), keys, file);
            return true;
          }};
}

}  // namespace

Result<Experiment> read_experiment(const fs::path& path) {
  const auto file = path.string();
  TRY(contents, read_file(path, 1 << 20));
  toml::table root;
  try {
    root = toml::parse(contents, file);
  } catch (const toml::parse_error& e) {
    return fail(std::string(e.description()), file + ":" + std::to_string(e.source().begin.line), "correct the line");
  }
  Experiment e;
  e.name = path.stem().string();
  SearchFlags& s = e.search;
  JudgeOptions& j = e.judge.options;
  for (const auto& row : agent_rows()) s.agents.emplace_back(row.name);
  std::vector<std::string> models;
  double usd = -1;
  std::int64_t tokens = -1;
  Status wrong;
  const std::vector<Key> budget = {number("usd", usd), integer("tokens", tokens, 0)};
  const std::vector<Key> judging = {text("target", j.target),
                                    integer("inputs", j.inputs, 3),
                                    number("verify_seconds", j.verify_seconds),
                                    text("precision", j.precision),
                                    text("contract", j.contract),
                                    text("mode", j.mode),
                                    list("domain", "a list of \"NAME=KIND\"", e.judge.domain),
                                    flag("deterministic", j.deterministic),
                                    flag("no_sandbox", e.judge.no_sandbox)};
  const std::vector<Key> keys = {text("name", e.name),
                                 list("models", "a list of names", models),
                                 list("contexts", "a list of names", s.contexts),
                                 list("agents", "a list of built-in agents' names", s.agents),
                                 list("problems", "a list of files and folders", e.problems),
                                 text("match", e.match),
                                 integer("attempts", s.attempts, 1),
                                 text("strategy", s.strategy),
                                 list("seeds", "a list of integers from 0 on", e.seeds),
                                 integer("turns", s.turns, 1),
                                 list("held_out", "a list of globs", s.held_out),
                                 number("seconds", s.seconds),
                                 integer("jobs", s.jobs, 1),
                                 integer("calls", s.calls, 1),
                                 text("hints_model", s.hints_model),
                                 text("reference", s.reference),
                                 text("recall", s.recall),
                                 text("record", s.record),
                                 text("replay", s.replay),
                                 flag("aa", e.measure_aa),
                                 table("budget", budget, file, wrong),
                                 table("judging", judging, file, wrong)};
  if (auto ok = read_table(root, keys, file); !ok) return std::unexpected(ok.error());
  if (!wrong) return std::unexpected(wrong.error());
  if (e.problems.empty()) return fail("the experiment has no problems", file, "add problems = [\"FOLDER\", ...]");
  if (e.seeds.empty()) return fail("'seeds' is empty", file, "name one, or leave the key out");
  s.agents.insert(s.agents.end(), models.begin(), models.end());
  if (s.agents.empty()) return fail("the experiment has no agents", file, "add models = [\"NAME\", ...]");
  if (usd >= 0) s.budget_usd = usd;
  if (tokens >= 0) s.budget_tokens = tokens;
  const auto beside = [&](std::string& place) {
    if (!place.empty()) place = (fs::absolute(path).parent_path() / place).lexically_normal().string();
  };
  for (auto& place : e.problems) beside(place);
  for (auto* place : {&s.reference, &s.recall, &s.record, &s.replay}) beside(*place);
  return e;
}

}  // namespace burnish
