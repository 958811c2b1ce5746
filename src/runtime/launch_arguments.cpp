#include "runtime/launch_arguments.h"

#include <cstring>

#include "runtime/launch.h"
#include "runtime/literals.h"

namespace burnish {
namespace {

void* word(std::int64_t value) {
  return reinterpret_cast<void*>(static_cast<std::intptr_t>(value));
}

void* pointer(const KernelArgument& arg, const Frame& frame) {
  if (arg.tensor.is_none()) return nullptr;
  const at::Tensor& tensor = frame.at(arg.tensor);
  if (!tensor.defined()) return nullptr;
  auto* address = static_cast<char*>(const_cast<void*>(tensor.const_data_ptr()));
  return arg.expr ? address + evaluate(*arg.expr, frame) * static_cast<std::int64_t>(tensor.itemsize()) : address;
}

}  // namespace

Result<KernelArgument> resolve_argument(const Arg& arg, char letter, Scope& scope) {
  KernelArgument out{.letter = letter};
  const auto* name = std::get_if<Arg::Name>(&arg.value);
  if (letter == 'p') {
    if (std::holds_alternative<Arg::None>(arg.value)) return out;
    if (!name) return fail("the kernel takes a pointer here", {}, "give a tensor's name or null", "plan");
    TRY(operand, scope.tensor(name->tensor));
    out.tensor = operand;
    if (name->offset) {
      TRY(offset, flatten(*name->offset, scope));
      out.expr = std::move(offset);
    }
    return out;
  }
  if (name) return fail("the kernel takes a number here, \"" + name->tensor + "\" is a tensor", {}, {}, "plan");
  if (const auto* expr = std::get_if<Expr>(&arg.value)) {
    TRY(flat, flatten(*expr, scope));
    out.expr = std::move(flat);
    return out;
  }
  const auto* integer = std::get_if<std::int64_t>(&arg.value);
  const auto* flag = std::get_if<bool>(&arg.value);
  if (letter == 'i') {
    if (!integer && !flag) return fail("the kernel takes an integer (int64_t) here", {}, {}, "plan");
    out.expr = FlatExpr{.value = integer ? *integer : static_cast<std::int64_t>(*flag)};
    return out;
  }
  if (const auto* decimal = std::get_if<double>(&arg.value)) {
    out.decimal = static_cast<float>(*decimal);
  } else if (integer) {
    out.decimal = static_cast<float>(*integer);
  } else if (const auto* literal = std::get_if<Arg::Literal>(&arg.value); literal && literal->kind == "float") {
    TRY(value, decimal_value(literal->text));
    out.decimal = static_cast<float>(value);
  } else {
    return fail("the kernel takes a decimal (float) here", {}, {}, "plan");
  }
  return out;
}

Result<std::vector<KernelArgument>> resolve_arguments(const LaunchStep& step, const std::string& signature,
                                                      Scope& scope) {
  if (signature.size() != step.args.size() || signature.find_first_not_of("pif") != std::string::npos)
    return fail("the launch has " + std::to_string(step.args.size()) + " arguments, the kernel takes " +
                    std::to_string(signature.size()),
                {}, "the kernel's arguments are those of the launch, in order (on a CPU after begin and end)", "plan");
  if (signature.size() > most_kernel_arguments)
    return fail("the kernel takes " + std::to_string(signature.size()) + " arguments", {}, "at most 64 are allowed",
                "plan");
  std::vector<KernelArgument> args;
  for (std::size_t i = 0; i < signature.size(); ++i) {
    auto arg = resolve_argument(step.args[i], signature[i], scope);
    if (!arg) return inside("argument " + std::to_string(i), arg.error());
    args.push_back(std::move(*arg));
  }
  return args;
}

void* pack(const KernelArgument& arg, const Frame& frame) {
  if (arg.letter == 'p') return pointer(arg, frame);
  if (arg.letter == 'i') return word(evaluate(*arg.expr, frame));
  const float decimal = arg.expr ? static_cast<float>(evaluate(*arg.expr, frame)) : arg.decimal;
  void* packed = nullptr;
  std::memcpy(&packed, &decimal, sizeof decimal);
  return packed;
}

}  // namespace burnish
