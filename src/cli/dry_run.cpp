#include "cli/dry_run.h"

#include <fmt/format.h>

#include "base/files.h"
#include "cli/output.h"
#include "swarm/supervisor.h"

namespace burnish {
namespace {

class ShownAsker : public Asker {
 public:
  ShownAsker(std::string problem, std::string agent, std::filesystem::path folder)
      : problem_(std::move(problem)), agent_(std::move(agent)), folder_(std::move(folder)) {}

  Result<Reply> ask(const Model& model, const Prompt& prompt, const OnText&) override {
    TRY(request, request_text(model, prompt));
    if (folder_.empty()) {
      print_text(fmt::format("===== {}, {} =====\n{}\n", problem_, agent_, request));
    } else {
      const auto file = folder_ / file_name(problem_) / file_name(agent_, ".-_", 80);
      if (auto ok = write_file(file.string() + ".request.txt", request); !ok) return std::unexpected(ok.error());
      if (auto ok = write_file(file.string() + ".prompt.md", to_text(prompt)); !ok) return std::unexpected(ok.error());
      print_text(file.string() + ".request.txt\n");
    }
    return fail("a dry run asks nobody", agent_, "", dry_run_reason);
  }

 private:
  std::string problem_, agent_;
  std::filesystem::path folder_;
};

}  // namespace

std::function<std::unique_ptr<Asker>(const std::string&, std::unique_ptr<Asker>)> show_requests(
    std::string problem, std::filesystem::path folder) {
  return [problem = std::move(problem), folder = std::move(folder)](const std::string& agent, std::unique_ptr<Asker>) {
    return std::make_unique<ShownAsker>(problem, agent, folder);
  };
}

}  // namespace burnish
