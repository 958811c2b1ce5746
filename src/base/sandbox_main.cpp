#include <fmt/format.h>
#include <stdlib.h>
#include <string.h>

#include <cstdio>
#include <optional>
#include <string_view>

#include "base/sandbox.h"

namespace burnish {
namespace {

constexpr const char* usage =
    "usage: burnish sandbox [--read PATH]... [--env NAME=VALUE]... [--fd N]... [--directory DIR] [--tmp-bytes N] "
    "[--gpu 1]\n"
    "                       [--data-bytes N] [--file-bytes N] [--cpu-seconds N] [--processes N] [--seconds N]\n"
    "                       -- PROGRAM ARGS...\n";

std::optional<std::uint64_t> number(const std::string& text) {
  char* end = nullptr;
  const auto value = strtoull(text.c_str(), &end, 10);
  if (text.empty() || *end != 0 || text[0] == '-') return {};
  return value;
}

Result<std::pair<SandboxOptions, double>> parse(int argc, char** argv) {
  SandboxOptions o;
  o.fds = {{0, 0}, {1, 1}, {2, 2}};
  double seconds = 0;
  const auto amount = [&](const std::string& flag, const std::string& value, auto& target) -> Status {
    const auto n = number(value);
    if (!n) return fail("not a whole number", flag + " " + value, usage);
    target = *n;
    return {};
  };
  int i = 1;
  for (; i < argc && std::string_view(argv[i]) != "--"; i += 2) {
    const std::string flag = argv[i];
    if (i + 1 >= argc) return fail("no value", flag, usage);
    const std::string value = argv[i + 1];
    Status ok{};
    std::uint64_t n = 0;
    if (flag == "--read")
      o.readable.emplace_back(value);
    else if (flag == "--env")
      o.env.emplace_back(value.substr(0, value.find('=')), value.substr(std::min(value.size(), value.find('=') + 1)));
    else if (flag == "--directory")
      o.directory = value;
    else if (flag == "--tmp-bytes")
      ok = amount(flag, value, o.tmp_bytes);
    else if (flag == "--gpu") {
      ok = amount(flag, value, n);
      o.gpu = n != 0;
    } else if (flag == "--data-bytes")
      ok = amount(flag, value, o.limits.data_bytes);
    else if (flag == "--file-bytes")
      ok = amount(flag, value, o.limits.file_bytes);
    else if (flag == "--cpu-seconds")
      ok = amount(flag, value, o.limits.cpu_seconds);
    else if (flag == "--processes")
      ok = amount(flag, value, o.limits.processes);
    else if (flag == "--fd") {
      ok = amount(flag, value, n);
      o.fds.emplace_back(static_cast<int>(n), static_cast<int>(n));
    } else if (flag == "--seconds") {
      ok = amount(flag, value, n);
      seconds = static_cast<double>(n);
    } else
      return fail("unknown flag", flag, usage);
    if (!ok) return std::unexpected(ok.error());
  }
  for (++i; i < argc; ++i) o.argv.emplace_back(argv[i]);
  if (o.argv.empty()) return fail("no program after --", "burnish sandbox", usage);
  return std::pair(std::move(o), seconds);
}

}  // namespace

int sandbox_main(int argc, char** argv) {
  const auto complain = [](const Error& e, int code) {
    fmt::print(stderr, "burnish sandbox: {}\n", to_text(e));
    return code;
  };
  auto parsed = parse(argc, argv);
  if (!parsed) return complain(parsed.error(), 2);
  auto& [options, seconds] = *parsed;
  auto confined = confine(options);
  if (!confined) return complain(confined.error(), 2);
  auto process = spawn(confined->spawn);
  if (!process) return complain(process.error(), 2);
  std::optional<Clock::time_point> deadline;
  if (seconds > 0) deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(Seconds(seconds));
  const auto exit = process->wait(deadline);
  if (const auto* e = std::get_if<Exited>(&exit)) return e->code;
  fmt::print(stderr, "burnish sandbox: {}\n", describe(exit));
  return 1;
}

}  // namespace burnish
