#include <exception>
#include <string_view>

#include "base/sandbox.h"
#include "cli/command.h"
#include "cli/output.h"
#include "cli/settings.h"
#include "targets/cuda/nvrtc.h"

namespace burnish {
namespace {

constexpr const char* version = "burnish " BURNISH_VERSION;

/// Every parse error as one sentence on stderr, status 2.
int misuse(const CLI::App& app, const CLI::ParseError& error) {
  const CLI::App* command = &app;
  for (const auto* chosen : app.get_subcommands()) command = chosen;
  std::string what = error.what();
  while (!what.empty() && (what.back() == '\n' || what.back() == '.')) what.pop_back();
  std::string help = command == &app ? "burnish --help" : "burnish " + command->get_name() + " --help";
  return report_error(Error{what, "", "see `" + help + "`", ""});
}

bool known(const CLI::App& app, const std::string& name) {
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
    if (command->get_name() == name) return true;
  return false;
}

int program_main(int argc, char** argv) {
  // The sandbox is started for every worker and compiler: it skips the parsing of everything else.
  if (argc >= 2 && std::string_view(argv[1]) == "sandbox") return sandbox_main(argc - 1, argv + 1);
  if (argc >= 2 && std::string_view(argv[1]) == "nvrtc") return cuda::nvrtc_main(argc - 1, argv + 1);

  CLI::App app("Makes PyTorch modules faster: agents propose, a judge that trusts none of them verifies and times.",
               "burnish");
  app.set_version_flag("--version", version);
  app.require_subcommand(1);
  app.footer("Examples:\n  burnish optimize model.py\n  burnish suite examples\n  burnish doctor\n\n" +
             settings_help());
  Program program{app, {}};
  add_optimize(program);
  add_eval(program);
  add_suite(program);
  add_experiment(program);
  add_report(program);
  add_show(program);
  add_verify(program);
  add_explain(program);
  add_export(program);
  add_doctor(program);
  add_prune(program);
  add_pack(program);
  add_unpack(program);
  add_models(program);
  add_requests(program);
  add_answers(program);
  add_build(program);
  add_compile(program);
  add_completion(program);
  if (argc == 1) {
    print_text(app.help());
    return exit_misuse;
  }
  if (argv[1][0] != '-' && !known(app, argv[1])) {
    return report_error(Error{"there is no command \"" + std::string(argv[1]) + "\"", "", "see `burnish --help`", ""});
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& done) {  // --help, --version
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    return misuse(app, error);
  }
  return program.run ? program.run() : exit_misuse;
}

}  // namespace
}  // namespace burnish

int main(int argc, char** argv) {
  try {
    return burnish::program_main(argc, argv);
  } catch (const std::exception& error) {
    // Nothing of ours throws on bad input; this is a bug or a machine without memory.
    return burnish::report_error(
               {std::string("internal error: ") + error.what(), "", "please report it", "environment"}),
           1;
  }
}
