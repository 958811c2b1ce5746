#pragma once
#include <ATen/core/ivalue.h>

#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

#include "base/error.h"
#include "runtime/execute.h"
#include "runtime/graphs.h"
#include "runtime/input_guards.h"
#include "runtime/pool.h"
#include "runtime/program.h"

namespace burnish {

/// A program with its parameters: what a call runs. Any number of threads may call run() at once.
class Bound {
 public:
  /// Why a run gave nothing: a guard was missed (run the original instead), or the plan failed.
  struct Missed {
    std::string guard;
  };
  struct Ran {};
  using Outcome = std::variant<Ran, Missed, Error>;

  /// What preparing cost, for the report and for the judge's budget.
  struct Prepared {
    double seconds = 0;
    std::size_t bytes = 0, times = 0;
  };

  /// `params` in the order of program->params. Their dtypes, sizes, strides and devices become guards. Runs prepare.
  static Result<std::shared_ptr<Bound>> make(std::shared_ptr<const Program> program, std::vector<at::Tensor> params);

  /// Runs the plan. `leaves` are the inputs in the plan's order; `results` gets the result tree's leaves, depth first:
  /// tensors, integers, literals. Prepares again first where a parameter has changed.
  Outcome run(std::span<const c10::IValue> leaves, std::vector<c10::IValue>& results);

  /// The same with a time and bytes for each instruction, added to `rows`.
  Outcome profile(std::span<const c10::IValue> leaves, std::vector<c10::IValue>& results,
                  std::vector<StepProfile>& rows);

  /// Prepares again, for writes to parameters that PyTorch does not count.
  Status refresh();
  /// Other parameters from the next call on, which must have the dtypes, sizes and strides of the first ones.
  Status set_params(std::vector<at::Tensor> params);

  /// From now on runs are recorded and replayed where that works. make() sees to it for plans that say "graph".
  void record_with(std::shared_ptr<Recorder> recorder);
  /// How many recordings there are.
  std::size_t recorded() const { return graphs_ ? graphs_->recorded() : 0; }
  /// Why runs of a plan that says "graph" are not recorded; empty where they are, or it is not known yet.
  std::string not_recorded() const;

  Prepared prepared() const;
  const Program& program() const { return *program_; }
  /// True where the parameter requires grad: with grad mode on such a call belongs to the original.
  bool any_param_requires_grad() const;

 private:
  struct Param;
  struct State;
  explicit Bound(std::shared_ptr<const Program> program);
  Result<std::shared_ptr<const State>> prepare(std::vector<at::Tensor> params, const State* before);
  Result<std::shared_ptr<const State>> current(std::optional<std::string>& missed);
  Outcome call(std::span<const c10::IValue> leaves, std::vector<c10::IValue>& results, std::vector<StepProfile>* rows);
  bool replay(std::span<const c10::IValue> leaves, const std::shared_ptr<const State>& state,
              std::vector<c10::IValue>& results);
  std::unique_ptr<Frame> take_frame();
  void give_frame(std::unique_ptr<Frame> frame);

  std::shared_ptr<const Program> program_;

  std::shared_ptr<Pool> pool_;
  std::atomic<std::shared_ptr<const State>> state_;
  std::mutex preparing_, frames_lock_;
  std::vector<std::unique_ptr<Frame>> frames_;
  std::unique_ptr<Graphs> graphs_;  ///< null: every run is a plain one
};

}  // namespace burnish
