#include "runtime/input_guards.h"

#include <c10/core/ScalarType.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <set>
#include <sstream>

#include "runtime/literals.h"
#include "runtime/scope.h"

namespace burnish {
namespace {

template <class Range>
std::string shown(const Range& values) {
  std::ostringstream text;
  text << "[";
  for (std::size_t i = 0; i < values.size(); ++i) text << (i ? ", " : "") << values[i];
  text << "]";
  return text.str();
}

bool equals(const json& wanted, const c10::IValue& got) {
  if (wanted.is_null()) return got.isNone();
  if (wanted.is_boolean()) return got.isBool() && got.toBool() == wanted.get<bool>();
  if (wanted.is_number_integer()) return got.isInt() && got.toInt() == wanted.get<std::int64_t>();
  if (wanted.is_number()) return got.isDouble() && got.toDouble() == wanted.get<double>();
  if (wanted.is_string()) return got.isString() && got.toStringRef() == wanted.get_ref<const std::string&>();
  return false;
}

const c10::DispatchKeySet foreign_keys({c10::DispatchKey::Python, c10::DispatchKey::PythonTLSSnapshot,
                                        c10::DispatchKey::Conjugate, c10::DispatchKey::Negative,
                                        c10::DispatchKey::ZeroTensor, c10::DispatchKey::FuncTorchBatched,
                                        c10::DispatchKey::FuncTorchGradWrapper, c10::DispatchKey::Functionalize,
                                        c10::DispatchKey::NestedTensor});
const c10::DispatchKeySet foreign_modes({c10::DispatchKey::Python, c10::DispatchKey::PythonDispatcher,
                                         c10::DispatchKey::Functionalize,
                                         c10::DispatchKey::FuncTorchDynamicLayerFrontMode,
                                         c10::DispatchKey::FuncTorchVmapMode, c10::DispatchKey::PreDispatch,
                                         c10::DispatchKey::Tracer});

}  // namespace

const char* foreign_tensor(const at::Tensor& tensor, at::DeviceType device) {
  if (!tensor.defined()) return "is no tensor";
  if (tensor.layout() != at::kStrided) return "is not strided";
  if (tensor.device().type() != device) return "lies on another device";
  if (tensor.key_set().has_any(foreign_keys))
    return "is of a kind that plans do not take (subclass, lazy, conjugated or wrapped)";
  return nullptr;
}

const char* foreign_mode() {
  const auto& keys = c10::impl::tls_local_dispatch_key_set();
  if (!keys.excluded_.has(c10::DispatchKey::AutocastCPU)) return "autocast is on";
  if (keys.included_.has_any(foreign_modes)) return "a dispatch mode or function transform is active";
  return nullptr;
}

Result<InputGuards> InputGuards::compile(const Plan& plan, const std::vector<std::string>& symbols) {
  InputGuards guards;
  class Symbols final : public Scope {
  } scope;
  for (std::size_t i = 0; i < symbols.size(); ++i) scope.symbols[symbols[i]] = {false, static_cast<std::int64_t>(i)};
  std::set<std::string> bound;
  guards.device_ = plan.target == "cuda" ? at::kCUDA : plan.target == "metal" ? at::kMPS : at::kCPU;
  for (std::size_t leaf = 0; leaf < plan.inputs.size(); ++leaf) {
    if (const auto* value = std::get_if<InputValue>(&plan.inputs[leaf])) {
      guards.values_.push_back({leaf, value->value});
      guards.names_.push_back(value->path);
      continue;
    }
    const auto& input = std::get<InputTensor>(plan.inputs[leaf]);
    guards.names_.push_back(input.path);
    Tensor guard{.leaf = leaf, .dtype = scalar_type(input.dtype), .strides = input.strides.kind};
    for (const auto& expr : input.shape) {
      TRY(flat, flatten(expr, scope));
      const bool first =
          flat.kind == FlatExpr::Kind::symbol && bound.insert(symbols[static_cast<std::size_t>(flat.value)]).second;
      const auto kind = first                                   ? Dim::Kind::bind
                        : flat.kind == FlatExpr::Kind::constant ? Dim::Kind::constant
                                                                : Dim::Kind::check;
      guard.dims.push_back({kind, flat.value, flat});
    }
    for (const auto& expr : input.strides.values) {
      TRY(flat, flatten(expr, scope));
      guard.values.push_back(flat);
    }
    guards.tensors_.push_back(std::move(guard));
  }
  for (const auto& symbol : symbols)
    if (!bound.contains(symbol))
      return fail("the symbol " + symbol + " is bound by no input", "inputs", "write it as a bare name in one shape",
                  "plan");
  for (const auto& expr : plan.where) {
    TRY(flat, flatten(expr, scope));
    guards.where_.emplace_back(flat, expr.text());
  }
  return guards;
}

bool InputGuards::strides_fit(const Tensor& guard, const at::Tensor& tensor, const Frame& frame) const {
  switch (guard.strides) {
    case Strides::Kind::any:
      return true;
    case Strides::Kind::contiguous:
      return tensor.is_contiguous();
    case Strides::Kind::channels_last:
      return tensor.is_contiguous(at::MemoryFormat::ChannelsLast);
    case Strides::Kind::channels_last_3d:
      return tensor.is_contiguous(at::MemoryFormat::ChannelsLast3d);
    case Strides::Kind::explicit_:
      break;
  }
  const auto sizes = tensor.sizes(), strides = tensor.strides();
  if (guard.values.size() != strides.size()) return false;
  for (std::size_t i = 0; i < sizes.size(); ++i)
    if (sizes[i] > 1 && strides[i] != evaluate(guard.values[i], frame)) return false;
  return true;
}

std::optional<std::string> InputGuards::bind(const Tensor& guard, const at::Tensor& tensor, Frame& frame) const {
  const auto& name = names_[guard.leaf];
  if (const char* why = foreign_tensor(tensor, device_)) return "input " + name + " " + why;
  if (tensor.scalar_type() != guard.dtype)
    return "input " + name + " is " + c10::toString(tensor.scalar_type()) + ", the plan holds for " +
           c10::toString(guard.dtype);
  const auto sizes = tensor.sizes();
  bool fits = sizes.size() == guard.dims.size();
  for (std::size_t i = 0; fits && i < sizes.size(); ++i) {
    const Dim& dim = guard.dims[i];
    if (dim.kind == Dim::Kind::constant) fits = sizes[i] == dim.value;
    if (dim.kind == Dim::Kind::bind) frame.symbols[static_cast<std::size_t>(dim.value)] = sizes[i];
  }
  if (!fits) return "input " + name + " has the sizes " + shown(sizes) + ", for which the plan does not hold";
  return std::nullopt;
}

std::optional<std::string> InputGuards::bind(std::span<const c10::IValue> leaves, Frame& frame) const {
  if (leaves.size() != names_.size())
    return std::to_string(leaves.size()) + " inputs are given, the plan has " + std::to_string(names_.size());
  for (const auto& guard : tensors_) {
    if (!leaves[guard.leaf].isTensor()) return "input " + names_[guard.leaf] + " is no tensor";
    if (auto miss = bind(guard, leaves[guard.leaf].toTensor(), frame)) return miss;
  }
  for (const auto& guard : tensors_) {  // what depends on symbols, once all are bound
    const at::Tensor& tensor = leaves[guard.leaf].toTensor();
    for (std::size_t i = 0; i < guard.dims.size(); ++i)
      if (guard.dims[i].kind == Dim::Kind::check && tensor.sizes()[i] != evaluate(guard.dims[i].expr, frame))
        return "input " + names_[guard.leaf] + " has the sizes " + shown(tensor.sizes()) +
               ", for which the plan does not hold";
    if (!strides_fit(guard, tensor, frame))
      return "input " + names_[guard.leaf] + " has the strides " + shown(tensor.strides()) +
             ", for which the plan does not hold";
  }
  for (const auto& guard : values_)
    if (!equals(guard.value, leaves[guard.leaf]))
      return "input " + names_[guard.leaf] + " is not " + guard.value.dump();
  for (const auto& [expr, text] : where_)
    if (evaluate(expr, frame) == 0) return "the sizes do not satisfy " + text;
  return std::nullopt;
}

}  // namespace burnish
