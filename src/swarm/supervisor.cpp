#include "swarm/supervisor.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <fstream>
#include <list>
#include <mutex>
#include <semaphore>
#include <thread>

#include <fmt/format.h>

#include "base/files.h"
#include "base/interrupt.h"
#include "base/paths.h"
#include "swarm/estimates.h"
#include "swarm/ledger.h"
#include "swarm/proposals.h"

namespace burnish {
namespace {

namespace fs = std::filesystem;
using Time = std::chrono::steady_clock;

/// What comes back from the thread that asked an agent and compiled its answer.
struct Prepared {
  std::size_t seat = 0;
  std::optional<AttemptRecord> attempt;  ///< nothing: the agent stopped
  bool remote = false;                   ///< asks a service elsewhere
  Proposal proposal;
  Candidate candidate;
  std::optional<Error> refused;  ///< it did not compile, or is no plan
  std::optional<Error> agent_failed;
  std::optional<Error> store_failed;
};

class Search {
 public:
  Search(Swarm swarm, const ProblemRecord& problem, std::vector<std::unique_ptr<Agent>> agents,
         const SearchOptions& options)
      : swarm_(swarm), problem_(problem), agents_(std::move(agents)), options_(options), compilers_(options.jobs) {
    for (const auto& agent : agents_) board_.seats.push_back({agent->name(), {}, false, false});
    board_.attempts = options.attempts;
    board_.problem = problem.name;
    board_.seed = options.seed;
    board_.turns = options.turns;
  }

  ~Search() {
    swarm_.lease.give();  // a thread that waits for the lease has to end, too
    threads_.clear();
    for (const auto& [attempt, candidate] : candidates_) swarm_.scratch.remove(folder_name(attempt));
    swarm_.scratch.remove(loaded_objects);
  }

  Result<Outcome> run(const ProblemSpec& spec) {
    TRY(told, swarm_.judge.open(spec));
    swarm_.watcher.on(events::ProblemOpened{told});
    if (auto ok = remember(told); !ok) return std::unexpected(ok.error());
    opened_ = told.reply;
    const auto source = opened_.value("source", json(nullptr));
    task_ = {problem_.name,
             options_.judging.value("target", "cpu"),
             source.is_string() ? source.get<std::string>() : "",
             told.plan,
             opened_,
             options_.judging};
    if (auto ok = restore(); !ok) return std::unexpected(ok.error());
    if (auto ok = look_around(); !ok) return std::unexpected(ok.error());
    if (options_.dry_run) return ask_once();
    if (options_.measure_aa) {
      if (auto ok = judge_original(); !ok) return std::unexpected(ok.error());
    }
    if (auto ok = search(); !ok) return std::unexpected(ok.error());
    return finish();
  }

 private:
  static std::string folder_name(std::int64_t attempt) { return "attempt-" + std::to_string(attempt); }

  Status remember(const Opened& opened) {
    std::map<std::string, std::string> files;
    if (opened.reply.contains("source") && opened.reply["source"].is_string()) {
      TRY(name, swarm_.store.artifacts().put(opened.reply["source"].get<std::string>()));
      files["problem.py"] = name;
    }
    std::error_code ec;
    if (!opened.plan.empty() && fs::exists(opened.plan / "plan.json", ec)) {
      TRY(name, swarm_.store.artifacts().put_file(opened.plan / "plan.json"));
      files["plan.json"] = name;
      const auto constants = opened.plan / "constants.safetensors";
      if (fs::exists(constants, ec)) {
        TRY(kept, swarm_.store.artifacts().put_file(constants));
        files["constants.safetensors"] = kept;
      }
      companions_ = companions_of(files);
    }
    json slim = opened.reply;
    slim.erase("source");
    return swarm_.store.set_opened(problem_.id, slim, files);
  }

  /// Puts what the store knows on the board; proposals without a verdict wait to be judged.
  Status restore() {
    TRY(attempts, swarm_.store.attempts(problem_.id));
    TRY(evaluations, swarm_.store.evaluations(problem_.id));
    for (const auto& attempt : attempts) {
      const auto seat = std::find_if(board_.seats.begin(), board_.seats.end(),
                                     [&](const Seat& s) { return s.agent == attempt.agent; });
      if (seat == board_.seats.end()) continue;  // an agent that this part of the run was not asked for
      const auto index = static_cast<std::size_t>(seat - board_.seats.begin());
      TRY(proposal, recorded_proposal(swarm_.store, attempt, companions_));
      const EvaluationRecord* search = nullptr;
      for (const auto& evaluation : evaluations) {
        if (evaluation.attempt != attempt.id) continue;
        if (evaluation.stage == "search") search = &evaluation;
        if (evaluation.stage == "final") finals_[attempt.id] = evaluation.verdict;
      }
      if (search) {
        records_[{index, seat->history.size()}] = attempt;
        seat->history.push_back({attempt.number, proposal, search->verdict});
      } else {
        seat->busy = true;
        pending_.push_back({.seat = index, .attempt = attempt, .proposal = std::move(proposal)});
      }
    }
    for (const auto& evaluation : evaluations) aa_done_ |= evaluation.attempt == 0 && evaluation.stage == "search";
    return {};
  }

  /// What the strategy wants to know of other problems.
  Status look_around() {
    json plan;
    if (!task_.plan.empty()) {
      TRY(text, read_file(task_.plan / "plan.json"));
      plan = json::parse(text, nullptr, /*allow_exceptions=*/false);
    }
    TRY(problems, swarm_.store.problems(problem_.run));  // ours as it is now, with the files that came with its opening
    for (const auto& problem : problems) {
      if (problem.id != problem_.id) continue;
      TRY(winner, verified_winner(swarm_.store, problem, task_.target, options_.held_out));
      task_.solved = std::move(winner);
    }
    if (swarm_.strategy.wants_earlier()) {
      TRY(tallies, earlier_tallies(swarm_.store, problem_, plan));
      board_.earlier = std::move(tallies);
    }
    if (swarm_.strategy.wants_solved()) {
      TRY(solved, nearest_solved(swarm_.store, problem_, plan, task_.target, options_.held_out, options_.recall));
      board_.solved = std::move(solved);
    }
    return {};
  }

  /// Every agent is asked for its first proposal; what it says is thrown away.
  Result<Outcome> ask_once() {
    for (std::size_t i = 0; i < agents_.size(); ++i) {
      Task task = task_;
      task.examples = swarm_.strategy.examples(board_, i);
      const auto proposed = agents_[i]->propose(task, {});
      if (!proposed && proposed.error().reason != dry_run_reason)
        swarm_.watcher.on(events::AgentStopped{agents_[i]->name(), to_text(proposed.error())});
    }
    return Outcome{};
  }

  Status judge_original() {
    if (aa_done_) return {};
    swarm_.watcher.on(events::Judging{"original", "original", 0, Stage::search});
    Candidate original{.name = "original", .original = true};
    TRY(verdict, swarm_.judge.judge(original, Stage::search));
    swarm_.watcher.on(events::Judged{"original", "original", 0, Stage::search, verdict});
    TRY(kept, swarm_.store.add_evaluation(problem_.id, 0, "search", verdict));
    (void)kept;
    return {};
  }

  Status search() {
    const auto begin = Time::now();
    for (;;) {
      if (interrupted()) return fail("interrupted", "", "", interrupted_reason);
      board_.time_left =
          !options_.seconds || std::chrono::duration<double>(Time::now() - begin).count() < *options_.seconds;
      while (running_ < options_.jobs && !pending_.empty()) {
        launch(std::move(pending_.front()));
        pending_.pop_front();
      }
      while (pending_.empty()) {
        const auto seat = swarm_.strategy.next(board_);
        if (!seat || !has_room(*seat)) break;
        board_.seats[*seat].busy = true;
        launch({.seat = *seat});
      }
      auto ready = take_ready();
      if (!ready) {
        if (running_ == 0) return {};
        continue;
      }
      if (auto ok = judge(std::move(*ready)); !ok) return ok;
    }
  }

  /// A model elsewhere costs this machine nothing while it writes; what runs here shares the processors.
  bool has_room(std::size_t seat) const {
    return agents_[seat]->remote() ? remote_ < options_.calls : running_ - remote_ < options_.jobs;
  }

  /// Starts a thread that asks the agent (unless the proposal is there already) and compiles.
  void launch(Prepared work) {
    ++running_;
    work.remote = !work.attempt && agents_[work.seat]->remote();
    remote_ += work.remote;
    if (!work.attempt) {
      const auto& seat = board_.seats[work.seat];
      swarm_.watcher.on(events::Proposing{seat.agent, static_cast<int>(seat.history.size()) + 1});
    }
    // The agent sees copies: the board goes on changing under other agents' verdicts.
    Task task = task_;
    if (!work.attempt) task.examples = swarm_.strategy.examples(board_, work.seat);
    threads_.emplace_back(
        [this, work = std::move(work), task = std::move(task), history = board_.seats[work.seat].history]() mutable {
          prepare(work, task, history);
          const std::lock_guard lock(mutex_);
          ready_.push_back(std::move(work));
          arrived_.notify_one();
        });
  }

  void prepare(Prepared& work, const Task& task, const std::vector<PastAttempt>& history) {
    swarm_.lease.wait();
    if (!work.attempt) {
      auto proposed = agents_[work.seat]->propose(task, history);
      if (!proposed) {
        work.agent_failed = proposed.error();
        return;
      }
      if (!*proposed) return;
      work.proposal = std::move(**proposed);
      for (const auto& example : task.examples) work.proposal.notes["shown"].push_back(example.id);
      auto kept = keep(work.seat, work.proposal, history);
      if (!kept) {
        work.store_failed = kept.error();
        return;
      }
      work.attempt = std::move(*kept);
    }
    auto folder = swarm_.scratch.folder(folder_name(work.attempt->id));
    auto candidate = folder ? materialise(swarm_.store, *work.attempt, *folder) : std::unexpected(folder.error());
    if (!candidate) {
      (candidate.error().reason == "plan" ? work.refused : work.store_failed) = candidate.error();
      return;
    }
    work.candidate = std::move(*candidate);
    if (work.proposal.form != Form::plan) return;
    compilers_.acquire();
    auto built = build_candidate(swarm_.builder, work.candidate);
    compilers_.release();
    if (!built) work.refused = built.error();
  }

  Result<AttemptRecord> keep(std::size_t seat, const Proposal& proposal, const std::vector<PastAttempt>& history) {
    const int number = history.empty() ? 1 : history.back().number + 1;
    return record_proposal(swarm_.store, problem_.id, board_.seats[seat].agent, number, swarm_.strategy.name(),
                           proposal, companions_);
  }

  std::optional<Prepared> take_ready() {
    std::unique_lock lock(mutex_);
    // Wakes up to look for Ctrl-C and for the end of --seconds.
    arrived_.wait_for(lock, std::chrono::milliseconds(running_ == 0 ? 0 : 100), [&] { return !ready_.empty(); });
    if (ready_.empty()) return {};
    auto first = std::move(ready_.front());
    ready_.pop_front();
    --running_;
    remote_ -= first.remote;
    return first;
  }

  Status judge(Prepared work) {
    Seat& seat = board_.seats[work.seat];
    if (work.store_failed) return std::unexpected(*work.store_failed);
    if (!work.attempt) {
      seat.busy = false;
      seat.done = true;
      budget_spent_ |= work.agent_failed && work.agent_failed->reason == stopped_reason;
      swarm_.watcher.on(events::AgentStopped{seat.agent, work.agent_failed ? to_text(*work.agent_failed) : ""});
      return {};
    }
    const int number = work.attempt->number;
    Verdict verdict;
    if (work.refused) {
      const bool fault_of_plan = work.refused->reason == "plan" || work.refused->reason == "environment";
      verdict = make_verdict(fault_of_plan ? Verdict::Kind::error : Verdict::Kind::refused, *work.refused);
    } else if (auto known = judged_before(*work.attempt)) {
      verdict = std::move(*known);
    } else {
      swarm_.watcher.on(events::Judging{seat.agent, work.proposal.name, number, Stage::search});
      if (!agents_[work.seat]->wants_full_verdicts()) work.candidate.to_beat = surely_reached();
      TRY(said, swarm_.judge.judge(work.candidate, Stage::search));
      verdict = std::move(said);
    }
    measure_steps(work, verdict);
    estimate(work, verdict);
    TRY(kept, swarm_.store.add_evaluation(problem_.id, work.attempt->id, "search", verdict));
    (void)kept;
    swarm_.watcher.on(events::Judged{seat.agent, work.proposal.name, number, Stage::search, verdict});
    verdict.samples = nullptr;
    candidates_[work.attempt->id] = work.candidate;
    records_[{work.seat, seat.history.size()}] = *work.attempt;
    seat.history.push_back({number, std::move(work.proposal), std::move(verdict)});
    seat.busy = false;
    return {};
  }

  /// The speedup that the best right candidate so far has at least.
  std::optional<double> surely_reached() const {
    std::optional<double> best;
    for (const auto& seat : board_.seats)
      for (const auto& past : seat.history)
        if (past.verdict.accepted() && past.verdict.interval)
          best = std::max(best.value_or(0), past.verdict.interval->first);
    return best;
  }

  bool profile_is_wanted(const Prepared& work) const {
    const auto left = options_.attempts - static_cast<int>(board_.seats[work.seat].history.size()) - 1;
    return agents_[work.seat]->wants_profile() && work.proposal.form == Form::plan && left >= 1;
  }

  /// Puts the profile into the verdict on a right plan, for an agent that looks at it and may try again.
  void measure_steps(const Prepared& work, Verdict& verdict) {
    if (is_estimated(task_.target) || !verdict.accepted() || !profile_is_wanted(work)) return;
    if (verdict.body.contains("profile")) return;  // of an equal candidate
    auto steps = swarm_.judge.profile(work.candidate);
    if (steps)
      verdict.body["profile"] = std::move(*steps);
    else
      swarm_.watcher.on(events::Note{"no profile of " + work.proposal.name + ": " + to_text(steps.error())});
  }

  /// Where the target is an emulator: what the candidate and the module's own plan would take on the device.
  void estimate(const Prepared& work, Verdict& verdict) {
    if (!is_estimated(task_.target) || !verdict.accepted() || work.proposal.form != Form::plan) return;
    const bool with_steps = profile_is_wanted(work);
    if (verdict.body.contains("estimate") && (!with_steps || verdict.body.contains("profile"))) return;  // of an equal
    if (!original_estimate_) original_estimate_ = estimate_original(swarm_.judge, task_.plan);
    const auto done = original_estimate_
                          ? add_estimate(swarm_.judge, work.candidate, *original_estimate_, with_steps, verdict)
                          : fail("the module's own plan cannot be profiled");
    if (!done) swarm_.watcher.on(events::Note{"no estimate of " + work.proposal.name + ": " + to_text(done.error())});
  }

  /// The verdict on an equal candidate of any agent: the same files are judged once.
  std::optional<Verdict> judged_before(const AttemptRecord& attempt) {
    for (const auto& [place, record] : records_) {
      if (!same_candidate(record, attempt)) continue;
      Verdict verdict = board_.seats[place.first].history[place.second].verdict;
      verdict.body["notes"].push_back(
          fmt::format("the same files as {}:{}, judged there", record.agent, record.number));
      return verdict;
    }
    return {};
  }

  /// Judges the finalists in the deployed form, keeps the best that wins there, and records the outcome. The order of a
  /// quick search is not the order of the deployed form, so one winner does not end it; a finalist that the search
  /// already put below a winner is left out.
  Result<Outcome> finish() {
    Outcome outcome;
    std::size_t attempts = 0;
    for (const auto& seat : board_.seats) attempts += seat.history.size();
    std::optional<Verdict> best_loser;
    const bool estimated = is_estimated(task_.target);
    for (const auto& turn : estimated ? best_estimates(board_) : swarm_.strategy.finalists(board_)) {
      if (estimated && outcome.winner) break;  // in the order of the estimates, the first that is right again
      const auto& record = records_.at({turn.seat, turn.attempt});
      const Verdict& searched = board_.seats[turn.seat].history[turn.attempt].verdict;
      if (outcome.winner && searched.interval && searched.interval->second <= outcome.verdict.interval->first) continue;
      TRY(verdict, final_verdict(record));
      if (estimated && verdict.accepted()) {
        outcome.winner = record;
        verdict.body["estimate"] = searched.body["estimate"];
        outcome.verdict = std::move(verdict);
      } else if (!verdict.wins()) {
        if (!best_loser) best_loser = std::move(verdict);
      } else if (!outcome.winner || verdict.interval->first > outcome.verdict.interval->first) {
        outcome.winner = record;
        outcome.verdict = std::move(verdict);
      }
    }
    bool correct = false;
    for (const auto& seat : board_.seats)
      for (const auto& past : seat.history) correct |= past.verdict.accepted();
    const auto& won = outcome.winner;
    json& s = outcome.summary;
    s["problem"] = problem_.name;
    s["run"] = problem_.run;
    s["verdict"] = won ? "accepted" : "original";
    s["winner"] = won ? won->agent : "original";
    s["candidate"] = won ? json(won->name) : json(nullptr);
    s["number"] = won ? json(won->number) : json(nullptr);
    s["reason"] = won ? json(outcome.verdict.reason) : json(nullptr);
    // Nothing is measured on an emulator: the speedup stays 1, and the estimate has a place of its own.
    s["speedup"] = won && outcome.verdict.speedup ? json(*outcome.verdict.speedup) : json(1.0);
    if (estimated) {
      s["verified_in_time"] = false;
      s["estimate"] = won ? outcome.verdict.body["estimate"] : json(nullptr);
    }
    s["interval"] = won ? outcome.verdict.body["interval"] : json(nullptr);
    s["attempts"] = attempts;
    s["correct"] = correct;
    s["unfloored"] = !won && best_loser && best_loser->speedup ? json(*best_loser->speedup) : s["speedup"];
    s["eager_seconds"] = opened_.value("eager_seconds", json(nullptr));
    s["trivial"] = opened_.value("trivial", json(false));
    s["saturated"] = opened_.value("saturated", json(false));
    if (budget_spent_) s["stopped"] = "budget";
    // An open problem is judged again when answers have come; what was measured by then stays measured.
    if (const auto waiting = requests_left(); waiting > 0) {
      s["waiting"] = waiting;
    } else if (auto ok = swarm_.store.finish_problem(problem_.id, s); !ok) {
      return std::unexpected(ok.error());
    }
    swarm_.watcher.on(events::ProblemFinished{problem_.name, s});
    return outcome;
  }

  /// Agents that wait for answers from outside and have attempts left.
  std::size_t requests_left() const {
    std::size_t count = 0;
    for (std::size_t i = 0; i < agents_.size(); ++i)
      count += agents_[i]->waits() && board_.seats[i].history.size() < static_cast<std::size_t>(options_.attempts);
    return count;
  }

  Result<Verdict> final_verdict(const AttemptRecord& record) {
    if (const auto known = finals_.find(record.id); known != finals_.end()) return known->second;
    auto known = candidates_.find(record.id);
    if (known == candidates_.end()) {
      TRY(folder, swarm_.scratch.folder(folder_name(record.id)));
      TRY(candidate, materialise(swarm_.store, record, folder));
      if (candidate.form == Form::plan) {
        if (auto built = build_candidate(swarm_.builder, candidate); !built) return std::unexpected(built.error());
      }
      known = candidates_.emplace(record.id, std::move(candidate)).first;
    }
    swarm_.watcher.on(events::Judging{record.agent, record.name, record.number, Stage::final});
    TRY(verdict, swarm_.judge.judge(known->second, Stage::final));
    TRY(kept, swarm_.store.add_evaluation(problem_.id, record.id, "final", verdict));
    (void)kept;
    swarm_.watcher.on(events::Judged{record.agent, record.name, record.number, Stage::final, verdict});
    return verdict;
  }

  Swarm swarm_;
  const ProblemRecord& problem_;
  std::vector<std::unique_ptr<Agent>> agents_;
  const SearchOptions& options_;
  Board board_;
  Task task_;
  json opened_;
  std::optional<double> original_estimate_;
  bool aa_done_ = false, budget_spent_ = false;
  Companions companions_;
  std::map<std::pair<std::size_t, std::size_t>, AttemptRecord> records_;
  std::map<std::int64_t, Candidate> candidates_;
  std::map<std::int64_t, Verdict> finals_;
  std::deque<Prepared> pending_;
  int running_ = 0, remote_ = 0;
  std::mutex mutex_;
  std::condition_variable arrived_;
  std::deque<Prepared> ready_;
  std::counting_semaphore<> compilers_;
  std::list<std::jthread> threads_;
};

}  // namespace

Result<Outcome> optimize_problem(Swarm swarm, const ProblemRecord& problem, const ProblemSpec& spec,
                                 std::vector<std::unique_ptr<Agent>> agents, const SearchOptions& options) {
  auto outcome = Search(swarm, problem, std::move(agents), options).run(spec);
  if (!outcome && outcome.error().reason != interrupted_reason) {
    const auto& error = outcome.error();
    // A store that cannot be written is no property of the problem; then this fails, too, and the problem stays open.
    (void)swarm.store.exclude_problem(problem.id, error.reason.empty() ? "environment" : error.reason,
                                      {{"what", error.what}, {"where", error.where}, {"todo", error.todo}});
    swarm.watcher.on(events::ProblemExcluded{problem.name, error});
  }
  return outcome;
}

Result<Outcome> stored_outcome(Store& store, const ProblemRecord& problem) {
  Outcome outcome;
  outcome.summary = problem.outcome;
  if (problem.outcome.value("verdict", "") != "accepted") return outcome;
  TRY(attempts, store.attempts(problem.id));
  TRY(evaluations, store.evaluations(problem.id));
  for (const auto& attempt : attempts) {
    if (attempt.agent != problem.outcome.value("winner", "") || attempt.number != problem.outcome.value("number", 0))
      continue;
    outcome.winner = attempt;
    for (const auto& evaluation : evaluations)
      if (evaluation.attempt == attempt.id && evaluation.stage == "final") outcome.verdict = evaluation.verdict;
  }
  return outcome;
}

}  // namespace burnish
