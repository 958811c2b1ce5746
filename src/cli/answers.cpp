#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "agents/asker.h"
#include "base/files.h"
#include "base/paths.h"
#include "cli/command.h"
#include "cli/flags.h"
#include "cli/output.h"
#include "cli/session.h"
#include "providers/wire.h"
#include "swarm/requests.h"
#include "swarm/scratch.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t largest_answers = std::uint64_t{1} << 30;  ///< bytes of one file: a whole batch, with room

struct AnswersFlags {
  CommonFlags common;
  std::string run, folder;
  bool no_judging = false;
};

/// One answer as it was found, or why it is none.
struct Answer {
  std::string id;
  Result<Reply> reply;
  std::string where;  ///< file, or file:line
};

/// A line of a batch service's results: Anthropic's Message Batches, OpenAI's Batch API, or {"custom_id", "text"}.
Result<Reply> reply_of(const json& line) {
  if (const auto text = line.find("text"); text != line.end() && text->is_string())
    return Reply{.text = *text, .usage = {}, .stop = Stop::end, .raw_stop = ""};
  const json::json_pointer message("/result/message"), body("/response/body");
  if (line.contains(message)) return anthropic_messages.whole(line[message]);
  if (line.contains(body)) return chat_completions.whole(line[body]);
  return fail("the service gave no answer: " + line.dump(-1, ' ', false, json::error_handler_t::replace).substr(0, 300),
              "", "ask again: the request stays open");
}

void read_lines(const std::string& text, const std::string& file, std::vector<Answer>& answers) {
  std::size_t number = 0;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    const auto line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.find_first_not_of(" \t\r") == std::string::npos) continue;
    const auto where = fmt::format("{}:{}", file, number);
    const json parsed = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (!parsed.is_object() || !parsed.value("custom_id", json()).is_string()) {
      answers.push_back({"", fail("this is no line of a batch's results", where, "it needs a \"custom_id\""), where});
      continue;
    }
    answers.push_back({parsed["custom_id"], reply_of(parsed), where});
  }
}

/// Answers in the folder's files: ID.answer.md, ID.md, ID.txt, and batch results in *.jsonl. Prompts that lie there
/// unanswered are no answers.
Result<std::vector<Answer>> read_answers(const fs::path& folder, const std::vector<Request>& open) {
  std::error_code ec;
  if (!fs::is_directory(folder, ec)) return fail("there is no such folder", folder.string(), "name one with answers");
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder, ec))
    if (entry.is_regular_file(ec)) files.push_back(entry.path());
  std::ranges::sort(files);
  std::set<std::string> prompts;
  for (const auto& request : open) prompts.insert(to_text(request.prompt));
  std::vector<Answer> answers;
  for (const auto& file : files) {
    const auto extension = file.extension();
    if (extension != ".md" && extension != ".txt" && extension != ".jsonl") continue;
    const auto name = file.filename().string();
    // Whoever wrote the answers must not choose what else of this machine goes into the store and the next prompts.
    auto text = read_file(file, largest_answers, Links::refuse);
    if (!text) {
      answers.push_back({"", std::unexpected(text.error()), name});
      continue;
    }
    if (extension == ".jsonl") {
      // What `burnish requests --batch` wrote has no results in it.
      if (text->find("\"response\"") == std::string::npos && text->find("\"result\"") == std::string::npos &&
          text->find("\"text\"") == std::string::npos)
        continue;
      read_lines(*text, name, answers);
      continue;
    }
    if (prompts.contains(*text)) continue;
    const auto id = name.substr(0, name.find('.'));
    answers.push_back({id, Reply{.text = std::move(*text), .usage = {}, .stop = Stop::end, .raw_stop = ""}, name});
  }
  return answers;
}

/// Goes on with the run in this very process: the answers are judged as the run's own command judges everything.
int go_on(const RunRecord& run, const AnswersFlags& flags) {
  const auto self = executable_path().string();
  std::vector<std::string> words = {self, run.command, "--resume", run.id};
  if (!flags.common.store.empty()) words.insert(words.end(), {"--store", flags.common.store});
  if (flags.common.json) words.emplace_back("--json");
  std::vector<char*> arguments;
  for (auto& word : words) arguments.push_back(word.data());
  arguments.push_back(nullptr);
  ::execv(self.c_str(), arguments.data());
  return report_error({"burnish cannot be started again", self,
                       fmt::format("burnish {} --resume {}", run.command, run.id), "environment"});
}

Result<int> answers(const AnswersFlags& flags) {
  TRY(store, open_store(flags.common));
  TRY(run, store->run(flags.run));
  TRY(scratch, Scratch::make());
  TRY(open, open_requests(*store, run, scratch.path()));
  TRY(found, read_answers(flags.folder, open));
  TRY(answered, answered_requests(*store, run));
  int taken = 0, before = 0, faults = 0;
  for (const auto& answer : found) {
    if (!answer.reply) {
      ++faults;
      std::fprintf(stderr, "%s: %s\n", answer.where.c_str(), to_text(answer.reply.error()).c_str());
      continue;
    }
    TRY(what, take_answer(*store, open, answered, answer.id, *answer.reply));
    taken += what == Taken::taken;
    before += what == Taken::answered_before;
    if (what != Taken::unknown) continue;
    ++faults;
    std::fprintf(stderr, "%s: the run has no request \"%s\": `burnish requests %s` lists them\n", answer.where.c_str(),
                 answer.id.c_str(), run.id.c_str());
  }
  const auto said = fmt::format("{} answers taken, {} answered before, {} not usable, {} requests were open\n", taken,
                                before, faults, open.size());
  // An experiment goes on by its file, which only its user has.
  if (taken == 0 || flags.no_judging || run.command == "experiment") {
    if (flags.common.json)
      print_json({{"run", run.id}, {"taken", taken}, {"before", before}, {"unusable", faults}, {"open", open.size()}});
    else
      print_text(said + (run.command == "experiment" ? "To judge them: burnish experiment FILE.toml again\n" : ""));
    return taken > 0 || faults == 0 ? exit_ok : exit_failure;
  }
  std::fputs(said.c_str(), stderr);
  store.reset();
  return go_on(run, flags);
}

}  // namespace

void add_answers(Program& program) {
  auto flags = std::make_shared<AnswersFlags>();
  auto& command = *program.app.add_subcommand(
      "answers", "take answers to a run's requests back, in any order and number, and judge them");
  command.add_option("run", flags->run, "the run")->type_name("RUN")->required();
  command
      .add_option("folder", flags->folder,
                  "answers: ID.answer.md (or .txt), and the results of a batch service as *.jsonl")
      ->type_name("DIR")
      ->required();
  command.add_flag("--no-judging", flags->no_judging, "only take them in; judge with --resume, perhaps elsewhere");
  add_store_flag(command, flags->common);
  add_json_flag(command, flags->common);
  command.footer("Example:\n  burnish answers brisk-otter-47 prompts && burnish requests brisk-otter-47 --out next");
  command.callback([&program, flags] {
    program.run = [flags] {
      auto status = answers(*flags);
      return status ? *status : report_error(status.error(), flags->common.json);
    };
  });
}

}  // namespace burnish
