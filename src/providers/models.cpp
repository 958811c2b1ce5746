#include "providers/models.h"

#include <sys/resource.h>
#include <toml++/toml.h>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <memory>
#include <sstream>

#include "base/paths.h"
#include "providers/wire.h"

namespace burnish {
namespace {

std::string place(const std::string& file, const toml::node& node) {
  return file + ":" + std::to_string(node.source().begin.line);
}

/// One key of a model's row: its name, and how a value is taken into the row (false: wrong type).
struct Field {
  std::string_view name, type;
  bool (*take)(Model&, const toml::node&);
};

template <class T, T Model::* member, class Read>
bool take(Model& m, const toml::node& n) {
  const auto value = n.value<Read>();
  if (value) m.*member = static_cast<T>(*value);
  return value.has_value();
}

constexpr std::array fields = {
    Field{"id", "text", take<std::string, &Model::id, std::string>},
    Field{"service", "text", take<std::string, &Model::service, std::string>},
    Field{"url", "text", take<std::string, &Model::url, std::string>},
    Field{"command", "text", take<std::string, &Model::command, std::string>},
    Field{"effort", "text", take<std::string, &Model::effort, std::string>},
    Field{"context_tokens", "an integer", take<std::int64_t, &Model::context_tokens, std::int64_t>},
    Field{"output_tokens", "an integer", take<std::int64_t, &Model::output_tokens, std::int64_t>},
    Field{"input_price", "a number", take<double, &Model::input_price, double>},
    Field{"cached_price", "a number", take<double, &Model::cached_price, double>},
    Field{"output_price", "a number", take<double, &Model::output_price, double>},
    Field{"pictures", "true or false", take<bool, &Model::pictures, bool>},
    Field{"reasons", "true or false", take<bool, &Model::reasons, bool>},
    Field{"checked", "true or false", take<bool, &Model::checked, bool>},
    Field{"adaptive", "true or false", take<bool, &Model::adaptive, bool>},
    Field{"withdrawn", "text (a date)", take<std::string, &Model::withdrawn, std::string>},
    Field{"successor", "text", take<std::string, &Model::successor, std::string>},
};

Status read_model(Model& m, const toml::table& row, const std::string& file) {
  for (const auto& [key, node] : row) {
    const auto field = std::ranges::find_if(fields, [&](const Field& f) { return f.name == key.str(); });
    if (field == fields.end())
      return fail("unknown key '" + std::string(key.str()) + "' of model '" + m.name + "'", place(file, node),
                  "see `burnish models --help` for the keys");
    if (!field->take(m, node))
      return fail("'" + std::string(key.str()) + "' of model '" + m.name + "' must be " + std::string(field->type),
                  place(file, node), "correct the line");
  }
  m.where = place(file, row);
  if (m.service != "command" && !find_service(m.service))
    return fail("model '" + m.name + "' names no known service ('" + m.service + "')", m.where,
                "`burnish models` lists the services");
  if (m.service == "command" ? m.command.empty() : m.id.empty())
    return fail("model '" + m.name + "' has no " + (m.service == "command" ? "command" : "id"), m.where, "add the key");
  return {};
}

Status read_limits(ModelTable& table, const toml::table& rows, const std::string& file) {
  for (const auto& [name, node] : rows) {
    const toml::table* row = node.as_table();
    if (!row || !find_service(name.str()))
      return fail("unknown service '" + std::string(name.str()) + "' under [limits]", place(file, node),
                  "`burnish models` lists the services");
    ServiceLimits limit;
    for (const auto& [key, value] : *row) {
      if (key == "in_flight" && value.is_integer())
        limit.in_flight = static_cast<int>(*value.value<std::int64_t>());
      else if (key == "requests_per_minute" && value.is_number())
        limit.requests_per_minute = *value.value<double>();
      else if (key == "tokens_per_minute" && value.is_number())
        limit.tokens_per_minute = *value.value<double>();
      else
        return fail("'" + std::string(key.str()) + "' is no limit, or of the wrong type", place(file, value),
                    "use in_flight, requests_per_minute or tokens_per_minute");
    }
    table.limits[std::string(name.str())] = limit;
  }
  return {};
}

}  // namespace

const Model* ModelTable::find(std::string_view name) const {
  for (const Model& m : models)
    if (m.name == name) return &m;
  return nullptr;
}

Status read_models(ModelTable& table, std::string_view text, const std::string& file) {
  toml::table root;
  try {
    root = toml::parse(text, file);
  } catch (const toml::parse_error& e) {
    return fail(std::string(e.description()), file + ":" + std::to_string(e.source().begin.line), "correct the line");
  }
  for (const auto& [key, node] : root) {
    const toml::table* rows = node.as_table();
    if (!rows || (key != "models" && key != "limits"))
      return fail("unknown table '" + std::string(key.str()) + "'", place(file, node),
                  "use [models.NAME] and [limits.SERVICE]");
    if (key == "limits") {
      if (auto ok = read_limits(table, *rows, file); !ok) return ok;
      continue;
    }
    for (const auto& [name, row] : *rows) {
      if (!row.is_table())
        return fail("model '" + std::string(name.str()) + "' is no table", place(file, row), "write [models.NAME]");
      Model fresh;
      fresh.name = name.str();
      auto known = std::ranges::find_if(table.models, [&](const Model& m) { return m.name == fresh.name; });
      Model& target = known == table.models.end() ? table.models.emplace_back(std::move(fresh)) : *known;
      if (auto ok = read_model(target, *row.as_table(), file); !ok) return ok;
    }
  }
  return {};
}

Result<ModelTable> load_models(const std::filesystem::path& config_folder) {
  ModelTable table;
  if (auto ok = read_models(table, shipped_models(), "models.toml (shipped)"); !ok) return std::unexpected(ok.error());
  const char* named = std::getenv("BURNISH_MODELS");
  const std::filesystem::path own = named && *named ? std::filesystem::path(named) : config_folder / "models.toml";
  std::ifstream in(own);
  if (!in) {
    if (named && *named) return fail("the models file cannot be read", own.string(), "correct BURNISH_MODELS");
    return table;
  }
  std::stringstream text;
  text << in.rdbuf();
  if (auto ok = read_models(table, text.str(), own.string()); !ok) return std::unexpected(ok.error());
  return table;
}

Result<ModelTable> configured_models() {
  TRY(folder, data_folder());
  return load_models(folder);
}

namespace {

/// From here on a key is in this process: a crash must not write it to disk. A limit of 1 forbids a core as 0 does, and
/// the one that Linux would pipe to a program, too, for which other limits do not count (fs/coredump.c).
void forbid_cores() {
  rlimit limit{};
  if (::getrlimit(RLIMIT_CORE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max = limit.rlim_max == 0 ? 0 : 1;
  ::setrlimit(RLIMIT_CORE, &limit);
}

}  // namespace

Result<std::string> key_for(const Model& model) {
  const Service* service = find_service(model.service);
  if (!service || service->key_variable.empty()) return std::string();
  forbid_cores();
  const std::string variable(service->key_variable);
  if (const char* key = std::getenv(variable.c_str()); key && *key) return std::string(key);
  const char* command = std::getenv((variable + "_COMMAND").c_str());
  if (!command || !*command)
    return fail("no key for service '" + model.service + "'", "model " + model.name,
                "set " + variable + ", or " + variable + "_COMMAND to a program that prints it");
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command, "r"), pclose);  // NOLINT: the user's own command
  std::array<char, 4096> line{};
  if (!pipe || !fgets(line.data(), static_cast<int>(line.size()), pipe.get()))
    return fail("the key command printed nothing", variable + "_COMMAND", "run it by hand");
  std::string key(line.data());
  while (!key.empty() && (key.back() == '\n' || key.back() == '\r')) key.pop_back();
  return key;
}

}  // namespace burnish
