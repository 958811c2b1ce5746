#include "runtime/worker_plan.h"

#include <algorithm>
#include <chrono>
#include <utility>

#include "base/seccomp.h"

namespace burnish {
namespace {

/// The result tree as text around its leaves, depth first: text, leaf, text, leaf, ..., text.
void cut_at_leaves(const json& node, std::vector<std::string>& pieces) {
  if (!node.is_structured()) {
    pieces.emplace_back();
    return;
  }
  pieces.back() += node.is_array() ? "[" : "{";
  bool first = true;
  for (const auto& [key, value] : node.items()) {
    if (!std::exchange(first, false)) pieces.back() += ", ";
    if (node.is_object()) pieces.back() += json(key).dump() + ": ";
    cut_at_leaves(value, pieces);
  }
  pieces.back() += node.is_array() ? "]" : "}";
}

constexpr int most_profiled_calls = 1000;

double median(std::vector<double> values) {
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

std::string text_of(const c10::IValue& value) {
  if (value.isNone()) return "null";
  if (value.isBool()) return value.toBool() ? "true" : "false";
  if (value.isInt()) return std::to_string(value.toInt());
  if (value.isDouble()) return json(value.toDouble()).dump();
  if (value.isString()) return json(value.toStringRef()).dump();
  return json(value.tagKind()).dump();
}

}  // namespace

Result<json> PlanCallee::control(const json& request, SharedMemory& memory) {
  const std::string what = request.value("do", "");
  try {
    if (what == "load") return load(request, memory.on_gpu());
    if (!program_) return fail("no plan is loaded", what, "", "protocol");
    if (what == "params") return params(request, memory);
    if (!bound_ && program_->params.empty())
      if (auto ok = params({{"params", json::object()}}, memory); !ok) return ok;
    if (!bound_) return fail("the plan has no parameters yet", what, "", "protocol");
    if (what == "slots") return slots(request, memory);
    if (what == "refresh") return refresh();
    if (what == "profile") return profile(request);
  } catch (const std::exception& e) {
    return fail(e.what(), what, "", "crash");
  }
  return fail("unknown message", what, "", "protocol");
}

Result<json> PlanCallee::load(const json& request, bool on_gpu) {
  bound_.reset();
  program_.reset();
  slots_.clear();
  results_.clear();
  // Kernels for a GPU bring no code into this process, and CUDA's driver needs calls that the filter forbids.
  if (confined_ && !filtered_ && !on_gpu) {
    if (auto ok = install_filter(Filter::running_plan); !ok) return std::unexpected(ok.error());
    filtered_ = true;
  }
  const auto kernels = request.value("kernels", std::map<std::string, std::string>{});
  TRY(loaded, load_program(request.at("dir").get<std::string>(), kernels));
  program_ = loaded;
  pieces_.assign(1, "");
  cut_at_leaves(program_->plan.result, pieces_);
  json paths = json::array();
  for (const auto& [name, path] : program_->params) paths.push_back(path);
  return json{{"params", paths}};
}

Result<json> PlanCallee::params(const json& request, SharedMemory& memory) {
  std::vector<at::Tensor> tensors;
  for (const auto& [name, path] : program_->params) {
    const auto it = request.at("params").find(path);
    if (it == request.at("params").end())
      return fail("the module has no parameter of this path", path, "", "parameters");
    TRY(tensor, memory.tensor(*it));
    tensors.push_back(tensor);
  }
  TRY(made, Bound::make(program_, std::move(tensors)));
  bound_ = made;
  return prepared();
}

Result<json> PlanCallee::slots(const json& request, SharedMemory& memory) {
  slots_.clear();
  for (const auto& leaves : request.at("slots")) {
    auto& slot = slots_.emplace_back();
    for (const auto& description : leaves) {
      TRY(leaf, memory.leaf(description));
      slot.push_back(leaf);
    }
  }
  return json::object();
}

Result<json> PlanCallee::refresh() {
  if (auto ok = bound_->refresh(); !ok) return std::unexpected(ok.error());
  return prepared();
}

Result<json> PlanCallee::profile(const json& request) {
  const auto slot = request.value("slot", std::size_t{0});
  const int calls = std::clamp(request.value("calls", 1), 1, most_profiled_calls);
  if (slot >= slots_.size()) return fail("no such slot", std::to_string(slot), "", "protocol");
  const auto failure = [](const Bound::Outcome& outcome) -> Status {
    if (const auto* error = std::get_if<Error>(&outcome)) return std::unexpected(*error);
    if (const auto* missed = std::get_if<Bound::Missed>(&outcome)) return fail(missed->guard, "inputs", "", "shape");
    return {};
  };
  using Clock = std::chrono::steady_clock;
  std::vector<double> whole;
  std::vector<std::vector<double>> steps;  // by step, then by call
  std::vector<StepProfile> rows;
  for (int i = 0; i < calls; ++i) {
    // By turns, so that both see the machine in the same state.
    const auto begin = Clock::now();
    if (auto ok = failure(bound_->run(slots_[slot], results_)); !ok) return std::unexpected(ok.error());
    whole.push_back(std::chrono::duration<double>(Clock::now() - begin).count());
    rows.clear();
    if (auto ok = failure(bound_->profile(slots_[slot], results_, rows)); !ok) return std::unexpected(ok.error());
    results_.clear();
    steps.resize(rows.size());
    for (std::size_t s = 0; s < rows.size(); ++s) steps[s].push_back(rows[s].seconds);
  }
  json list = json::array();
  for (std::size_t s = 0; s < rows.size(); ++s)
    list.push_back({{"step", program_->steps.instructions[s].where},
                    {"seconds", median(steps[s])},
                    {"bytes_in", rows[s].bytes_in},
                    {"bytes_out", rows[s].bytes_out},
                    {"calls", rows[s].calls},
                    {"flops", rows[s].flops},
                    {"threads", rows[s].threads},
                    {"groups", rows[s].groups},
                    {"barriers", rows[s].barriers}});
  return json{{"seconds", median(whole)}, {"steps", list}};
}

json PlanCallee::prepared() const {
  const auto p = bound_->prepared();
  return {{"prepare_seconds", p.seconds}, {"prepare_bytes", p.bytes}, {"prepare_times", p.times}};
}

Status PlanCallee::call(std::uint32_t slot, std::vector<at::Tensor>& outputs, const std::string*& structure) {
  if (slot >= slots_.size()) return fail("no such slot", std::to_string(slot), "", "protocol");
  outputs.clear();
  const auto outcome = bound_->run(slots_[slot], results_);
  if (const auto* missed = std::get_if<Bound::Missed>(&outcome))
    return fail("the plan's guards do not hold for these inputs: " + missed->guard, "inputs",
                "widen the guards, or use symbols", "shape");
  if (const auto* error = std::get_if<Error>(&outcome)) return std::unexpected(*error);
  structure_ = pieces_[0];
  for (std::size_t i = 0; i < results_.size(); ++i) {
    if (results_[i].isTensor()) {
      structure_ += "{\"tensor\": ";
      structure_ += std::to_string(outputs.size());
      structure_ += '}';
      outputs.push_back(std::move(results_[i]).toTensor());
    } else {
      structure_ += text_of(results_[i]);
    }
    structure_ += i + 1 < pieces_.size() ? pieces_[i + 1] : std::string();
  }
  results_.clear();
  structure = &structure_;
  return {};
}

}  // namespace burnish
