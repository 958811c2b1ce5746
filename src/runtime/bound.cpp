#include "runtime/bound.h"

#include <ATen/core/LegacyTypeDispatch.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/GradMode.h>

#include <algorithm>
#include <chrono>
#include <unordered_set>

#include "runtime/failure.h"
#include "runtime/graphs_cuda.h"
#include "runtime/watched_cuda.h"

namespace burnish {

/// What a parameter must still be at a call, and whether prepare saw what it holds now.
struct Bound::Param {
  at::ScalarType dtype;
  at::Device device;
  std::vector<std::int64_t> sizes, strides;
  bool prepared = false;  ///< prepare read it
  std::uint32_t version = 0;
  std::int64_t offset = 0;
  c10::Storage storage;  ///< kept, so that no other memory can come to lie at its address

  explicit Param(const at::Tensor& tensor)
      : dtype(tensor.scalar_type()),
        device(tensor.device()),
        sizes(tensor.sizes().vec()),
        strides(tensor.strides().vec()) {}

  bool same_kind(const at::Tensor& tensor) const {
    return tensor.scalar_type() == dtype && tensor.device() == device && tensor.sizes() == at::IntArrayRef(sizes) &&
           tensor.strides() == at::IntArrayRef(strides);
  }
  static std::uint32_t version_of(const at::Tensor& tensor) {
    return tensor.is_inference() ? 0 : tensor.unsafeGetTensorImpl()->version_counter().current_version();
  }
  bool same_values(const at::Tensor& tensor) const {
    return version == version_of(tensor) && tensor.storage().unsafeGetStorageImpl() == storage.unsafeGetStorageImpl() &&
           tensor.storage_offset() == offset;
  }
};

/// One set of parameter values and what prepare made of it. Immutable: calls that run keep theirs.
struct Bound::State {
  std::vector<at::Tensor> params, fixed;
  std::vector<Param> guards;
  Prepared prepared;
};

namespace {

/// What surrounds all plan code: no autograd, plain outputs.
struct Quiet {
  c10::AutoGradMode no_grad{false};
  at::AutoDispatchBelowADInplaceOrView below;
};

std::size_t bytes_read(const Program& program, const std::vector<at::Tensor>& fixed) {
  std::size_t bytes = 0;
  for (const auto entry : program.prepare_reads) bytes += fixed[entry].nbytes();
  return bytes;
}

constexpr std::size_t small_change = 64 << 10;  ///< bytes that a prepare may always keep: packing pads tiny weights

/// Bytes of the storages that prepare keeps alive, without those of parameters and constants.
std::size_t bytes_kept(const Program& program, const std::vector<at::Tensor>& fixed) {
  std::unordered_set<const void*> counted;
  for (std::size_t i = 0; i < fixed.size(); ++i)
    if (program.fixed[i].kind != Program::Fixed::Kind::prepared && fixed[i].defined() && fixed[i].has_storage())
      counted.insert(fixed[i].storage().unsafeGetStorageImpl());
  std::size_t bytes = 0;
  for (std::size_t i = 0; i < fixed.size(); ++i) {
    if (program.fixed[i].kind != Program::Fixed::Kind::prepared || !fixed[i].defined()) continue;
    if (!fixed[i].has_storage())  // packed by oneDNN: opaque, about as large as the weight
      bytes += static_cast<std::size_t>(fixed[i].numel()) * fixed[i].element_size();
    else if (counted.insert(fixed[i].storage().unsafeGetStorageImpl()).second)
      bytes += fixed[i].storage().nbytes();
  }
  return bytes;
}

c10::IValue result_of(const Program::Leaf& leaf, const Frame& frame) {
  if (leaf.expr) return evaluate(*leaf.expr, frame);
  if (leaf.tensor.is_none()) return leaf.literal;
  const at::Tensor& tensor = frame.at(leaf.tensor);
  return tensor.defined() ? c10::IValue(tensor) : c10::IValue();
}

/// Where a plan for a GPU runs: on its first input's.
std::optional<c10::Device> gpu_of(std::span<const c10::IValue> leaves) {
  for (const auto& leaf : leaves)
    if (leaf.isTensor()) return leaf.toTensor().is_cuda() ? std::optional(leaf.toTensor().device()) : std::nullopt;
  return std::nullopt;
}

/// Puts the inputs of a call whose guards hold into the frame's slots.
void place_inputs(const Program& program, std::span<const c10::IValue> leaves, Frame& frame) {
  for (std::size_t i = 0; i < leaves.size(); ++i)
    if (const auto slot = program.input_slots[i]; slot >= 0)
      frame.slots[static_cast<std::size_t>(slot)] = leaves[i].toTensor();
}

void take_results(const Program& program, const Frame& frame, std::vector<c10::IValue>& results) {
  results.clear();
  for (const auto& leaf : program.result) results.push_back(result_of(leaf, frame));
}

Frame new_frame(const Program& program, std::size_t slots) {
  Frame frame;
  frame.slots.resize(slots);
  frame.symbols.resize(program.symbols);
  frame.stack.reserve(16);
  return frame;
}

}  // namespace

Bound::Bound(std::shared_ptr<const Program> program) : program_(std::move(program)), pool_(Pool::make()) {}

Result<std::shared_ptr<Bound>> Bound::make(std::shared_ptr<const Program> program, std::vector<at::Tensor> params) {
  std::shared_ptr<Bound> bound(new Bound(std::move(program)));
  TRY(state, bound->prepare(std::move(params), nullptr));
  bound->state_.store(state);
  if (bound->program_->plan.graph && bound->program_->plan.target == "cuda") bound->record_with(cuda_recorder());
  return bound;
}

Result<std::shared_ptr<const Bound::State>> Bound::prepare(std::vector<at::Tensor> params, const State* before) {
  const Program& program = *program_;
  if (params.size() != program.params.size())
    return fail(std::to_string(params.size()) + " parameters are given, the plan reads " +
                    std::to_string(program.params.size()),
                "parameters", {}, "parameters");
  auto state = std::make_shared<State>();
  for (std::size_t i = 0; i < params.size(); ++i) {
    if (!params[i].defined())
      return fail("the parameter " + program.params[i].second + " is missing", {}, {}, "parameters");
    if (before && !before->guards[i].same_kind(params[i]))
      return fail("the parameter " + program.params[i].second + " changed its dtype, sizes, strides or device", {}, {},
                  "parameters");
    state->guards.emplace_back(params[i]);
  }
  for (const auto& entry : program.fixed) {
    if (entry.kind == Program::Fixed::Kind::param) state->fixed.push_back(params[entry.index]);
    if (entry.kind == Program::Fixed::Kind::constant) state->fixed.push_back(program.constants[entry.index]);
    if (entry.kind == Program::Fixed::Kind::prepared) state->fixed.emplace_back();
  }
  for (const auto entry : program.prepare_reads) {
    if (program.fixed[entry].kind != Program::Fixed::Kind::param) continue;
    const std::size_t i = program.fixed[entry].index;
    auto& guard = state->guards[i];
    guard.prepared = true;
    guard.version = Param::version_of(params[i]);
    guard.storage = params[i].storage();
    guard.offset = params[i].storage_offset();
  }
  state->params = std::move(params);
  state->prepared.times = before ? before->prepared.times : 0;
  if (program.prepare.instructions.empty()) return state;

  Frame frame = new_frame(program, program.prepare.slots);
  frame.fixed = state->fixed.data();
  std::size_t pc = 0;
  const auto begin = std::chrono::steady_clock::now();
  const Quiet quiet;
  const Status done =
      catching([&] { execute(program.prepare, frame, pc); }, [&] { return program.prepare.instructions[pc].where; });
  if (!done) return std::unexpected(done.error());
  state->prepared.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  ++state->prepared.times;
  for (std::size_t i = 0; i < program.fixed.size(); ++i)
    if (program.fixed[i].kind == Program::Fixed::Kind::prepared)
      state->fixed[i] = frame.slots[static_cast<std::size_t>(program.kept[program.fixed[i].index])];
  state->prepared.bytes = bytes_kept(program, state->fixed);
  const std::size_t budget = std::max(small_change, 2 * bytes_read(program, state->fixed));
  if (state->prepared.bytes > budget)
    return fail("prepare keeps " + std::to_string(state->prepared.bytes) + " bytes, more than twice what it reads (" +
                    std::to_string(budget) + ")",
                "prepare", "keep less, or compute it in steps", "prepare-budget");
  return state;
}

Result<std::shared_ptr<const Bound::State>> Bound::current(std::optional<std::string>& missed) {
  auto state = state_.load();
  bool stale = false;
  for (std::size_t i = 0; i < state->params.size(); ++i) {
    const at::Tensor& now = state->params[i];
    if (!state->guards[i].same_kind(now)) {
      missed = "the parameter " + program_->params[i].second + " changed its dtype, sizes, strides or device";
      return state;
    }
    stale |= state->guards[i].prepared && !state->guards[i].same_values(now);
  }
  if (!stale) return state;
  const std::lock_guard hold(preparing_);
  auto newest = state_.load();
  if (newest != state) return newest;
  TRY(made, prepare(state->params, state.get()));
  state_.store(made);
  return made;
}

Status Bound::refresh() {
  const std::lock_guard hold(preparing_);
  const auto state = state_.load();
  TRY(made, prepare(state->params, state.get()));
  state_.store(made);
  return {};
}

Status Bound::set_params(std::vector<at::Tensor> params) {
  const std::lock_guard hold(preparing_);
  const auto state = state_.load();
  TRY(made, prepare(std::move(params), state.get()));
  state_.store(made);
  return {};
}

Bound::Prepared Bound::prepared() const {
  return state_.load()->prepared;
}

bool Bound::any_param_requires_grad() const {
  for (const auto& param : state_.load()->params)
    if (param.requires_grad()) return true;
  return false;
}

std::unique_ptr<Frame> Bound::take_frame() {
  {
    const std::lock_guard hold(frames_lock_);
    if (!frames_.empty()) {
      auto frame = std::move(frames_.back());
      frames_.pop_back();
      return frame;
    }
  }
  return std::make_unique<Frame>(new_frame(*program_, program_->steps.slots));
}

void Bound::give_frame(std::unique_ptr<Frame> frame) {
  frame->stack.clear();
  for (auto& slot : frame->slots) slot.reset();
  const std::lock_guard hold(frames_lock_);
  frames_.push_back(std::move(frame));
}

void Bound::record_with(std::shared_ptr<Recorder> recorder) {
  graphs_ = recorder ? std::make_unique<Graphs>(std::move(recorder)) : nullptr;
}

std::string Bound::not_recorded() const {
  if (graphs_) return graphs_->failure();
  return program_->plan.graph ? "this PyTorch has no CUDA graphs that are known here" : "";
}

/// False: run plainly. The guards hold.
bool Bound::replay(std::span<const c10::IValue> leaves, const std::shared_ptr<const State>& state,
                   std::vector<c10::IValue>& results) {
  std::optional<c10::Device> device;
  for (const auto& leaf : leaves)
    if (!device && leaf.isTensor()) device = leaf.toTensor().device();
  if (!device || is_gpu_memory_watched()) return false;
  const auto body = [program = program_, state](std::span<const c10::IValue> given) {
    Frame frame = new_frame(*program, program->steps.slots);
    frame.fixed = state->fixed.data();
    if (const auto missed = program->guards.bind(given, frame)) throw RunFailure{*missed, "guard"};
    place_inputs(*program, given, frame);
    std::size_t pc = 0;
    execute(program->steps, frame, pc);
    std::vector<c10::IValue> made;
    take_results(*program, frame, made);
    return made;
  };
  return graphs_->run(*device, leaves, {state, state->params, state->fixed}, body, results);
}

Bound::Outcome Bound::call(std::span<const c10::IValue> leaves, std::vector<c10::IValue>& results,
                           std::vector<StepProfile>* rows) {
  if (const char* mode = foreign_mode()) return Missed{mode};
  std::optional<std::string> missed;
  const auto state = current(missed);
  if (!state) return state.error();
  if (missed) return Missed{*missed};
  auto frame = take_frame();
  struct Return {
    Bound& bound;
    std::unique_ptr<Frame>& frame;
    ~Return() { bound.give_frame(std::move(frame)); }
  } const give_back{*this, frame};
  frame->fixed = (*state)->fixed.data();

  std::size_t pc = 0;
  const auto& code = program_->steps;
  const auto run = [&] {
    missed = program_->guards.bind(leaves, *frame);
    if (missed) return;
    const Quiet quiet;
    const c10::OptionalDeviceGuard on(gpu_of(leaves));
    if (graphs_ && !rows && replay(leaves, *state, results)) return;
    place_inputs(*program_, leaves, *frame);
    const PoolScope memory(*pool_);
    if (rows)
      execute_profiled(code, *frame, pc, *rows, program_->plan.target == "cuda");
    else
      execute(code, *frame, pc);
    take_results(*program_, *frame, results);
    for (const auto& result : results)
      if (result.isTensor()) pool_->escaped(result.toTensor());
  };
  const Status ran = catching(
      run, [&] { return pc < code.instructions.size() ? code.instructions[pc].where : std::string("result"); });
  pool_->run_ended();
  if (!ran) return ran.error();
  if (missed) return Missed{*missed};
  return Ran{};
}

Bound::Outcome Bound::run(std::span<const c10::IValue> leaves, std::vector<c10::IValue>& results) {
  return call(leaves, results, nullptr);
}

Bound::Outcome Bound::profile(std::span<const c10::IValue> leaves, std::vector<c10::IValue>& results,
                              std::vector<StepProfile>& rows) {
  return call(leaves, results, &rows);
}

}  // namespace burnish
