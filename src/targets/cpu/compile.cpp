#include "targets/cpu/compile.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>

#include "base/files.h"
#include "base/hash.h"
#include "base/json.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "targets/cpu/describe.h"
#include "targets/cpu/entry.h"
#include "targets/cpu/objects.h"
#include "targets/sources.h"

namespace fs = std::filesystem;

namespace burnish::cpu {
namespace {

constexpr const char* recipe_version = "3";  // part of every cache key: raise it when entries, flags or checks change
constexpr std::size_t most_disassembly_bytes = 256 << 20;

struct Compiler {
  fs::path program;      ///< resolved
  std::string identity;  ///< changes when the compiler is replaced
};

std::unexpected<Error> no_compiler(const std::string& name) {
  return fail("the C++ compiler cannot be found", name,
              "install g++ (Debian: apt-get install g++), or name another one in BURNISH_CXX", "environment");
}

Result<Compiler> find_compiler() {
  const char* chosen = getenv("BURNISH_CXX");
  const std::string name = chosen && *chosen ? chosen : "g++";
  std::string path = getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin";
  fs::path found;
  if (name.find('/') != std::string::npos) {
    found = name;
  } else {
    for (std::size_t begin = 0; begin <= path.size() && found.empty();) {
      const auto end = std::min(path.find(':', begin), path.size());
      const fs::path candidate = fs::path(path.substr(begin, end - begin)) / name;
      if (access(candidate.c_str(), X_OK) == 0) found = candidate;
      begin = end + 1;
    }
  }
  if (found.empty() || access(found.c_str(), X_OK) != 0) return no_compiler(name);
  std::error_code error;
  const auto real = fs::canonical(found, error);
  struct stat status{};
  if (error || stat(real.c_str(), &status) != 0) return no_compiler(name);
  // ccache and other wrappers would need their own files in the sandbox: the name decides what is run.
  return Compiler{fs::absolute(found), fmt::format("{} {} {}", real.string(), status.st_size, status.st_mtim.tv_sec)};
}

std::vector<std::string> flags(const Device& device, const CompileRequest& request) {
  std::vector<std::string> f = {"-std=c++20",
                                "-O3",
                                "-march=native",
                                "-fno-math-errno",
                                "-fno-trapping-math",
                                "-ffp-contract=fast",
                                "-fopenmp-simd",
                                "-fno-exceptions",
                                "-fno-rtti",
                                "-fno-ident",
                                "-fmax-errors=20",
                                "-fdiagnostics-color=never",
                                "-shared",
                                "-fPIC"};
  if (device.flags.contains("avx512f")) f.push_back("-mprefer-vector-width=512");
  for (const auto& s : request.sanitize) f.push_back("-fsanitize=" + s);
  // No start files: they carry constructors, and every constructor that is left is then the candidate's own.
  if (request.sanitize.empty()) f.insert(f.end(), {"-nostdlib", "-nostartfiles"});
  return f;
}

Status check_names(const CompileRequest& request) {
  if (auto ok = check_kernel_names(request.kernels); !ok) return ok;
  for (const auto& s : request.sanitize)
    if (s != "address" && s != "undefined") return fail("unknown sanitizer", s, "use address or undefined", "plan");
  return check_source_name(request.name, false);
}

/// Folder names of the sandbox would only confuse: /src/kernels.cpp becomes kernels.cpp.
std::string diagnostics(std::string text, std::size_t most) {
  for (const std::string folder : {"/src/"})
    for (std::size_t at = 0; (at = text.find(folder, at)) != std::string::npos;) text.erase(at, folder.size());
  return cut_text(text, most);
}

Error explain(const CompileRequest& request, const Finished& finished) {
  const auto text = diagnostics(finished.err, request.diagnostics_bytes);
  const auto has = [&](const char* part) { return finished.err.find(part) != std::string::npos; };
  std::string why = "does not compile";
  if (std::holds_alternative<TimedOut>(finished.exit))
    why = fmt::format("does not compile within {:.0f} s", request.timeout_s);
  else if (std::holds_alternative<OutOfMemory>(finished.exit) || has("out of memory") ||
           has("virtual memory exhausted") || has("bad_alloc"))
    why = fmt::format("does not compile within {} MiB of memory", request.memory_bytes >> 20);
  else if (has("File size limit") || has("No space left"))
    why = "makes the compiler write more than it may";
  else if (has("CPU time limit"))
    why = fmt::format("does not compile within {:.0f} s", request.timeout_s);
  return Error{fmt::format("{} {}", request.name, why), text.empty() ? describe(finished.exit) : text, "", "compile"};
}

struct Output {
  std::string object, disassembly;
};

/// One run in the sandbox: compile, disassemble, hand both over by descriptors, so that nothing but /tmp is writable.
Result<Output> run_compiler(const CompileRequest& request, const Compiler& compiler,
                            const std::vector<std::string>& options, const std::function<void(int)>& started) {
  SandboxOptions box;
  box.limits.data_bytes = request.memory_bytes;
  box.limits.file_bytes = std::max<std::uint64_t>(request.object_bytes * 4, 64 << 20);
  box.limits.cpu_seconds = static_cast<std::uint64_t>(request.timeout_s) + 1;
  box.tmp_bytes = request.object_bytes * 8;
  box.proc_and_dev = false;  // #include "/dev/zero" finds nothing
  box.readable = {};
  if (!compiler.program.string().starts_with("/usr/"))
    box.readable.push_back(fs::canonical(compiler.program).parent_path().parent_path());

  std::string folder = "/src", work = "/tmp";
  fs::path scratch;
  const auto entries = with_entries(request.name, request.kernels);
  if (request.sandbox) {
    box.files = {{"/src/" + request.name, request.source}, {"/src/burnish_entries.cc", entries}};
  } else {
    std::string pattern = (fs::temp_directory_path() / "burnish-compile-XXXXXX").string();
    if (!mkdtemp(pattern.data())) return system_failure("mkdtemp", pattern);
    scratch = folder = work = pattern;
    for (const auto& [name, text] :
         {std::pair(request.name, request.source), {std::string("burnish_entries.cc"), entries}})
      if (auto ok = write_file(scratch / name, text); !ok) return std::unexpected(ok.error());
    box.directory = folder;
    box.env = {{"TMPDIR", folder}, {"PATH", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin"}};
  }
  const auto clean = [&] {
    std::error_code ignored;
    if (!scratch.empty()) fs::remove_all(scratch, ignored);
  };
  std::string command = "\"$0\"";
  for (const auto& option : options) command += " '" + option + "'";
  const auto object = work + "/burnish_object.so";
  command += fmt::format(
      " -o '{0}' '{1}/burnish_entries.cc' -Wl,--as-needed,-z,now,-z,relro,-z,noexecstack{2} -lstdc++ -lm -lc -lgcc && "
      "objdump -d -M intel --no-show-raw-insn '{0}' >&8 && cat '{0}' >&7",
      object, folder, request.sanitize.empty() ? ",-z,defs" : "");
  box.argv = {"/bin/sh", "-c", command, compiler.program.string()};

  Output output;
  RunOptions options_of_run;
  options_of_run.timeout_s = request.timeout_s;
  options_of_run.max_output_bytes = most_disassembly_bytes;
  options_of_run.capture = {{7, &output.object}, {8, &output.disassembly}};
  options_of_run.started = started;
  Result<Finished> finished = fail("");
  if (request.sandbox) {
    auto confined = confine(box);
    if (!confined) return std::unexpected(confined.error());
    static_cast<SpawnOptions&>(options_of_run) = confined->spawn;
    finished = run(options_of_run);
  } else {
    static_cast<SpawnOptions&>(options_of_run) = unconfined(box);
    finished = run(options_of_run);
  }
  clean();
  if (!finished) return std::unexpected(finished.error());
  if (!succeeded(finished->exit)) {
    if (finished->err.starts_with("bwrap: "))
      return fail("the sandbox does not work here", cut_text(finished->err, 500),
                  "see `burnish doctor`, or pass --no-sandbox", "environment");
    return std::unexpected(explain(request, *finished));
  }
  if (output.object.size() > request.object_bytes || finished->truncated)
    return fail(fmt::format("{} compiles to more than {} MiB", request.name, request.object_bytes >> 20), "object",
                "make the kernel smaller", "object");
  return output;
}

}  // namespace

Result<std::vector<std::string>> compiler_flags() {
  TRY(compiler, find_compiler());
  auto all = flags(describe(), {});
  all.insert(all.begin(), compiler.program.string());
  return all;
}

Result<fs::path> compile(const CompileRequest& request, const std::function<void(int)>& started) {
  if (auto ok = check_names(request); !ok) return std::unexpected(ok.error());
  TRY(compiler, find_compiler());
  const auto device = describe();
  const auto options = flags(device, request);
  const json key = {recipe_version,  compiler.identity, options,       device.flags,
                    request.kernels, request.name,      request.source};
  const auto name = hash_hex(key.dump(-1, ' ', false, json::error_handler_t::replace)) + ".so";
  if (const auto known = request.cache.find(name)) return *known;

  TRY(output, run_compiler(request, compiler, options, started));
  const ObjectRules rules{request.kernels, !request.sanitize.empty()};
  if (auto ok = check_object(output.object, output.disassembly, rules); !ok) return inside(request.name, ok.error());
  return request.cache.keep(name, output.object);
}

}  // namespace burnish::cpu
