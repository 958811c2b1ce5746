#pragma once
#include <ATen/core/ivalue.h>
#include <c10/core/Device.h>

#include <functional>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

/// Runs of a plan that are recorded once and replayed: one launch of a CUDA graph in place of every step's own. What is
/// decided here knows nothing of CUDA (graphs_cuda.h does), so that tests replay on a CPU.
namespace burnish {

/// One recorded run. Its memory serves one replay at a time.
class Recording {
 public:
  virtual ~Recording() = default;
  /// What the caller's stream does from here on comes after the last use of the recording's memory.
  virtual void enter() = 0;
  /// Runs it in the caller's current stream.
  virtual void replay() = 0;
  /// The use of the recording's memory ends with what the stream has been given so far.
  virtual void leave() noexcept = 0;
};

class Recorder {
 public:
  virtual ~Recorder() = default;
  /// Whether the calling thread may record and replay on that device now: not while its stream is being captured.
  virtual bool is_free(c10::Device device) = 0;
  /// Runs `body` to warm up and once more to record it. What the body reads and writes must stay where it is while the
  /// recording lives. Throws what the body throws, and where something in it cannot be recorded.
  virtual std::unique_ptr<Recording> record(c10::Device device, const std::function<void()>& body) = 0;
};

/// The recordings of one bound plan, one for each kind of call: sizes, strides and dtypes of its tensors.
///
/// A call's inputs are copied to where the recording reads them, and its outputs from where it writes them, so that no
/// result is memory that a later call writes to. Where a recording cannot serve a call (another thread is at it, the
/// caller records a graph of his own, inputs that overlap themselves) the plan runs as without recordings.
class Graphs {
 public:
  explicit Graphs(std::shared_ptr<Recorder> recorder) : recorder_(std::move(recorder)) {}

  /// Everything that a run holds by heart.
  struct Held {
    std::shared_ptr<const void> state;   ///< one set of parameter values: kept, compared by address
    std::span<const at::Tensor> params;  ///< whose memory may be replaced (set_data) while the state stays
    std::span<const at::Tensor> fixed;   ///< what results may be without being memory of a run
  };
  /// The plan's steps on these leaves, anew at each call: gives the leaves of the result. It must hold what it reads.
  using Body = std::function<std::vector<c10::IValue>(std::span<const c10::IValue>)>;

  /// Replays, after having recorded where it is time to. False: run the plan as it is.
  bool run(c10::Device device, std::span<const c10::IValue> leaves, const Held& held, const Body& body,
           std::vector<c10::IValue>& results);

  /// How many recordings there are, for tests and reports.
  std::size_t recorded() const;
  /// Why the last run that could not be recorded could not; empty where that did not happen.
  std::string failure() const;

 private:
  struct Kind;
  Kind* kind_of(std::span<const c10::IValue> leaves, c10::Device device);
  void forget_unless_current(const Held& held);

  std::shared_ptr<Recorder> recorder_;
  mutable std::mutex lock_;
  std::vector<std::shared_ptr<Kind>> kinds_;
  std::shared_ptr<const void> state_;
  std::vector<const void*> addresses_;  ///< of the parameters
  std::string failure_;
};

}  // namespace burnish
