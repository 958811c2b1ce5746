#include "swarm/corpus.h"

#include <algorithm>

#include "base/files.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t largest_file = 1 << 20;
constexpr const char* about_file = "about.json";

/// Whoever wrote a corpus must not choose what else of this machine goes into the prompts: no links.
Result<std::string> read_own(const fs::path& file) {
  return read_file(file, largest_file, Links::refuse);
}

Result<json> read_json(const fs::path& file) {
  TRY(text, read_own(file));
  json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) return fail("this is no JSON object", file.string(), "correct it (corpus/README.md)");
  return value;
}

Result<Solved> read_solved(const fs::path& folder) {
  TRY(about, read_json(folder / about_file));
  TRY(exported, read_json(folder / "exported.json"));
  const auto about_path = (folder / about_file).string();
  if (!about.contains("problem") || !about["problem"].is_string() || !about.contains("speedup") ||
      !about["speedup"].is_number())
    return fail("\"problem\" (a file, beside this one) and \"speedup\" are needed", about_path, "add them");
  const fs::path problem = about["problem"].get<std::string>();
  if (problem.extension() != ".py")
    return fail("\"problem\" is no Python file: " + problem.string(), about_path, "name the file with the module");
  TRY(source, read_own(folder / problem));
  Solved solved{.name = folder.filename().string(),
                .target = exported.value("target", "cpu"),
                .source = std::move(source),
                .exported = std::move(exported),
                .speedup = about["speedup"],
                .proposal = {.name = "solution", .form = Form::plan, .files = {}, .notes = nullptr}};
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(folder, ec)) {
    const auto name = entry.path().filename().string();
    const bool file = entry.is_symlink(ec) || entry.is_regular_file(ec);
    if (!file || name == about_file || name == "exported.json") continue;
    TRY(text, read_own(entry.path()));
    solved.proposal.files[name] = std::move(text);
  }
  if (!solved.proposal.files.contains("plan.json"))
    return fail("there is no plan.json", folder.string(), "every folder holds a solution (corpus/README.md)");
  return solved;
}

}  // namespace

Result<std::vector<Solved>> read_corpus(const fs::path& folder) {
  std::vector<fs::path> folders;
  std::error_code ec;
  for (const auto& entry : fs::directory_iterator(folder, ec))
    if (entry.is_directory(ec)) folders.push_back(entry.path());
  if (folders.empty())
    return fail("no solved problem is there", folder.string(),
                "name a folder with a folder for each, such as corpus/cpu");
  std::ranges::sort(folders);
  std::vector<Solved> corpus;
  for (const auto& each : folders) {
    TRY(solved, read_solved(each));
    corpus.push_back(std::move(solved));
  }
  return corpus;
}

json to_json(const std::vector<Solved>& corpus) {
  json kept = json::array();
  for (const auto& s : corpus)
    kept.push_back({{"name", s.name},
                    {"target", s.target},
                    {"source", s.source},
                    {"exported", s.exported},
                    {"speedup", s.speedup},
                    {"files", s.proposal.files}});
  return kept;
}

Result<std::vector<Solved>> corpus_of(const json& kept) try {
  std::vector<Solved> corpus;
  for (const auto& s : kept)
    corpus.push_back({.name = s.at("name"),
                      .target = s.at("target"),
                      .source = s.at("source"),
                      .exported = s.at("exported"),
                      .speedup = s.at("speedup"),
                      .proposal = {.name = "solution", .form = Form::plan, .files = s.at("files"), .notes = nullptr}});
  return corpus;
} catch (const json::exception& error) {
  return fail(std::string("the run's recall corpus cannot be read: ") + error.what(), "store", "start a new run");
}

}  // namespace burnish
