#include "cli/flags.h"

#include <cctype>
#include <filesystem>

namespace burnish {
namespace fs = std::filesystem;

const CLI::Validator above_zero(
    [](std::string& text) {
      char* end = nullptr;
      const double value = std::strtod(text.c_str(), &end);
      return !text.empty() && *end == '\0' && value > 0 ? std::string() : "\"" + text + "\" is not a number above 0";
    },
    "N");

void add_store_flag(CLI::App& command, CommonFlags& flags) {
  command
      .add_option("--store", flags.store,
                  "the store's folder (default: $BURNISH_HOME, else the platform's data folder)")
      ->type_name("DIR");
}

void add_json_flag(CLI::App& command, CommonFlags& flags) {
  command.add_flag("--json", flags.json, "print JSON lines on stdout, the result last");
}

void add_judge_flags(CLI::App& command, JudgeFlags& flags) {
  auto& o = flags.options;
  const std::string group = "Judging";
  command.add_option("--target", o.target, "where module and candidates run")
      ->check(CLI::IsMember({"cpu", "cuda", "metal-emulated"}))
      ->capture_default_str()
      ->group(group);
  command.add_option("--inputs", o.inputs, "inputs that a candidate is verified on")
      ->check(CLI::Range(1, 100000))
      ->type_name("N")
      ->capture_default_str()
      ->group(group);
  command.add_option("--verify-seconds", o.verify_seconds, "may shrink the set of inputs, never below 10")
      ->check(above_zero)
      ->type_name("S")
      ->capture_default_str()
      ->group(group);
  command.add_option("--precision", o.precision, "as torch.set_float32_matmul_precision; ieee: TF32 off everywhere")
      ->check(CLI::IsMember({"highest", "high", "medium", "ieee"}))
      ->capture_default_str()
      ->group(group);
  command.add_option("--contract", o.contract, "kinds of input on which a candidate must be right")
      ->check(CLI::IsMember({"full", "narrow", "generator"}))
      ->capture_default_str()
      ->group(group);
  command.add_option("--domain", flags.domain, "what an input is, where it cannot be guessed (docs/judging.md)")
      ->type_name("NAME=KIND")
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->group(group);
  command.add_option("--mode", o.mode, "eval puts modules in eval mode; train keeps them as constructed")
      ->check(CLI::IsMember({"eval", "train"}))
      ->capture_default_str()
      ->group(group);
  command.add_flag("--deterministic", o.deterministic, "repeats must agree bit for bit")->group(group);
  command
      .add_flag("--no-sandbox", flags.no_sandbox, "run candidates without the sandbox: only for code that you trust")
      ->group(group);
}

Result<JudgeOptions> JudgeFlags::read() const {
  JudgeOptions read = options;
  read.sandbox = !no_sandbox;
  for (const auto& entry : domain) {
    const auto at = entry.find('=');
    if (at == 0 || at == std::string::npos || at + 1 == entry.size()) {
      return fail("\"" + entry + "\" is not NAME=KIND", "--domain", "write, for example, --domain x=positive");
    }
    read.domain.emplace_back(entry.substr(0, at), entry.substr(at + 1));
  }
  return read;
}

Result<ProblemSpec> read_problem(const std::string& text, const std::string& inputs_from) {
  ProblemSpec spec;
  spec.file = text;
  std::error_code ec;
  // A file may have a colon in its name: what exists as it stands is a file.
  if (const auto colon = text.rfind(':'); colon != std::string::npos && !fs::exists(text, ec)) {
    spec.file = text.substr(0, colon);
    spec.cls = text.substr(colon + 1);
    if (spec.cls.empty()) return fail("no class is named after the colon", text, "write FILE:Class", "file");
  }
  if (!fs::exists(spec.file, ec)) return fail("there is no such file", spec.file, "check the path", "file");
  if (fs::is_directory(spec.file, ec)) {
    return fail("this is a folder, not a file", spec.file, "name a file in it, or use `burnish suite` for all of them",
                "file");
  }
  spec.file = fs::absolute(spec.file, ec).lexically_normal().string();
  spec.inputs_from = inputs_from;
  spec.name = fs::path(spec.file).stem().string() + (spec.cls.empty() ? "" : "." + spec.cls);
  return spec;
}

}  // namespace burnish
