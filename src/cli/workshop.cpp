#include "cli/workshop.h"

#include <mutex>
#include <thread>

#include "cli/dry_run.h"
#include "cli/progress.h"
#include "providers/models.h"
#include "targets/cuda/describe.h"

namespace burnish {

Result<Workshop> Workshop::open(const CommonFlags& flags, const JudgeOptions& judging, const std::string& strategy) {
  TRY(chosen, make_strategy(strategy));
  TRY(store, open_store(flags));
  TRY(scratch, Scratch::make());
  auto lease = std::make_unique<Lease>();
  if (judging.target == "cuda")  // before a judge starts, which takes seconds
    if (auto ok = cuda::check_usable(); !ok) return std::unexpected(ok.error());
  const ObjectCache objects(store->folder() / "objects", scratch.path() / loaded_objects);
  TRY(builder, make_builder(judging.target, objects, judging.sandbox, *lease));
  return Workshop{std::move(store),
                  std::move(scratch),
                  judging,
                  std::move(lease),
                  std::move(builder),
                  make_progress(flags.json),
                  std::move(chosen),
                  {},
                  {}};
}

Result<std::unique_ptr<Judge>> Workshop::judge(const std::string& run, const std::string& problem, int fd) {
  JudgeConnection connection;
  if (fd >= 0) {
    connection.fd = fd;
  } else {
    TRY(found, judge_connection(*store, run, problem));
    connection = std::move(found);
  }
  TRY(folder, scratch.folder("judge"));
  return judge_process(
      std::move(connection), judging, folder, *lease,
      [this](const std::string& phase, double done, double of) { watcher->on(events::Progress{phase, done, of}); });
}

Swarm Workshop::swarm(Judge& judge) {
  return {*store, judge, *builder, *lease, *watcher, *strategy, scratch};
}

Result<std::vector<std::unique_ptr<Agent>>> Workshop::agents(const SearchFlags& flags, const Choices& choices,
                                                             const ProblemRecord& problem) {
  if (!http) {
    TRY(table, configured_models());
    // Nothing arrives while the judge is timing: the kernel keeps the bytes until then.
    http = std::make_shared<HttpLoop>(table.limits, HttpOptions{}, [lease = lease.get()] { lease->wait(); });
  }
  Asking asking{.record = flags.record,
                .replay = flags.replay,
                .reference = choices.reference,
                .hints_model = choices.hints_model,
                .http = http};
  if (flags.dry_run) {
    asking.around = show_requests(problem.name, flags.prompts);
    return make_agents(choices.agents, asking);
  }
  if (!ledger) {
    TRY(opened, Ledger::open(*store, problem.run, flags.replay.empty() ? choices.budget : Budget{}));
    ledger = std::move(opened);
  }
  asking.around = [this, id = problem.id](const std::string& agent, std::unique_ptr<Asker> asker) {
    return ledger->asker(id, agent, std::move(asker));
  };
  struct Written {
    std::mutex mutex;
    std::map<std::string, std::size_t> characters;
  };
  asking.on_text = [this, written = std::make_shared<Written>()](const std::string& agent, std::string_view piece) {
    const std::lock_guard lock(written->mutex);
    auto& count = written->characters[agent];
    count = piece.empty() ? 0 : count + piece.size();
    watcher->on(events::Writing{agent, count});
  };
  return make_agents(choices.agents, asking);
}

Result<Choices> SearchFlags::resumed(Store& store, const RunRecord& run) const {
  TRY(choices, choices_of(run.options));
  if (budget_usd) choices.budget.usd = budget_usd;
  if (budget_tokens) choices.budget.tokens = budget_tokens;
  if (auto ok = check_budget(choices); !ok) return std::unexpected(ok.error());
  if (dry_run) return fail("a dry run is of a new run", "--dry-run", "leave --resume out");
  if (budget_usd || budget_tokens) {
    if (auto ok = store.reopen_stopped(run.id); !ok) return std::unexpected(ok.error());
  }
  return choices;
}

Result<Choices> SearchFlags::choices() const {
  Choices choices{.attempts = attempts, .strategy = strategy, .seed = seed, .held_out = held_out, .rules = rules};
  if (turns > 0) choices.turns = turns;
  choices.budget = {budget_usd, budget_tokens};
  TRY(names, in_contexts(agents, contexts));
  choices.agents = std::move(names);
  choices.hints_model = hints_model;
  TRY(known, make_agents(choices.agents, {.hints_model = hints_model}));
  (void)known;
  if (auto ok = check_budget(choices); !ok) return std::unexpected(ok.error());
  if (!reference.empty()) {
    TRY(read, read_reference(reference));
    choices.reference = std::move(read);
  }
  if (!recall.empty()) {
    if (strategy != "recall")
      return fail("only the strategy recall looks at solved problems", "--recall", "add --strategy recall");
    TRY(corpus, read_corpus(recall));
    choices.recall = std::move(corpus);
  }
  return choices;
}

SearchOptions SearchFlags::read(const JudgeOptions& judging, const Choices& choices) const {
  SearchOptions options;
  options.attempts = choices.attempts;
  options.seed = choices.seed;
  options.turns = choices.turns;
  options.held_out.globs = choices.held_out;
  options.recall = choices.recall;
  options.dry_run = dry_run;
  if (seconds > 0) options.seconds = seconds;
  options.jobs = jobs > 0 ? jobs : std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
  options.calls = calls;
  options.judging = to_json(judging);
  options.judging["rules"] = choices.rules;
  return options;
}

void add_search_flags(CLI::App& command, SearchFlags& flags) {
  std::string known;
  for (const auto& row : agent_rows())
    known += std::string(known.empty() ? "" : ", ") + row.name + " (" + row.help + ")";
  command
      .add_option("--agents", flags.agents,
                  "who proposes, separated by commas; all built-in ones by default: " + known +
                      "; or a model of models.toml, command:PROGRAM, or batch:NAME (docs/models.md)")
      ->delimiter(',')
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("A,B");
  command.add_option("--attempts", flags.attempts, "at most so many proposals an agent")
      ->check(CLI::Range(1, 1000))
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option("--seconds", flags.seconds, "ends the search of a problem after so long; the final judgement follows")
      ->check(above_zero)
      ->type_name("S");
  command.add_option("--jobs", flags.jobs, "proposals prepared and compiled at once (default: as many as processors)")
      ->check(CLI::Range(1, 1024))
      ->type_name("N");
  command
      .add_option("--calls", flags.calls,
                  "calls of language models elsewhere under way at once; a service's own limit stands in models.toml")
      ->check(CLI::Range(1, 1024))
      ->type_name("N")
      ->capture_default_str();
  command
      .add_option(
          "--contexts", flags.contexts,
          "what language models are shown, each an agent of its own: plain, reference (an optimised implementation), "
          "profile (hints from measurements of a first right candidate), both")
      ->delimiter(',')
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("A,B");
  command
      .add_option("--reference", flags.reference,
                  "the implementation that the context of that name shows (default: the built-in compiler's)")
      ->type_name("FILE")
      ->check(CLI::ExistingFile);
  std::vector<std::string> names;
  std::string strategies;
  for (const auto& row : strategy_rows()) {
    names.emplace_back(row.name);
    strategies += std::string(strategies.empty() ? "" : "; ") + row.name + ": " + row.help;
  }
  command.add_option("--strategy", flags.strategy, "who tries next and what prompts show. " + strategies)
      ->check(CLI::IsMember(names))
      ->capture_default_str();
  command
      .add_option(
          "--rules", flags.rules,
          "which rules the built-in compiler may use: exact (they change no bit; exp, tanh and the like of its fused "
          "kernels are its own in every class, within 3 ulp), same (the same formula, its sums in another "
          "order), all (other rounding too, as folding a batch norm)")
      ->check(CLI::IsMember({"exact", "same", "all"}))
      ->capture_default_str();
  command.add_option("--seed", flags.seed, "of strategies that draw")->type_name("N")->capture_default_str();
  command
      .add_option("--turns", flags.turns,
                  "bandit: attempts on a problem of all agents together (default: half of agents x attempts)")
      ->check(CLI::Range(1, 1'000'000))
      ->type_name("N");
  command
      .add_option(
          "--recall", flags.recall,
          "recall: a folder of solved problems beside those of the store, such as corpus/cpu of Burnish's sources")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory);
  command.add_option("--held-out", flags.held_out, "recall: problems whose solutions no prompt may show, by name")
      ->delimiter(',')
      ->expected(1)
      ->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)
      ->type_name("GLOB,...");
  command
      .add_option("--budget-usd", flags.budget_usd,
                  "no new call to a model once so many US dollars are spent, by the prices of models.toml")
      ->check(CLI::NonNegativeNumber)
      ->type_name("X");
  command.add_option("--budget-tokens", flags.budget_tokens, "no new call once so many tokens were read and written")
      ->check(CLI::NonNegativeNumber)
      ->type_name("N");
  auto* dry_run = command.add_flag("--dry-run", flags.dry_run,
                                   "show what would leave this machine for the models' first attempts; ask nobody");
  command.add_option("--prompts", flags.prompts, "a folder for what --dry-run shows (default: stdout)")
      ->type_name("DIR")
      ->needs(dry_run);
  command
      .add_option("--hints-model", flags.hints_model,
                  "who makes hints of measurements in the contexts profile and both (default: the model itself)")
      ->type_name("NAME");
  auto* record =
      command.add_option("--record", flags.record, "a folder that gets every exchange with a model")->type_name("DIR");
  command
      .add_option("--replay", flags.replay,
                  "answer from a folder that --record wrote: no model is asked, no key needed")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory)
      ->excludes(record);
  command
      .add_option("--resume", flags.resume,
                  "go on with a run that was stopped or killed; no finished attempt is repeated")
      ->type_name("RUN");
}

Result<RunRecord> resume_run(Store& store, const std::string& id, const std::string& command) {
  TRY(run, store.run(id));
  if (run.command != command) {
    return fail("the run \"" + id + "\" is of `burnish " + run.command + "`", "--resume",
                "resume it with that command");
  }
  return run;
}

}  // namespace burnish
