#include "swarm/deploy.h"

#include <unistd.h>

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "base/paths.h"
#include "base/sha256.h"
#include "swarm/proposals.h"
#include "swarm/take_to_mac.h"
#include "targets/cpu/compile.h"
#include "targets/cuda/nvrtc.h"

namespace burnish {
namespace fs = std::filesystem;
namespace {

/// Hashes of all files below the folder, by name.
Result<json> hash_files(const fs::path& folder) {
  std::map<std::string, std::string> hashes;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    TRY(bytes, read_file(entry.path(), std::uintmax_t{16} << 30));
    if (entry.path() == folder / "burnish.json") continue;
    hashes[entry.path().lexically_relative(folder).generic_string()] = sha256(bytes);
  }
  return json(hashes);
}

/// Copies compiled kernels to kernels/; gives source file -> object, both relative to the folder.
Result<json> add_kernels(Builder& builder, const fs::path& folder) {
  TRY(objects, builder.build(folder));
  json kernels = json::object();
  std::error_code ec;
  for (const auto& [source, object] : objects) {
    std::string name = source;
    for (char& c : name)
      if (c == '/') c = '_';
    const auto relative = "kernels/" + name + object.extension().string();
    fs::create_directories(folder / "kernels", ec);
    fs::copy_file(object, folder / relative, fs::copy_options::overwrite_existing, ec);
    if (ec) return fail("a compiled kernel cannot be copied", (folder / relative).string(), ec.message());
    kernels[source] = relative;
  }
  return kernels;
}

/// How the kernels were compiled, for people.
json compiler_of(const json& kernels) {
  const bool cuda = std::ranges::any_of(
      kernels, [](const json& object) { return object.get_ref<const std::string&>().ends_with(".cubin"); });
  if (cuda) {
    const auto nvrtc = cuda::find_nvrtc();
    return nvrtc ? json{"NVRTC " + nvrtc->version()} : json(nullptr);
  }
  const auto flags = cpu::compiler_flags();
  return flags ? json(*flags) : json(nullptr);
}

}  // namespace

Status can_deploy(const fs::path& folder) {
  std::error_code ec;
  if (!fs::exists(folder, ec)) {
    // The nearest folder above that exists must let us write.
    auto above = fs::absolute(folder, ec).lexically_normal();
    if (!above.has_filename()) above = above.parent_path();
    do above = above.parent_path();
    while (!fs::exists(above, ec) && above.has_relative_path());
    if (fs::is_directory(above, ec) && ::access(above.c_str(), W_OK) == 0) return {};
    return fail("the result cannot be written there", folder.string(), "name another folder with --out");
  }
  if (!fs::is_directory(folder, ec))
    return fail("this is a file, not a folder", folder.string(), "name another one with --out");
  if (fs::is_empty(folder, ec) || fs::exists(folder / "burnish.json", ec)) return {};
  return fail("the folder is not empty and not Burnish's", folder.string(), "name another one with --out");
}

Status deploy(const Store& store, const RunRecord& run, const ProblemRecord& problem, const Outcome& outcome,
              Builder& builder, const fs::path& folder) {
  if (auto ok = can_deploy(folder); !ok) return ok;
  auto target = fs::absolute(folder).lexically_normal();
  if (!target.has_filename()) target = target.parent_path();
  std::error_code ec;
  const fs::path part = target.string() + fmt::format(".part{}", ::getpid());
  fs::remove_all(part, ec);
  fs::create_directories(part, ec);
  if (ec) return fail("the result cannot be written", target.string(), ec.message());
  const auto write = [&]() -> Status {
    TRY(candidate, materialise(store, *outcome.winner, part));
    json manifest = {{"burnish", 1},
                     {"form", to_text(candidate.form)},
                     {"problem",
                      {{"name", problem.name},
                       {"file", problem.spec.value("file", "")},
                       {"class", problem.spec.value("class", "")},
                       {"inputs_from", problem.spec.value("inputs_from", "")}}},
                     {"run", run.id},
                     {"agent", outcome.winner->agent},
                     {"candidate", outcome.winner->name},
                     {"kernels", json::object()},
                     {"compiler", nullptr}};
    if (candidate.form == Form::plan) {
      TRY(kernels, add_kernels(builder, part));
      manifest["kernels"] = kernels;
      manifest["compiler"] = compiler_of(kernels);
    }
    if (candidate.form == Form::plan && run.options.value("/judging/target"_json_pointer, "") == "metal-emulated") {
      const auto& p = manifest["problem"];
      const auto note = take_to_mac(p["file"].get<std::string>(), p["class"].get<std::string>());
      if (auto ok = write_file(part / "MAC.md", note); !ok) return ok;
    }
    const auto opened = problem.opened.is_object() ? problem.opened : json::object();
    manifest["host"] = run.host;
    manifest["torch"] = opened.value("torch", json(nullptr));
    manifest["threads"] = opened.value("threads", json(nullptr));
    manifest["judging"] = run.options.value("judging", json(nullptr));
    manifest["verdict"] = outcome.verdict.body;
    TRY(hashes, hash_files(part));
    manifest["files"] = hashes;
    return write_file(part / "burnish.json", manifest.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
  };
  auto written = write();
  if (written) {
    // The old folder goes only when the new one is whole.
    fs::remove_all(target, ec);
    fs::rename(part, target, ec);
    if (ec) written = fail("the result cannot be written", target.string(), ec.message());
  }
  if (!written) fs::remove_all(part, ec);
  return written;
}

Status rebuild(Builder& builder, const fs::path& folder, const json& host) {
  TRY(text, read_file(folder / "burnish.json"));
  json manifest = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!manifest.is_object() || manifest.value("burnish", json()) != 1) {
    return fail("this is no manifest that this burnish knows", (folder / "burnish.json").string(), "update burnish",
                "file");
  }
  if (manifest.value("form", json()) != "plan") return {};  // nothing in it is compiled
  TRY(kernels, add_kernels(builder, folder));
  manifest["kernels"] = kernels;
  manifest["compiler"] = compiler_of(kernels);
  // The device stays that of the measurement: burnish.load compares and times where it differs.
  manifest["host"]["flags"] = host.value("flags", json::array());
  TRY(hashes, hash_files(folder));
  manifest["files"] = hashes;
  return write_file(folder / "burnish.json", manifest.dump(1, ' ', false, json::error_handler_t::replace) + "\n");
}

}  // namespace burnish
