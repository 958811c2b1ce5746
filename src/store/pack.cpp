#include "store/pack.h"

#include <set>

#include "store/tar.h"

namespace burnish {

Status pack_run(Store& store, const std::string& run, const std::filesystem::path& file) {
  TRY(dump, store.dump_run(run));
  TRY(tar, TarWriter::create(file));
  if (auto ok = tar.add("run.json", dump.dump(1)); !ok) return ok;
  for (const auto& name : dump.at("artifacts")) {
    TRY(bytes, store.artifacts().get(name));
    if (auto ok = tar.add("artifacts/" + name.get<std::string>(), bytes); !ok) return ok;
  }
  return tar.finish();
}

Result<RunRecord> unpack_run(Store& store, const std::filesystem::path& file) {
  json dump;
  std::set<std::string> found;
  const auto take = [&](const std::string& name, std::string bytes) -> Status {
    if (name == "run.json") {
      dump = json::parse(bytes, nullptr, /*allow_exceptions=*/false);
    } else if (name.starts_with("artifacts/")) {
      TRY(kept, store.artifacts().put(bytes));
      if (name != "artifacts/" + kept)
        return fail("an artifact of the packed run is damaged", name, "pack the run again", "file");
      found.insert(kept);
    }
    return {};
  };
  if (auto ok = read_tar(file, take); !ok) return std::unexpected(ok.error());
  if (!dump.is_object() || !dump.contains("artifacts") || !dump["artifacts"].is_array()) {
    return fail("this is no packed run", file.string(), "name a file that `burnish pack` wrote", "file");
  }
  for (const auto& name : dump["artifacts"])
    if (!name.is_string() || !found.contains(name.get<std::string>()))
      return fail("an artifact is missing from the packed run", name.dump(), "pack the run again", "file");
  return store.load_run(dump);
}

}  // namespace burnish
