/// compile_plan FOLDER CACHE SECONDS: checks a plan and compiles its kernels as the orchestrator does, and prints
/// {"ok": {source file: object}} or {"error": {"reason", "what", "where", "todo"}}. For the runners of tests/judge,
/// which talk to the judge themselves.
#include <cstdlib>
#include <iostream>
#include <map>

#include "base/files.h"
#include "plan/check.h"
#include "plan/parse.h"
#include "targets/cpu/compile.h"

namespace burnish {
namespace {

Result<json> build(const std::filesystem::path& folder, const std::filesystem::path& cache, double seconds) {
  TRY(plan, load_plan(folder));
  if (auto ok = check(plan); !ok) return std::unexpected(ok.error());
  std::map<std::string, cpu::CompileRequest> requests;
  for (const auto& [name, kernel] : plan.kernels) requests[kernel.source].kernels.push_back(name);
  json objects = json::object();
  for (auto& [source, request] : requests) {
    TRY(text, read_file(folder / source, 16 << 20));
    request.name = source;
    request.source = text;
    request.cache = cache;
    request.timeout_s = seconds;
    TRY(object, cpu::compile(request));
    objects[source] = object.string();
  }
  return objects;
}

}  // namespace
}  // namespace burnish

int main(int argc, char** argv) {
  using burnish::json;
  if (argc != 4) {
    std::cerr << "usage: compile_plan FOLDER CACHE SECONDS\n";
    return 2;
  }
  const auto built = burnish::build(argv[1], argv[2], std::atof(argv[3]));
  json out;
  if (built) {
    out = {{"ok", *built}};
  } else {
    const auto& e = built.error();
    out = {
        {"error",
         {{"reason", e.reason.empty() ? "plan" : e.reason}, {"what", e.what}, {"where", e.where}, {"todo", e.todo}}}};
  }
  std::cout << out.dump(-1, ' ', true, json::error_handler_t::replace) << "\n";
  return 0;
}
