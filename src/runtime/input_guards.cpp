#include "runtime/input_guards.h"

#include <c10/core/ScalarType.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/util/SmallVector.h>

#include <array>

#include "runtime/literals.h"

namespace burnish {
namespace {

constexpr std::uintptr_t gpu_load_bytes = 16;  // of the widest load that a thread of a kernel makes

/// A plan's dtype by the number of PyTorch's; -1 where plans have none.
const std::array<std::int8_t, 128> dtypes = [] {
  std::array<std::int8_t, 128> table;
  table.fill(-1);
  for (int i = 0; i <= static_cast<int>(DType::complex128); ++i)
    table[static_cast<std::size_t>(scalar_type(static_cast<DType>(i)))] = static_cast<std::int8_t>(i);
  return table;
}();

std::optional<DType> dtype_of(at::ScalarType type) {
  const int dtype = dtypes[static_cast<std::size_t>(type) & 127];
  return dtype < 0 ? std::nullopt : std::optional(static_cast<DType>(dtype));
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
  if (!keys.excluded_.has(c10::DispatchKey::AutocastCPU) || !keys.excluded_.has(c10::DispatchKey::AutocastCUDA))
    return "autocast is on";
  if (keys.included_.has_any(foreign_modes)) return "a dispatch mode or function transform is active";
  return nullptr;
}

Result<InputGuards> InputGuards::compile(const Plan& plan) {
  InputGuards guards;
  TRY(compiled, Guards::compile(plan));
  guards.guards_ = std::move(compiled);
  guards.device_ = plan.target == "cuda" ? at::kCUDA : plan.target == "metal" ? at::kMPS : at::kCPU;
  for (std::size_t leaf = 0; leaf < plan.inputs.size(); ++leaf) {
    if (const auto* value = std::get_if<InputValue>(&plan.inputs[leaf])) {
      guards.values_.push_back({leaf, value->value});
      guards.names_.push_back(value->path);
    } else {
      guards.tensors_.push_back(leaf);
      guards.names_.push_back(std::get<InputTensor>(plan.inputs[leaf]).path);
    }
  }
  return guards;
}

std::optional<std::string> InputGuards::check_kinds(std::span<const c10::IValue> leaves) const {
  if (leaves.size() != names_.size())
    return std::to_string(leaves.size()) + " inputs are given, the plan has " + std::to_string(names_.size());
  for (const auto leaf : tensors_) {
    if (!leaves[leaf].isTensor()) return "input " + names_[leaf] + ": no tensor is given";
    const at::Tensor& tensor = leaves[leaf].toTensor();
    if (const char* why = foreign_tensor(tensor, device_)) return "input " + names_[leaf] + " " + why;
    if (device_ == at::kCUDA && reinterpret_cast<std::uintptr_t>(tensor.const_data_ptr()) % gpu_load_bytes != 0)
      return "input " + names_[leaf] + " is a part of a tensor that does not begin at a multiple of 16 bytes";
  }
  for (const auto& guard : values_)
    if (!equals(guard.value, leaves[guard.leaf]))
      return "input " + names_[guard.leaf] + " is not " + guard.value.dump();
  return std::nullopt;
}

std::optional<std::string> InputGuards::bind(std::span<const c10::IValue> leaves, Frame& frame) const {
  if (auto miss = check_kinds(leaves)) return miss;
  c10::SmallVector<TensorFacts, 16> facts;
  for (const auto leaf : tensors_) {
    const at::Tensor& tensor = leaves[leaf].toTensor();
    const auto dtype = dtype_of(tensor.scalar_type());
    if (!dtype) return "input " + names_[leaf] + " has a dtype that plans do not know";
    facts.push_back(
        {*dtype, {tensor.sizes().data(), tensor.sizes().size()}, {tensor.strides().data(), tensor.strides().size()}});
  }
  const std::span<const TensorFacts> actual(facts.data(), facts.size());
  if (guards_.match(actual, std::span(frame.symbols).first(symbols().size()))) return std::nullopt;
  return guards_.explain(actual);
}

}  // namespace burnish
