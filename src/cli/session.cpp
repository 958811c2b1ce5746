#include "cli/session.h"

#include <sys/utsname.h>
#include <unistd.h>

#include "base/files.h"
#include "base/paths.h"
#include "cli/settings.h"
#include "providers/wire.h"
#include "targets/cpu/describe.h"
#include "targets/cuda/describe.h"

namespace burnish {
namespace fs = std::filesystem;

Result<std::unique_ptr<Store>> open_store(const CommonFlags& flags) {
  if (!flags.store.empty()) return Store::open(fs::absolute(flags.store));
  TRY(folder, data_folder());
  return Store::open(folder);
}

Result<fs::path> find_python() {
  if (const auto chosen = setting("python"); !chosen.empty()) {
    auto found = find_program(chosen);
    if (found.empty()) return fail("there is no such Python", chosen, "correct BURNISH_PYTHON", "environment");
    return found;
  }
  const auto folder = executable_path().parent_path();
  for (const auto* name : {"python3", "python"}) {
    auto beside = find_program((folder / name).string());
    if (!beside.empty()) return beside;
  }
  auto found = find_program("python3");
  if (found.empty())
    return fail("there is no python3", "PATH", "install Python 3.11 or set BURNISH_PYTHON", "environment");
  return found;
}

Result<JudgeConnection> judge_connection(const Store& store, const std::string& run, const std::string& problem) {
  TRY(python, find_python());
  JudgeConnection connection;
  connection.command = {python.string(), "-m", "burnish.judge"};
  connection.environment = {"BURNISH=" + executable_path().string(), "PYTHONUNBUFFERED=1"};
  // The judge hosts the user's module, which needs no key; its trusted workers inherit what it has.
  for (const auto& service : services()) {
    if (service.key_variable.empty()) continue;
    connection.hidden.emplace_back(service.key_variable);
    connection.hidden.push_back(std::string(service.key_variable) + "_COMMAND");
  }
  connection.log = store.folder() / "logs" / run / (file_name(problem) + ".log");
  connection.log_bytes = static_cast<std::size_t>(number_setting("log_bytes"));
  connection.open_seconds = number_setting("open_seconds");
  connection.silence_seconds = number_setting("silence_seconds");
  return connection;
}

json describe_host(const std::string& target) {
  json host = cpu::describe().to_json();
  host["device"] = host.value("name", "unknown processor");
  if (target == "cuda") {
    if (const auto gpu = cuda::describe()) {
      host["gpu"] = gpu->to_json();
      host["device"] = gpu->name;
    }
  }
  utsname system{};
  if (::uname(&system) == 0) {
    host["machine"] = system.nodename;
    host["system"] = std::string(system.sysname) + " " + system.release + " " + system.machine;
  }
  return host;
}

}  // namespace burnish
