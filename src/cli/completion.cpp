// Shell completion from the same tree that parses the command line, so it cannot fall behind.
#include <fmt/format.h>

#include "cli/command.h"
#include "cli/output.h"

namespace burnish {
namespace {

struct Word {
  std::string text, help;
};

std::string first_line(std::string text) {
  text = text.substr(0, text.find('\n'));
  std::string plain;
  for (const char c : text)
    if (c != '\'' && c != '"' && c != '`' && c != ':' && c != '[' && c != ']' && c != '$' && c != '\\') plain += c;
  return plain;
}

std::vector<const CLI::App*> commands(const CLI::App& app) {
  std::vector<const CLI::App*> shown;
  for (const auto* command : app.get_subcommands([](const CLI::App*) { return true; }))
    if (!command->get_group().empty()) shown.push_back(command);
  return shown;
}

std::vector<Word> options(const CLI::App& app) {
  std::vector<Word> words;
  for (const auto* option :
       app.get_options([](const CLI::Option* o) { return o->nonpositional() && !o->get_group().empty(); }))
    for (const auto& name : option->get_lnames()) words.push_back({"--" + name, first_line(option->get_description())});
  return words;
}

std::string join(const std::vector<Word>& words) {
  std::string text;
  for (const auto& word : words) text += (text.empty() ? "" : " ") + word.text;
  return text;
}

std::string bash(const CLI::App& app) {
  std::string names, cases;
  for (const auto* command : commands(app)) {
    names += (names.empty() ? "" : " ") + command->get_name();
    cases += fmt::format("    {}) words=\"{}\" ;;\n", command->get_name(), join(options(*command)));
  }
  return fmt::format(
      "# burnish completion for bash: source <(burnish completion bash)\n"
      "_burnish() {{\n"
      "  local current=${{COMP_WORDS[COMP_CWORD]}} words=\"\"\n"
      "  case ${{COMP_CWORD}} in\n"
      "    1) words=\"{} {}\" ;;\n"
      "    *) case ${{COMP_WORDS[1]}} in\n{}"
      "    esac ;;\n"
      "  esac\n"
      "  if [[ $current == -* || $COMP_CWORD == 1 ]]; then COMPREPLY=($(compgen -W \"$words\" -- \"$current\"))\n"
      "  else COMPREPLY=($(compgen -f -- \"$current\")); fi\n"
      "}}\n"
      "complete -o filenames -F _burnish burnish\n",
      names, join(options(app)), cases);
}

std::string zsh(const CLI::App& app) {
  std::string names, cases;
  for (const auto* command : commands(app)) {
    names += fmt::format("    '{}:{}'\n", command->get_name(), first_line(command->get_description()));
    cases += fmt::format("    {}) _arguments", command->get_name());
    for (const auto& option : options(*command)) cases += fmt::format(" '{}[{}]'", option.text, option.help);
    cases += " '*:file:_files' ;;\n";
  }
  return fmt::format(
      "#compdef burnish\n"
      "# burnish completion for zsh: burnish completion zsh > \"${{fpath[1]}}/_burnish\"\n"
      "_burnish() {{\n"
      "  local -a commands\n"
      "  commands=(\n{}  )\n"
      "  if (( CURRENT == 2 )); then _describe command commands; return; fi\n"
      "  local command=$words[2]\n"
      "  shift words; (( CURRENT-- ))\n"
      "  case $command in\n{}"
      "  esac\n"
      "}}\n"
      "_burnish \"$@\"\n",
      names, cases);
}

std::string fish(const CLI::App& app) {
  std::string text =
      "# burnish completion for fish: burnish completion fish > ~/.config/fish/completions/burnish.fish\n";
  for (const auto* command : commands(app)) {
    text += fmt::format("complete -c burnish -n __fish_use_subcommand -f -a {} -d '{}'\n", command->get_name(),
                        first_line(command->get_description()));
    for (const auto& option : options(*command)) {
      text += fmt::format("complete -c burnish -n '__fish_seen_subcommand_from {}' -l {} -d '{}'\n",
                          command->get_name(), option.text.substr(2), option.help);
    }
  }
  return text;
}

}  // namespace

void add_completion(Program& program) {
  auto shell = std::make_shared<std::string>();
  auto& command = *program.app.add_subcommand("completion", "print a completion script for a shell");
  command.add_option("shell", *shell, "the shell")->check(CLI::IsMember({"bash", "zsh", "fish"}))->required();
  command.footer("Example:\n  source <(burnish completion bash)");
  command.callback([&program, shell] {
    program.run = [&program, shell] {
      print_text(*shell == "bash" ? bash(program.app) : *shell == "zsh" ? zsh(program.app) : fish(program.app));
      return exit_ok;
    };
  });
}

}  // namespace burnish
