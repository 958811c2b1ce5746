#include "targets/cuda/compile.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/paths.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "targets/cuda/cubin.h"
#include "targets/cuda/entry.h"
#include "targets/sources.h"

namespace fs = std::filesystem;

namespace burnish::cuda {
namespace {

constexpr const char* recipe_version = "1";  // part of every cache key: raise it when entries or options change

std::vector<std::string> options_of(const CompileRequest& request, const Nvrtc& nvrtc) {
  std::vector<std::string> options = {"--gpu-architecture=" + request.architecture,
                                      "-std=c++20",
                                      "--device-as-default-execution-space",
                                      "--pre-include=cstdint",
                                      "--pre-include=cmath",
                                      "--ptxas-options=-v"};
  for (const auto& folder : nvrtc.headers) options.push_back("--include-path=" + folder.string());
  return options;
}

Error explain(const CompileRequest& request, const Finished& finished) {
  std::string why = "does not compile";
  if (std::holds_alternative<TimedOut>(finished.exit))
    why = fmt::format("does not compile within {:.0f} s", request.timeout_s);
  else if (std::holds_alternative<OutOfMemory>(finished.exit) || finished.err.find("bad_alloc") != std::string::npos ||
           finished.err.find("out of memory") != std::string::npos)
    why = fmt::format("does not compile within {} MiB of memory", request.memory_bytes >> 20);
  const auto text = cut_text(finished.err, request.diagnostics_bytes);
  return Error{fmt::format("{} {} for {}", request.name, why, request.architecture),
               text.empty() ? describe(finished.exit) : text, "", "compile"};
}

struct Output {
  std::string cubin, log;
};

/// NVRTC in a process of its own, in the sandbox: a source that crashes the compiler, or keeps it busy for ever, costs
/// that process.
Result<Output> run_compiler(const CompileRequest& request, const Nvrtc& nvrtc, const std::vector<std::string>& options,
                            const std::function<void(int)>& started) {
  const fs::path program = request.program.empty() ? executable_path() : request.program;
  SandboxOptions box;
  box.argv = {program.string(), "nvrtc", nvrtc.library.string()};
  box.readable = {program, nvrtc.library.parent_path()};
  box.readable.insert(box.readable.end(), nvrtc.headers.begin(), nvrtc.headers.end());
  if (request.memory_bytes) box.limits.data_bytes = request.memory_bytes;
  box.limits.file_bytes = std::max<std::uint64_t>(request.object_bytes * 4, 64 << 20);
  box.limits.cpu_seconds = static_cast<std::uint64_t>(request.timeout_s) + 1;
  box.proc_and_dev = false;

  auto headers = standard_headers();
  headers.emplace_back(request.name, request.source);
  RunOptions run_options;
  Output output;
  // The candidate's source is a header of our own program, so that messages name its file and its lines.
  const json message = {
      {"options", options}, {"source", with_signatures(request.name, request.kernels)}, {"headers", headers}};
  std::vector<Fd> keep;
  if (request.sandbox) {
    TRY(confined, confine(box));
    static_cast<SpawnOptions&>(run_options) = confined.spawn;
    keep = std::move(confined.keep);
  } else {
    static_cast<SpawnOptions&>(run_options) = unconfined(box);
    run_options.directory.clear();
  }
  run_options.input = message.dump(-1, ' ', false, json::error_handler_t::replace);
  run_options.timeout_s = request.timeout_s;
  run_options.max_output_bytes = request.object_bytes + 1;
  run_options.capture = {{7, &output.cubin}};
  run_options.started = started;
  TRY(finished, run(run_options));
  if (!succeeded(finished.exit)) {
    if (finished.err.starts_with("bwrap: "))
      return fail("the sandbox does not work here", cut_text(finished.err, 500),
                  "see `burnish doctor`, or pass --no-sandbox", "environment");
    if (finished.err.starts_with("burnish nvrtc: "))
      return fail("NVRTC does not work here", cut_text(finished.err, 500), "see `burnish doctor`", "environment");
    return std::unexpected(explain(request, finished));
  }
  if (output.cubin.size() > request.object_bytes)
    return fail(fmt::format("{} compiles to more than {} MiB", request.name, request.object_bytes >> 20), "object",
                "make the kernels smaller", "object");
  output.log = std::move(finished.err);
  return output;
}

}  // namespace

Result<fs::path> compile(const CompileRequest& request, const std::function<void(int)>& started) {
  if (auto ok = check_kernel_names(request.kernels); !ok) return std::unexpected(ok.error());
  if (auto ok = check_source_name(request.name, true); !ok) return std::unexpected(ok.error());
  TRY(nvrtc, find_nvrtc());
  if (auto ok = check_architecture(nvrtc, request.architecture); !ok) return std::unexpected(ok.error());
  const auto options = options_of(request, nvrtc);
  std::error_code error;
  const json key = {recipe_version, nvrtc.version(), fs::file_size(nvrtc.library, error), options, request.kernels,
                    request.name,   request.source};
  const auto name = hash_hex(key.dump(-1, ' ', false, json::error_handler_t::replace)) + ".cubin";
  if (const auto known = request.cache.find(name)) return *known;

  TRY(output, run_compiler(request, nvrtc, options, started));
  auto kernels = read_kernels(output.cubin, request.kernels);
  if (!kernels) return inside(request.name, kernels.error());
  read_resources(output.log, *kernels);
  return request.cache.keep(name, encode({request.architecture, std::move(*kernels), std::move(output.cubin)}));
}

Result<Object> read_object(const fs::path& file) {
  TRY(bytes, read_file(file, std::uint64_t{1} << 30));
  auto object = decode(bytes);
  if (!object) return inside(file.string(), object.error());
  return object;
}

}  // namespace burnish::cuda
