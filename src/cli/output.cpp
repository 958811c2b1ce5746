#include "cli/output.h"

#include <unistd.h>

#include <cstdio>

#include "base/terminal.h"
#include "base/verdict.h"
#include "cli/command.h"
#include "swarm/judge.h"

namespace burnish {

void print_json(const json& line) {
  print_text(line.dump(-1, ' ', false, json::error_handler_t::replace) + "\n");
}

void print_text(const std::string& text) {
  std::fwrite(text.data(), 1, text.size(), stdout);
  std::fflush(stdout);
}

int report_error(const Error& error) {
  if (error.reason == interrupted_reason) return exit_interrupted;
  const auto label = paint("burnish:", Colour::red, has_colour(STDERR_FILENO));
  std::fprintf(stderr, "%s %s\n", label.c_str(), to_text(error).c_str());
  return exit_misuse;
}

int report_error(const Error& error, bool as_json) {
  const int status = report_error(error);
  if (as_json && status != exit_interrupted) print_json(make_verdict(Verdict::Kind::error, error).body);
  return status;
}

}  // namespace burnish
