#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/process.h"
#include "base/protocol.h"
#include "runtime/arena.h"

/// The judge's end of a worker. It believes nothing that it reads; whatever happens to the worker is an Outcome.
namespace burnish {

struct RemoteOptions {
  std::vector<std::string> argv;
  std::vector<std::string> readable;  ///< paths that the sandbox shows
  std::vector<std::pair<std::string, std::string>>
      env;  ///< the whole environment inside the sandbox; added to ours outside
  bool sandbox = true;
  protocol::Device device = protocol::Device::cpu;
  std::uint64_t memory_bytes = 0;  ///< private memory of the worker, 0: no limit
  std::uint64_t tmp_bytes = 64 << 20;
  double start_timeout_s = 60;
  /// A fork server's socket, or -1. It starts workers that need no sandbox; `nursery_request` is the rest of what it is
  /// told (a JSON object), and argv and env are not looked at.
  int nursery = -1;
  std::string nursery_request = {};
};

/// What became of one call. `tensors` are the judge's own copies.
struct Outcome {
  bool ok = false;
  std::string reason, message;
  std::vector<at::Tensor> tensors;
  std::string structure = "null";  ///< JSON, {"tensor": i} in the places of tensors
  std::uint64_t peak_bytes = 0;
  std::uint32_t guard_broken = 0;
  std::vector<at::Tensor> inputs;  ///< of sampled timed calls: the tensors that the worker was given, in order
  std::uint32_t slot = 0;
  std::vector<std::uint64_t> addresses;  ///< of the outputs, in the worker
};

struct TimeOptions {
  std::vector<std::uint32_t> order;  ///< slots of the calls, round and round
  std::uint32_t calls = 1, batch = 1;
  bool flush = false;               ///< sweep the last-level cache before each call
  std::set<std::uint32_t> sample;   ///< numbers of calls after which the worker is frozen and its outputs are read
  std::vector<std::uint32_t> vary;  ///< floating-point leaves that are scaled by another random factor before each call
  std::vector<std::uint32_t> poke;  ///< of these, leaves whose single elements are moved, too
  double timeout_s = 60;            ///< of one call
};

struct Timed {
  std::vector<double> seconds;  ///< of each wake-up, a whole batch
  std::map<std::uint32_t, Outcome> sampled;
  std::optional<Outcome> failed;  ///< the call that ended the measurement early
};

class Remote {
 public:
  static Result<std::unique_ptr<Remote>> start(const RemoteOptions& options);
  ~Remote();

  /// A set-up message and its answer ("ok" part). Errors carry the worker's reason; `crash`, `timeout`, `memory` if it
  /// died.
  Result<json> request(const json& message, double timeout_s);

  /// Copies parameters into the arena (at new places) and tells the worker where they are.
  Result<json> set_params(std::vector<NamedTensor> params, double timeout_s);
  /// Copies other values into the places of the same parameters; `request({"do": "refresh"})` comes after it.
  Status write_params(const std::vector<NamedTensor>& params);
  Result<json> set_slots(std::vector<std::vector<Leaf>> slots, double timeout_s);
  /// Other values where the last ones lay. Shapes, strides and dtypes must be the same.
  Status overwrite_slots(const std::vector<std::vector<Leaf>>& slots);

  /// One call; the worker is frozen when this returns.
  Outcome call(std::uint32_t slot, std::uint32_t flags, double timeout_s);
  /// The outputs of the call before the last one, read again (that last one was made with protocol::keep).
  Outcome previous();
  Timed time(const TimeOptions& options);

  /// What was written that should not have been: empty, "leaf 2", "memory beside leaf 2".
  std::string inputs_changed(std::uint32_t slot) const { return arena_->slot_changed(slot); }
  std::string params_changed();

  /// Nothing is left of the sandbox but the worker's own process, under a second filter. Always true without a sandbox.
  bool sealed();
  void freeze();
  void thaw();
  bool alive();
  void close();
  pid_t pid() const { return process_.pid(); }
  /// The end of what it wrote to stderr.
  std::string log() const;

 private:
  Remote() = default;
  Status hello();
  Outcome died();
  Error died_error();
  /// The outputs of call number `call` of a batch of `batch`.
  Outcome read_outcome(std::uint32_t call = 0, std::uint32_t batch = 1);
  Result<at::Tensor> read_tensor(const protocol::Tensor& described) const;
  Status exchange(double timeout_s);
  Status restage(double timeout_s);
  /// On a GPU: fills slots' memory with varied values and flushes caches, before a timed call.
  Status stage(const TimeOptions& options, std::uint64_t seed);
  /// On a GPU: outputs of call `call` of the batch come to host memory.
  Status fetch(std::uint32_t call, double timeout_s);
  /// Slots have copies beside the arena, and outputs are fetched (base/protocol.h).
  bool copies() const { return options_.device != protocol::Device::cpu; }
  int worker_depth() const { return options_.sandbox ? 2 : 0; }

  RemoteOptions options_;
  Process process_;
  pid_t worker_ = -1;  ///< the process to read from
  Fd control_, call_, log_;
  std::unique_ptr<Arena> arena_;
  std::string buffer_;
  std::vector<protocol::Tensor> last_, before_;
  std::set<std::uint32_t> stale_;  ///< slots whose copies in the worker are older than the arena
  std::string last_structure_ = "null", before_structure_ = "null";
  bool frozen_ = false, ready_ = false;
  bool alone_ = false;  ///< it was seen sealed: no process can be born in it any more
  std::optional<Error> dead_;
};

}  // namespace burnish
