// burnish-compiler-tool PLAN OUT [--target NAME] [--rules exact|same|all] [--channels-last] [--without NAME]...
// [--passes]: compiles a plan and writes it with its kernels to a folder. The Python tests run what it writes; users
// have `burnish optimize`.
#include <fstream>
#include <iostream>

#include "compiler/languages.h"
#include "compiler/pipeline.h"
#include "compiler/tables.h"
#include "plan/parse.h"
#include "plan/print.h"
#include "targets/cpu/entry.h"

int main(int argc, char** argv) {
  using namespace burnish;
  if (argc == 2 && std::string_view(argv[1]) == "--tables") {
    std::cout << compiler::describe_tables();
    return 0;
  }
  if (argc < 3) {
    std::cerr << "burnish-compiler-tool PLAN OUT [options]\n";
    return 2;
  }
  const compiler::Language* language = &compiler::cpp;
  compiler::Options options;
  bool passes = false;
  for (int i = 3; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--channels-last") options.channels_last = true;
    if (word == "--passes") passes = true;
    if (word == "--no-library") options.library = false;
    if (word == "--target" && i + 1 < argc) {
      language = compiler::language_of(argv[++i]);
      if (language == nullptr) return 2;
      if (language == &compiler::cuda) options.machine.threads = 132;  // an H100
    }
    if (word == "--without" && i + 1 < argc) options.without.insert(argv[++i]);
    if (word == "--rules" && i + 1 < argc) {
      const std::string name = argv[++i];
      options.rules = name == "exact"  ? compiler::RuleClass::exact
                      : name == "same" ? compiler::RuleClass::same
                                       : compiler::RuleClass::changes;
    }
  }
  options = compiler::options_for(*language, options);  // once: it turns off what a language cannot, for good
  const auto plan = load_plan(argv[1]);
  if (!plan) {
    std::cerr << to_text(plan.error()) << "\n";
    return 1;
  }
  const auto made = compiler::compile_plan(*plan, options, passes);
  if (!made) {
    std::cerr << to_text(made.error()) << "\n";
    return 1;
  }
  const std::filesystem::path out = argv[2];
  std::filesystem::create_directories(out);
  std::ofstream(out / "plan.json") << print_plan(made->plan);
  for (const auto& [file, text] : made->sources) std::ofstream(out / file) << text;
  std::vector<std::string> kernels;
  for (const auto& [name, kernel] : made->plan.kernels) kernels.push_back(name);
  if (!kernels.empty() && made->sources.contains("kernels.cpp"))
    std::ofstream(out / "entries.cpp") << cpu::with_entries("kernels.cpp", kernels);
  for (const auto& pass : made->log) std::cerr << pass.name << ": " << pass.milliseconds << " ms\n";
  for (const auto& pass : made->log)
    if (!pass.text.empty()) std::cout << "after " << pass.name << ":\n" << pass.text << "\n";
  std::cout << describe_plan(made->plan);
  for (const std::string& rule : made->fired) std::cout << "fired: " << rule << "\n";
}
