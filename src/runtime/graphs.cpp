#include "runtime/graphs.h"

#include <ATen/ops/empty_strided.h>

#include <algorithm>
#include <numeric>

#include "runtime/failure.h"

namespace burnish {
namespace {

constexpr std::size_t most_kinds = 8;  ///< of calls that are recorded: each keeps its own memory
constexpr int plain_calls = 2;         ///< of a kind before it is recorded: libraries choose their algorithms

/// Whether no two elements share memory, as far as sizes and strides tell.
bool is_disjoint(const at::Tensor& tensor) {
  if (tensor.numel() == 0 || tensor.is_non_overlapping_and_dense()) return true;
  std::vector<std::int64_t> dims(static_cast<std::size_t>(tensor.dim()));
  std::iota(dims.begin(), dims.end(), 0);
  std::ranges::sort(dims, {}, [&](std::int64_t d) { return tensor.stride(d); });
  std::int64_t reach = 0;  // the farthest element of the dimensions so far
  for (const auto d : dims) {
    if (tensor.size(d) == 1) continue;
    if (tensor.stride(d) <= reach) return false;
    reach += (tensor.size(d) - 1) * tensor.stride(d);
  }
  return true;
}

at::Tensor memory_like(const at::Tensor& tensor) {
  return at::empty_strided(tensor.sizes(), tensor.strides(), tensor.options());
}

at::Tensor copy_of(const at::Tensor& tensor) {
  at::Tensor copy = memory_like(tensor);
  copy.copy_(tensor, /*non_blocking=*/true);
  return copy;
}

/// What decides whether a recording holds for a call. Leaves that are no tensors are guarded by value already.
std::vector<std::int64_t> key_of(std::span<const c10::IValue> leaves, c10::Device device) {
  std::vector<std::int64_t> key{device.index()};
  for (const auto& leaf : leaves) {
    if (!leaf.isTensor()) continue;
    const auto& tensor = leaf.toTensor();
    key.push_back(static_cast<std::int64_t>(tensor.scalar_type()));
    key.push_back(tensor.dim());
    key.insert(key.end(), tensor.sizes().begin(), tensor.sizes().end());
    key.insert(key.end(), tensor.strides().begin(), tensor.strides().end());
  }
  return key;
}

bool is_same(const at::Tensor& a, const at::Tensor& b) {
  return a.unsafeGetTensorImpl() == b.unsafeGetTensorImpl();
}

class Use {
 public:
  explicit Use(Recording& recording) : recording_(recording) { recording_.enter(); }
  ~Use() { recording_.leave(); }
  Use(const Use&) = delete;
  Use& operator=(const Use&) = delete;

 private:
  Recording& recording_;
};

/// One leaf of the result: memory that each replay writes, an input handed through, or what is always the same.
struct Output {
  c10::IValue value;
  std::int64_t leaf = -1;
  bool written = false;
};

}  // namespace

/// Members die in reverse: the recording first, then the memory that it uses.
struct Graphs::Kind {
  std::vector<std::int64_t> key;
  int calls = 0;
  bool hopeless = false;
  std::vector<c10::IValue> inputs;
  std::vector<Output> outputs;
  std::unique_ptr<Recording> recording;

  /// Makes the inputs' memory and records. Throws where that does not work.
  void record(Recorder& recorder, c10::Device device, std::span<const c10::IValue> leaves, const Held& held,
              const Body& body) {
    inputs.clear();
    for (const auto& leaf : leaves) {
      if (leaf.isTensor()) TORCH_CHECK(is_disjoint(leaf.toTensor()), "an input overlaps itself");
      inputs.push_back(leaf.isTensor() ? c10::IValue(copy_of(leaf.toTensor())) : leaf);
    }
    auto made = recorder.record(device, [this, device, held, body] { write_results(body(inputs), device, held); });
    recording = std::move(made);
  }

  void give_up() {
    inputs.clear();
    outputs.clear();
    hopeless = true;
  }

  /// Takes the result of a run. The first one is a rehearsal, and its memory goes with the next.
  void write_results(std::vector<c10::IValue> results, c10::Device device, const Held& held) {
    outputs.clear();
    for (auto& result : results) {
      Output output{std::move(result)};
      if (output.value.isTensor()) {
        const auto& tensor = output.value.toTensor();
        for (std::size_t i = 0; i < inputs.size(); ++i)
          if (inputs[i].isTensor() && is_same(inputs[i].toTensor(), tensor)) output.leaf = static_cast<std::int64_t>(i);
        const bool fixed = std::ranges::any_of(held.fixed, [&](const at::Tensor& t) { return is_same(t, tensor); });
        output.written = output.leaf < 0 && !fixed;
        TORCH_CHECK(fixed || tensor.device() == device, "a result lies on another device");
        TORCH_CHECK(!output.written || is_disjoint(tensor), "a result overlaps itself");
      }
      outputs.push_back(std::move(output));
    }
  }

  void replay(std::span<const c10::IValue> leaves, std::vector<c10::IValue>& results) {
    const Use use(*recording);
    for (std::size_t i = 0; i < leaves.size(); ++i)
      if (leaves[i].isTensor()) inputs[i].toTensor().copy_(leaves[i].toTensor(), /*non_blocking=*/true);
    recording->replay();
    results.clear();
    for (const auto& output : outputs) {
      if (output.leaf >= 0)
        results.push_back(leaves[static_cast<std::size_t>(output.leaf)]);
      else
        results.push_back(output.written ? c10::IValue(copy_of(output.value.toTensor())) : output.value);
    }
  }
};

/// Of other parameters nothing that was recorded holds; and where they change at every call nothing is recorded.
void Graphs::forget_unless_current(const Held& held) {
  const auto same_memory = [&] {
    if (addresses_.size() != held.params.size()) return false;
    for (std::size_t i = 0; i < addresses_.size(); ++i)
      if (held.params[i].data_ptr() != addresses_[i]) return false;
    return true;
  };
  if (state_ == held.state && same_memory()) return;
  kinds_.clear();
  state_ = held.state;
  addresses_.clear();
  for (const auto& param : held.params) addresses_.push_back(param.data_ptr());
}

Graphs::Kind* Graphs::kind_of(std::span<const c10::IValue> leaves, c10::Device device) {
  auto key = key_of(leaves, device);
  for (const auto& kind : kinds_)
    if (kind->key == key) return kind.get();
  if (kinds_.size() >= most_kinds) return nullptr;
  kinds_.push_back(std::make_shared<Kind>());
  kinds_.back()->key = std::move(key);
  return kinds_.back().get();
}

bool Graphs::run(c10::Device device, std::span<const c10::IValue> leaves, const Held& held, const Body& body,
                 std::vector<c10::IValue>& results) {
  const std::unique_lock hold(lock_, std::try_to_lock);
  if (!hold.owns_lock() || !recorder_->is_free(device)) return false;
  forget_unless_current(held);
  Kind* kind = kind_of(leaves, device);
  if (!kind || kind->hopeless || kind->calls++ < plain_calls) return false;
  if (!kind->recording) {
    const auto made = catching([&] { kind->record(*recorder_, device, leaves, held, body); }, [] { return ""; });
    if (!made) {  // whatever is wrong with the plan itself, its plain run says it
      failure_ = made.error().what;
      kind->give_up();
      return false;
    }
  }
  kind->replay(leaves, results);
  return true;
}

std::size_t Graphs::recorded() const {
  const std::lock_guard hold(lock_);
  return static_cast<std::size_t>(std::ranges::count_if(kinds_, [](const auto& kind) { return !!kind->recording; }));
}

std::string Graphs::failure() const {
  const std::lock_guard hold(lock_);
  return failure_;
}

}  // namespace burnish
