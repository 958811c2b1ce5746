#include "targets/metal/clang.h"

#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>

#include "base/files.h"
#include "base/hash.h"
#include "base/paths.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "targets/cpu/describe.h"
#include "targets/metal/diagnostics.h"

namespace fs = std::filesystem;

namespace burnish {
std::string_view metal_types();
std::string_view metal_math();
std::string_view metal_threads();
}  // namespace burnish

namespace burnish::metal {
namespace {

constexpr std::size_t most_output_bytes = 512 << 20;

// Metal's headers, which all lead to our one; a preprocessor finds them empty.
constexpr const char* headers[] = {"metal_stdlib",      "metal_math",       "metal_compute",
                                   "metal_atomic",      "metal_simdgroup",  "metal_simdgroup_matrix",
                                   "metal_integer",     "metal_geometric",  "metal_common",
                                   "metal_types",       "metal_relational", "metal_numeric",
                                   "metal_type_traits", "metal_limits",     "metal_config",
                                   "metal_array",       "metal_quadgroup",  "metal_uniform",
                                   "metal_pack",        "metal_matrix",     "metal_logging",
                                   "metal_utility"};

// What torch.mps compiles with: MTLLanguageVersion3_1.
constexpr const char* definitions =
    "-D__METAL__=1 -D__METAL_VERSION__=310 -D__METAL_MACOS__=1 -D__HAVE_BFLOAT__=1 -D__HAVE_SIMDGROUP_MATRIX__=1 "
    "-U__OPENCL_CPP_VERSION__ -U__x86_64__ -U__linux__";

std::unexpected<Error> no_compiler(const std::string& what, const std::string& name) {
  return fail(what + " cannot be found", name,
              "install clang-19 and lld-19 (Debian: apt-get install clang-19 lld-19 libclang-rt-19-dev), or name "
              "another clang in BURNISH_CLANG",
              "environment");
}

std::vector<std::string> compile_flags(bool checked, bool avx2) {
  std::vector<std::string> f = {
      "-x clcpp -cl-std=clc++2021 -target x86_64-linux-gnu -cl-no-stdinc -nostdinc",
      "-Xclang -cl-ext=+cl_khr_fp16,-cl_khr_fp64,-__opencl_c_fp64,-__opencl_c_pipes,-__opencl_c_device_enqueue,"
      "+__opencl_c_program_scope_global_variables,+__cl_clang_function_pointers,+__cl_clang_bitfields,+__cl_clang_"
      "variadic_functions",
      "-Xclang -fnative-half-arguments-and-returns -Xclang -fnative-half-type -cl-single-precision-constant",
      // half and bfloat are rounded after every operation, as the GPU does
      "-Xclang -ffloat16-excess-precision=none -Xclang -fbfloat16-excess-precision=none",
      "-fPIC -fno-math-errno -ffp-contract=fast -fno-ident -fno-stack-protector -fvisibility=hidden",
      // the engine tells divergent threads apart by their return addresses, and prefers the order of the source
      "-fno-omit-frame-pointer -mno-omit-leaf-frame-pointer -fno-optimize-sibling-calls -mllvm "
      "-disable-block-placement -mllvm -enable-tail-merge=0",
      "-fno-caret-diagnostics -fno-color-diagnostics -ferror-limit=20 -Wno-everything -Wuninitialized "
      "-Wsometimes-uninitialized",
      avx2 ? "-march=x86-64-v3" : "-march=x86-64-v2"};
  if (checked)
    f.insert(f.end(), {"-O1 -fsanitize=thread -fsanitize=array-bounds -fno-sanitize-recover=all -gline-tables-only "
                       "-fno-vectorize -fno-slp-vectorize",
                       "-mllvm -tsan-instrument-read-before-write=1"});
  else
    f.push_back("-O2");
  return f;
}

std::string joined(const std::vector<std::string>& parts) {
  std::string text;
  for (const auto& p : parts) text += p + " ";
  return text;
}

std::string library_text() {
  std::string text = "# 1 \"metal_stdlib\"\n";
  for (const auto part : {metal_types(), metal_math(), metal_threads()}) text += part;
  return text;
}

}  // namespace

struct Clang::Job {
  std::string command;  ///< of a shell; "$0" is clang, $T a folder to write in; runs where `files` lie
  std::vector<std::pair<std::string, std::string>> files;
  std::vector<std::pair<int, std::string*>> capture;
  const Translation* translation = nullptr;  ///< for the places of messages
  std::vector<std::string>* warnings = nullptr;
};

Result<Clang> Clang::find(const CompileRequest& request) {
  Clang clang(request);
  const char* chosen = getenv("BURNISH_CLANG");
  const auto program = find_program(chosen && *chosen ? chosen : "clang-19");
  std::error_code error;
  const auto real = fs::canonical(program, error);
  struct stat status{};
  if (program.empty() || error || stat(real.c_str(), &status) != 0)
    return no_compiler("clang", chosen && *chosen ? chosen : "clang-19");
  const auto linker = find_program("ld.lld-19").empty() ? real.parent_path() / "ld.lld" : find_program("ld.lld-19");
  if (access(linker.c_str(), X_OK) != 0) return no_compiler("the linker lld", linker.string());
  for (const auto& version : fs::directory_iterator(real.parent_path().parent_path() / "lib" / "clang", error)) {
    const auto library = version.path() / "lib" / "linux" / "libclang_rt.builtins-x86_64.a";
    if (fs::exists(library)) clang.builtins_ = library.string();
  }
  if (clang.builtins_.empty()) return no_compiler("clang's run-time library (libclang_rt.builtins)", real.string());
  clang.program_ = fs::absolute(program).string();
  clang.linker_ = linker.string();
  const auto device = cpu::describe();
  clang.flags_ = compile_flags(request.checked, device.flags.contains("avx2") && device.flags.contains("f16c"));
  clang.identity_ = hash_hex(fmt::format("{} {} {} {} {} {}", real.string(), status.st_size, status.st_mtim.tv_sec,
                                         joined(clang.flags_), definitions, library_text()));
  return clang;
}

/// Runs a job's command in the sandbox and returns what it wrote to descriptor 7.
Result<std::string> Clang::run_job(const Job& job, const std::function<void(int)>& started) const {
  SandboxOptions box;
  box.limits.data_bytes = request_.memory_bytes;
  box.limits.file_bytes = std::max<std::uint64_t>(request_.object_bytes * 4, 64 << 20);
  box.limits.cpu_seconds = static_cast<std::uint64_t>(request_.timeout_s) + 1;
  box.tmp_bytes = request_.object_bytes * 8;
  box.proc_and_dev = false;  // #include "/dev/zero" finds nothing
  if (!program_.starts_with("/usr/")) box.readable.push_back(fs::canonical(program_).parent_path().parent_path());
  std::optional<TemporaryFolder> scratch;
  std::string folder = "/src", work = "/tmp";
  if (request_.sandbox) {
    for (const auto& [name, text] : job.files) box.files.emplace_back("/src/" + name, text);
  } else {
    TRY(made, TemporaryFolder::make("burnish-metal"));
    scratch.emplace(std::move(made));
    folder = work = scratch->path().string();
    for (const auto& [name, text] : job.files)
      if (auto ok = write_file(scratch->path() / name, text); !ok) return std::unexpected(ok.error());
    box.env = {{"TMPDIR", folder}, {"PATH", getenv("PATH") ? getenv("PATH") : "/usr/bin:/bin"}};
  }
  box.argv = {"/bin/sh", "-c", fmt::format("cd '{}' && T='{}' && {}", folder, work, job.command), program_};
  std::string output;
  RunOptions options;
  options.timeout_s = request_.timeout_s;
  options.max_output_bytes = most_output_bytes;
  options.capture = {{7, &output}};
  options.capture.insert(options.capture.end(), job.capture.begin(), job.capture.end());
  options.started = started;
  std::vector<Fd> keep;
  if (request_.sandbox) {
    auto confined = confine(box);
    if (!confined) return std::unexpected(confined.error());
    static_cast<SpawnOptions&>(options) = confined->spawn;
    keep = std::move(confined->keep);
  } else {
    static_cast<SpawnOptions&>(options) = unconfined(box);
  }
  TRY(finished, run(options));
  const auto diagnosed = read_diagnostics(finished.err, request_.source, job.translation);
  if (succeeded(finished.exit)) {
    if (job.warnings) *job.warnings = diagnosed.warnings;
    return output;
  }
  if (finished.err.starts_with("bwrap: "))
    return fail("the sandbox does not work here", finished.err.substr(0, 500),
                "see `burnish doctor`, or pass --no-sandbox", "environment");
  if (std::holds_alternative<TimedOut>(finished.exit))
    return fail(
        fmt::format("program_source:1:1: error: the source does not compile within {:.0f} s", request_.timeout_s), "",
        "", "compile");
  if (!diagnosed.errors.empty()) return fail(diagnosed.errors, "", "", "compile");
  return fail("program_source:1:1: error: the compiler failed: " + describe(finished.exit),
              finished.err.substr(0, 2000), "", "compile");
}

Result<std::string> Clang::preprocess(const std::function<void(int)>& started) const {
  Job job{.command = fmt::format("\"$0\" {} {} -I . -E program_source >&7", joined(flags_), definitions),
          .files = {{"program_source", request_.source}}};
  for (const char* header : headers) job.files.emplace_back(header, "");
  return run_job(job, started);
}

/// Our library, compiled once for each compiler and set of flags.
Result<std::string> Clang::precompiled(const std::function<void(int)>& started) const {
  const auto path = request_.cache.folder() / ("metal-library-" + identity_ + ".pch");
  if (fs::exists(path)) return read_file(path);
  const Job job{
      .command = fmt::format("\"$0\" {} -Xclang -emit-pch -o $T/library.pch -c library.h && cat $T/library.pch >&7",
                             joined(flags_)),
      .files = {{"library.h", library_text()}}};
  TRY(text, run_job(job, started));
  if (auto ok = write_file(path, text); !ok) return std::unexpected(ok.error());
  return text;
}

Result<Built> Clang::build(const Translation& translation, const std::function<void(int)>& started) const {
  // A precompiled header knows the folder that it was made in: outside the sandbox that is another one each time.
  std::string library, use = joined(flags_) + "-include library.h ";
  if (request_.sandbox) {
    TRY(made, precompiled(started));
    library = std::move(made);
    use = joined(flags_) + "-Xclang -fno-validate-pch -include-pch library.pch ";
  }
  Built built;
  // The syntax tree is dumped beside the compilation: both take the same time. Clang's thread sanitizer brings a
  // constructor that calls its run-time library, which we are: it is cut out.
  // (A pipeline, whose status is the compilation's: a job in the background would want /dev/null, which is not there.)
  std::string command = fmt::format(
      "\"$0\" {0} -fsyntax-only -Xclang -ast-dump translated >&9 2>$T/tree.log | \"$0\" {0} -o $T/o.o -c translated || "
      "exit 1; ",
      use);
  if (request_.checked)
    command += "objcopy --remove-section=.init_array* --remove-section=.rela.init_array* $T/o.o && ";
  command += fmt::format(
      "'{}' -shared -o $T/o.so $T/o.o '{}' --exclude-libs ALL -z now -z relro -z noexecstack --build-id=none -soname "
      "metal_kernels "
      "-L/usr/lib/x86_64-linux-gnu -L/lib/x86_64-linux-gnu -l:libm.so.6 -l:libc.so.6 --as-needed && objdump -d -M "
      "intel --no-show-raw-insn $T/o.so >&8 && ",
      linker_, builtins_);
  if (request_.checked) command += "objdump --dwarf=decodedline $T/o.so >&6 && ";
  command += "cat $T/o.so >&7";
  Job job{.command = command,
          .files = {{"translated", translation.text}, {"library.h", library_text()}, {"library.pch", library}},
          .translation = &translation,
          .warnings = &built.warnings};
  job.capture = {{8, &built.disassembly}, {9, &built.syntax_tree}};
  if (request_.checked) job.capture.emplace_back(6, &built.line_table);
  TRY(object, run_job(job, started));
  if (object.size() > request_.object_bytes)
    return fail(
        fmt::format("program_source:1:1: error: the source compiles to more than {} MiB", request_.object_bytes >> 20),
        "", "", "compile");
  built.object = std::move(object);
  return built;
}

}  // namespace burnish::metal
