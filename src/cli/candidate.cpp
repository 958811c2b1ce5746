#include "cli/candidate.h"

#include <regex>

#include "base/files.h"
#include "base/paths.h"
#include "plan/parse.h"

namespace burnish {
namespace fs = std::filesystem;
namespace {

constexpr std::uintmax_t most_text = 64 << 20;

Result<Proposal> read_plan(const fs::path& file, const std::string& text) {
  TRY(plan, load_plan(file));
  Proposal proposal{
      file.stem().string() == "plan" ? fs::absolute(file).parent_path().filename().string() : file.stem().string(),
      Form::plan,
      {{"plan.json", text}},
      nullptr};
  const auto folder = file.parent_path();
  for (const auto& [name, kernel] : plan.kernels) {
    if (kernel.text || proposal.files.contains(kernel.source)) continue;
    auto source = read_file(folder / kernel.source, most_text);
    if (!source) {
      source.error().reason = "plan";
      return inside("kernel " + name, source.error());
    }
    proposal.files[kernel.source] = std::move(*source);
  }
  if (!plan.constants.empty()) {
    auto constants = read_file(folder / "constants.safetensors");
    if (!constants) {
      constants.error().reason = "plan";
      return inside("constants", constants.error());
    }
    proposal.files["constants.safetensors"] = std::move(*constants);
  }
  return proposal;
}

Result<Proposal> read_json_candidate(const fs::path& file) {
  TRY(text, read_file(file, most_text));
  json value;
  try {
    value = json::parse(text);
  } catch (const json::exception& error) {
    return fail(std::string("this is not JSON: ") + error.what(), file.string(), "correct the file", "plan");
  }
  if (value.is_object() && value.contains("burnish_recipe")) {
    return Proposal{file.stem().string(), Form::recipe, {{"recipe.json", text}}, nullptr};
  }
  if (value.is_object() && value.contains("burnish_plan")) return read_plan(file, text);
  return fail("this is neither a plan nor a recipe", file.string(),
              "a plan has the key \"burnish_plan\", a recipe \"burnish_recipe\"", "plan");
}

Result<Proposal> read_python(const fs::path& file) {
  TRY(text, read_file(file, most_text));
  static const std::regex defines(R"((^|\n)\s*(class\s+ModelNew\b|ModelNew\s*=|from\s+.*\bimport\b.*\bModelNew\b))");
  if (!std::regex_search(text, defines)) {
    return fail("the file defines no class ModelNew", file.string(),
                "name the candidate's class ModelNew, as KernelBench does", "file");
  }
  return Proposal{file.stem().string(), Form::model_new, {{"model_new.py", text}}, nullptr};
}

}  // namespace

Result<Proposal> read_candidate(const fs::path& path) {
  std::error_code ec;
  if (!fs::exists(path, ec)) return fail("there is no such candidate", path.string(), "check the path", "file");
  if (fs::is_directory(path, ec)) {
    for (const auto* name : {"plan.json", "recipe.json"})
      if (fs::exists(path / name, ec)) return read_json_candidate(path / name);
    if (fs::exists(path / "model_new.py", ec)) return read_python(path / "model_new.py");
    return fail("the folder holds no plan.json, recipe.json or model_new.py", path.string(), "name a candidate",
                "file");
  }
  if (path.extension() == ".py") return read_python(path);
  return read_json_candidate(path);
}

}  // namespace burnish
