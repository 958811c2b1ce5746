#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <vector>

#include "providers/http.h"
#include "providers/provider.h"

namespace burnish {

/// models.toml, read: the shipped rows with a user's own file over them (same name: the user's row wins, field by
/// field).
struct ModelTable {
  std::vector<Model> models;
  std::map<std::string, ServiceLimits> limits;
  const Model* find(std::string_view name) const;
};

/// Parses one file's text over `table`. Errors name file and line: a syntax error, an unknown key, a wrong type, an
/// unknown service, a row without id.
Status read_models(ModelTable& table, std::string_view toml, const std::string& file);

/// The shipped rows, then `$BURNISH_MODELS` or models.toml in `config_folder` where one exists.
Result<ModelTable> load_models(const std::filesystem::path& config_folder);

/// The same with the user's file in Burnish's own folder (base/paths.h): the table that every command works with.
Result<ModelTable> configured_models();

/// The key of a model's service: its environment variable, or the output of `<variable>_COMMAND` where that is set.
/// Fails with the variable's name where a key is needed and none is there. Never logged by the callers.
Result<std::string> key_for(const Model& model);

/// The text of the shipped models.toml.
std::string_view shipped_models();

}  // namespace burnish
