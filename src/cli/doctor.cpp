#include <fmt/format.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/paths.h"
#include "base/process.h"
#include "base/sandbox.h"
#include "base/terminal.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/measure.h"
#include "cli/output.h"
#include "cli/session.h"
#include "targets/cpu/compile.h"
#include "targets/cpu/describe.h"
#include "targets/cuda/describe.h"
#include "targets/cuda/nvrtc.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

struct DoctorFlags {
  CommonFlags common;
  bool measure = false;
  std::string target = "cpu";
};

/// What one check found. `needed`: without it nothing works.
struct Finding {
  std::string name;
  bool ok = false, needed = true;
  std::string detail, todo;
};

Finding found(std::string name, std::string detail) {
  return {std::move(name), true, true, std::move(detail), ""};
}
Finding missing(std::string name, const Error& error) {
  const auto where = error.where.empty() ? "" : " (" + error.where + ")";
  return {std::move(name), false, true, error.what + where, error.todo};
}

Finding check_store(const CommonFlags& flags) {
  auto store = open_store(flags);
  if (!store) return missing("store", store.error());
  auto kept = (*store)->artifacts().put("burnish doctor was here\n");
  if (!kept) return missing("store", kept.error());
  struct statvfs disk{};
  std::string detail = (*store)->folder().string();
  if (::statvfs((*store)->folder().c_str(), &disk) == 0) {
    detail += ", " + bytes_text(static_cast<double>(disk.f_bavail) * static_cast<double>(disk.f_frsize)) + " free";
  }
  return found("store", detail);
}

Finding check_sandbox() {
  if (auto ok = try_sandbox(); !ok) return missing("sandbox", ok.error());
  return found("sandbox", "bubblewrap starts a confined process");
}

Finding check_compiler(bool sandbox) {
  auto cache = TemporaryFolder::make("burnish-doctor");
  if (!cache) return missing("compiler", cache.error());
  cpu::CompileRequest request;
  request.name = "doctor.cpp";
  request.source =
      "#include <cstdint>\n"
      "extern \"C\" void doctor(std::int64_t begin, std::int64_t end, const float* x, float* y) {\n"
      "  for (std::int64_t i = begin; i < end; ++i) y[i] = 2 * x[i];\n}\n";
  request.kernels = {"doctor"};
  request.cache = cache->path();
  request.sandbox = sandbox;
  const auto begin = Clock::now();
  auto object = cpu::compile(request);
  if (!object) return missing("compiler", object.error());
  return found("compiler", fmt::format("compiles a kernel in {}{}", seconds_text(Seconds(Clock::now() - begin).count()),
                                       sandbox ? "" : ", without the sandbox"));
}

/// Runs a line of Python; its output, or what went wrong.
Result<std::string> ask_python(const fs::path& python, const std::string& code, double timeout_s) {
  RunOptions options;
  options.argv = {python.string(), "-c", code};
  options.timeout_s = timeout_s;
  TRY(done, run(std::move(options)));
  auto text = succeeded(done.exit) ? done.out : done.err;
  while (!text.empty() && std::isspace(static_cast<unsigned char>(text.back()))) text.pop_back();
  if (succeeded(done.exit)) return text;
  const auto line = text.rfind('\n');
  return fail(text.empty() ? describe(done.exit) : text.substr(line == std::string::npos ? 0 : line + 1),
              python.string());
}

std::vector<Finding> check_python() {
  std::vector<Finding> findings;
  auto python = find_python();
  if (!python) return {missing("python", python.error())};
  auto version = ask_python(
      *python,
      "import sys; assert sys.version_info >= (3, 11), 'Python 3.11 or newer is needed'; print(sys.version.split()[0])",
      30);
  if (!version) {
    version.error().todo = "install Python 3.11 or newer, or set BURNISH_PYTHON";
    return {missing("python", version.error())};
  }
  findings.push_back(found("python", *version + " at " + python->string()));
  auto torch = ask_python(
      *python, "import torch; torch.ones(2) + 1; print(torch.__version__, 'with', torch.get_num_threads(), 'threads')",
      120);
  if (!torch) torch.error().todo = "install PyTorch 2.11 or newer for this Python: pip install torch";
  findings.push_back(torch ? found("torch", *torch) : missing("torch", torch.error()));
  auto package = ask_python(*python, "import burnish, os; print(os.path.dirname(burnish.__file__))", 120);
  if (!package)
    package.error().todo = "install the package for this Python: pip install burnish, or `make setup` in a checkout";
  findings.push_back(package ? found("package", *package) : missing("package", package.error()));
  if (torch && package) {
    auto runtime = ask_python(*python, "import burnish.native as n; n.runtime(); print(n.worker_path())", 600);
    if (!runtime) runtime.error().todo = "build it and see why it fails: python -m burnish.native";
    findings.push_back(runtime ? found("runtime", *runtime) : missing("runtime", runtime.error()));
  }
  return findings;
}

std::vector<Finding> check_devices() {
  const auto cpu = cpu::describe();
  std::string vectors = cpu.vector_bytes == 64 ? "AVX-512" : cpu.vector_bytes == 32 ? "AVX2" : "128-bit vectors";
  std::vector<Finding> findings = {found("cpu", fmt::format("{}, {} cores, {}", cpu.name, cpu.cores, vectors))};
  // A GPU is a choice: without one the target cpu works.
  const auto optional = [&](const char* name, const auto& result, const auto& describe) {
    auto finding = result ? found(name, describe(*result)) : missing(name, result.error());
    finding.needed = result.has_value();
    findings.push_back(std::move(finding));
  };
  optional("cuda", cuda::describe(), [](const cuda::Device& gpu) {
    return fmt::format("{}, capability {}.{}, {}, driver for CUDA {}.{}", gpu.name, gpu.capability_major,
                       gpu.capability_minor, bytes_text(static_cast<double>(gpu.memory_bytes)), gpu.driver_major,
                       gpu.driver_minor);
  });
  optional("nvrtc", cuda::find_nvrtc(), [](const cuda::Nvrtc& nvrtc) {
    return fmt::format("{} at {}{}", nvrtc.version(), nvrtc.library.string(),
                       cuda::has_all_headers(nvrtc)
                           ? ""
                           : ", without all of CUDA's headers (pip install nvidia-cuda-runtime nvidia-cuda-crt "
                             "nvidia-cuda-cccl)");
  });
  return findings;
}

/// What this machine can do at most, kept for `burnish explain`.
Finding measure(const CommonFlags& flags, const std::string& target, bool sandbox) {
  auto store = open_store(flags);
  if (!store) return missing("roofline", store.error());
  const auto begin = Clock::now();
  auto roofline = measure_roofline(**store, target, sandbox);
  if (!roofline) return missing("roofline", roofline.error());
  return found("roofline", fmt::format("{} ({}, measured in {})", describe(*roofline), target,
                                       seconds_text(Seconds(Clock::now() - begin).count())));
}

int doctor(const DoctorFlags& chosen) {
  const CommonFlags& flags = chosen.common;
  std::vector<Finding> findings;
  const auto add = [&](Finding finding) {
    if (!flags.json) {
      const bool colour = has_colour(STDOUT_FILENO);
      const auto mark = finding.ok ? paint("ok     ", Colour::green, colour)
                                   : paint(finding.needed ? "MISSING" : "absent ", Colour::red, colour);
      print_text(fmt::format("{}  {:<9} {}\n", mark, finding.name, finding.detail));
      if (!finding.ok && !finding.todo.empty()) print_text(fmt::format("         {:<9} to do: {}\n", "", finding.todo));
    }
    findings.push_back(std::move(finding));
  };
  add(check_store(flags));
  auto sandbox = check_sandbox();
  const bool confined = sandbox.ok;
  add(std::move(sandbox));
  add(check_compiler(confined));
  for (auto& finding : check_python()) add(std::move(finding));
  for (auto& finding : check_devices()) add(std::move(finding));
  if (chosen.measure) add(measure(flags, chosen.target, confined));
  bool healthy = true;
  json all = json::array();
  for (const auto& finding : findings) {
    healthy &= finding.ok || !finding.needed;
    all.push_back({{"name", finding.name},
                   {"ok", finding.ok},
                   {"needed", finding.needed},
                   {"detail", finding.detail},
                   {"todo", finding.todo}});
  }
  if (flags.json) print_json({{"ok", healthy}, {"checks", all}});
  return healthy ? exit_ok : exit_failure;
}

}  // namespace

void add_doctor(Program& program) {
  auto flags = std::make_shared<DoctorFlags>();
  auto& command =
      *program.app.add_subcommand("doctor", "what is installed and works, and what to do about what does not");
  auto* measure = command.add_flag("--measure", flags->measure,
                                   "measure too what the machine can do at most (a copy's bandwidth, fp32 "
                                   "operations), for `burnish explain`: a few seconds");
  command.add_option("--target", flags->target, "with --measure: cpu or cuda")
      ->check(CLI::IsMember({"cpu", "cuda"}))
      ->needs(measure);
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer(
      "Exit status: 0 all that is needed works, 1 something does not.\n"
      "Examples:\n  burnish doctor\n  burnish doctor --measure");
  command.callback([&program, flags] { program.run = [flags] { return doctor(*flags); }; });
}

}  // namespace burnish
