#include "runtime/execute.h"

#include <ATen/EmptyTensor.h>
#include <ATen/ExpandUtils.h>
#include <ATen/core/List.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>
#include <ATen/ops/scalar_tensor.h>
#include <c10/util/SmallVector.h>

#include <algorithm>
#include <chrono>
#include <span>

#include "runtime/cuda.h"
#include "runtime/launch.h"
#include "runtime/launch_metal.h"
#include "runtime/products.h"
#include "runtime/watched_cuda.h"

namespace burnish {
namespace {

constexpr std::int64_t most_rounds = 100'000;

using Sizes = c10::SmallVector<std::int64_t, 8>;

/// The operand's tensor as a value: moved out of its slot at the last use.
at::Tensor take(Operand operand, Frame& frame) {
  if (operand.is_none()) return {};
  if (operand.last) return std::move(frame.slots[static_cast<std::size_t>(operand.index)]);
  return frame.at(operand);
}

at::Tensor wrapped_number(std::int64_t value) {
  at::Tensor tensor = at::scalar_tensor(value, at::TensorOptions(at::kLong));
  tensor.unsafeGetTensorImpl()->set_wrapped_number(true);
  return tensor;
}

void push(const StackItem& item, Frame& frame) {
  auto& stack = frame.stack;
  switch (item.kind) {
    case StackItem::Kind::constant:
      stack.push_back(item.constant);
      return;
    case StackItem::Kind::tensor:
      stack.emplace_back(take(item.operands[0], frame));
      return;
    case StackItem::Kind::integer:
      stack.emplace_back(evaluate(item.exprs[0], frame));
      return;
    case StackItem::Kind::decimal:
      stack.emplace_back(static_cast<double>(evaluate(item.exprs[0], frame)));
      return;
    case StackItem::Kind::wrapped:
      stack.emplace_back(wrapped_number(evaluate(item.exprs[0], frame)));
      return;
    case StackItem::Kind::tensors: {
      c10::List<at::Tensor> list;
      list.reserve(item.operands.size());
      for (const auto operand : item.operands) list.push_back(take(operand, frame));
      stack.emplace_back(std::move(list));
      return;
    }
    case StackItem::Kind::optional_tensors: {
      c10::List<std::optional<at::Tensor>> list;
      list.reserve(item.operands.size());
      for (const auto operand : item.operands)
        list.push_back(operand.is_none() ? std::nullopt : std::optional<at::Tensor>(take(operand, frame)));
      stack.emplace_back(std::move(list));
      return;
    }
    case StackItem::Kind::integers: {
      c10::List<std::int64_t> list;
      list.reserve(item.exprs.size());
      for (const auto& expr : item.exprs) list.push_back(evaluate(expr, frame));
      stack.emplace_back(std::move(list));
      return;
    }
  }
}

void store_list(const OpInstruction& op, Frame& frame) {
  const auto list = std::move(frame.stack[0]).toTensorList();
  if (list.size() != op.out.size())
    throw RunFailure{"the operator gave " + std::to_string(list.size()) + " tensors, the step names " +
                         std::to_string(op.out.size()),
                     "plan"};
  for (std::size_t i = 0; i < op.out.size(); ++i)
    if (op.out[i] >= 0) frame.slots[static_cast<std::size_t>(op.out[i])] = list.get(i);
}

void run(const OpInstruction& op, Frame& frame) {
  frame.stack.clear();
  for (const auto& item : op.stack) push(item, frame);
  op.op.callBoxed(frame.stack);
  if (op.out_is_list) {
    store_list(op, frame);
  } else {
    for (std::size_t i = 0; i < op.out.size(); ++i)
      if (op.out[i] >= 0) frame.slots[static_cast<std::size_t>(op.out[i])] = std::move(frame.stack[i]).toTensor();
  }
  frame.stack.clear();
}

Sizes evaluate_all(const std::vector<FlatExpr>& exprs, const Frame& frame, const char* what) {
  Sizes values;
  for (const auto& expr : exprs) {
    values.push_back(evaluate(expr, frame));
    if (values.back() < 0)
      throw RunFailure{std::string(what) + " is negative: " + std::to_string(values.back()), "plan"};
  }
  return values;
}

at::Tensor allocate(at::IntArrayRef sizes, at::TensorOptions options, const Layout& layout, const Frame& frame,
                    const at::Tensor* like) {
  const bool cpu = options.device().is_cpu();
  if (!layout.format && layout.strides.empty() && like && like->dim() == static_cast<std::int64_t>(sizes.size()))
    return at::empty_strided(sizes, at::infer_dense_strides(sizes, like->strides()), options);
  if (layout.strides.empty() || layout.format) {
    const auto format = layout.format.value_or(at::MemoryFormat::Contiguous);
    if (cpu) return at::detail::empty_cpu(sizes, options.dtype().toScalarType(), false, format);
    return at::empty(sizes, options, format);
  }
  const Sizes strides = evaluate_all(layout.strides, frame, "a stride");
  if (strides.size() != sizes.size()) throw RunFailure{"the strides are not as many as the sizes", "plan"};
  return at::empty_strided(sizes, strides, options);
}

void run(const AllocateInstruction& step, Frame& frame) {
  at::TensorOptions options(step.device);
  Sizes sizes;
  const at::Tensor* like = step.like.is_none() ? nullptr : &frame.at(step.like);
  if (like) {
    options = like->options();
    sizes.assign(like->sizes().begin(), like->sizes().end());
  }
  if (step.shape) sizes = evaluate_all(*step.shape, frame, "a size");
  if (step.dtype) options = options.dtype(*step.dtype);
  at::Tensor made = allocate(sizes, options, step.layout, frame, like);
  if (made.is_cuda() && is_gpu_memory_watched()) made = watched_gpu_empty(made.sizes(), made.strides(), made.options());
  if (step.zero) made.zero_();
  frame.slots[static_cast<std::size_t>(step.out)] = std::move(made);
}

bool lies_so(const at::Tensor& tensor, at::IntArrayRef strides) {
  for (std::int64_t i = 0; i < tensor.dim(); ++i)
    if (tensor.size(i) > 1 && tensor.stride(i) != strides[static_cast<std::size_t>(i)]) return false;
  return true;
}

void run(const LayoutInstruction& step, Frame& frame) {
  at::Tensor tensor = take(step.of, frame);
  if (step.layout.format) {
    tensor = tensor.contiguous(*step.layout.format);
  } else if (!step.layout.strides.empty()) {
    const Sizes strides = evaluate_all(step.layout.strides, frame, "a stride");
    if (static_cast<std::int64_t>(strides.size()) != tensor.dim())
      throw RunFailure{"the strides are not as many as the sizes", "plan"};
    if (!lies_so(tensor, strides)) tensor = at::empty_strided(tensor.sizes(), strides, tensor.options()).copy_(tensor);
  }
  frame.slots[static_cast<std::size_t>(step.out)] = std::move(tensor);
}

bool is_true(const at::Tensor& flag) {
  if (!flag.defined() || flag.numel() != 1 || flag.scalar_type() != at::kBool)
    throw RunFailure{"the flag of a choice is no bool tensor of one element", "plan"};
  return flag.item<bool>();
}

/// Runs one instruction and says which is next.
std::size_t step(const Instruction& instruction, Frame& frame, std::size_t pc) {
  // In the order of the variant: a jump table, no visitor's indirection.
  switch (instruction.what.index()) {
    case 0:
      run(*std::get_if<OpInstruction>(&instruction.what), frame);
      break;
    case 1:
      run_launch(*std::get_if<LaunchInstruction>(&instruction.what), frame);
      break;
    case 2:
      run(*std::get_if<AllocateInstruction>(&instruction.what), frame);
      break;
    case 3:
      run(*std::get_if<LayoutInstruction>(&instruction.what), frame);
      break;
    case 4: {
      const auto& move = *std::get_if<MoveInstruction>(&instruction.what);
      frame.slots[static_cast<std::size_t>(move.out)] = take(move.of, frame);
      break;
    }
    case 5: {
      const auto& branch = *std::get_if<BranchInstruction>(&instruction.what);
      if (!is_true(frame.at(branch.flag))) {
        for (const auto slot : instruction.release) frame.slots[static_cast<std::size_t>(slot)].reset();
        return branch.target;
      }
      break;
    }
    case 6:
      pc = std::get_if<JumpInstruction>(&instruction.what)->target - 1;
      break;
    case 7: {
      const auto& loop = *std::get_if<LoopInstruction>(&instruction.what);
      const std::int64_t begin = evaluate(loop.begin, frame), end = evaluate(loop.end, frame);
      if (end - begin > most_rounds) throw RunFailure{"a loop has " + std::to_string(end - begin) + " rounds", "plan"};
      frame.symbols[loop.variable] = begin;
      frame.symbols[loop.variable + 1] = end;
      if (begin >= end) pc = loop.target - 1;
      break;
    }
    default: {
      const auto& repeat = *std::get_if<RepeatInstruction>(&instruction.what);
      if (++frame.symbols[repeat.variable] < frame.symbols[repeat.variable + 1]) pc = repeat.target - 1;
      break;
    }
  }
  for (const auto slot : instruction.release) frame.slots[static_cast<std::size_t>(slot)].reset();
  return pc + 1;
}

struct ByteCounter {
  const Frame& frame;
  std::size_t operator()(Operand operand) const {
    if (operand.is_none()) return 0;
    const at::Tensor& tensor = frame.at(operand);
    return tensor.defined() ? tensor.nbytes() : 0;
  }
  std::size_t slot(std::int32_t index) const { return index < 0 ? 0 : (*this)(Operand{index}); }

  std::size_t in(const Instruction& instruction) const {
    std::size_t bytes = 0;
    if (const auto* op = std::get_if<OpInstruction>(&instruction.what)) {
      for (const auto& item : op->stack)
        for (const auto operand : item.operands) bytes += (*this)(operand);
    } else if (const auto* launch = std::get_if<LaunchInstruction>(&instruction.what)) {
      for (const auto& arg : launch->args) bytes += (*this)(arg.tensor);
    } else if (const auto* layout = std::get_if<LayoutInstruction>(&instruction.what)) {
      bytes = (*this)(layout->of);
    }
    return bytes;
  }
  double elements_out(const OpInstruction& op) const {
    if (op.out.empty() || op.out[0] < 0) return 0;
    const at::Tensor& tensor = frame.at(Operand{op.out[0]});
    return tensor.defined() ? static_cast<double>(tensor.numel()) : 0;
  }
  std::size_t out(const Instruction& instruction) const {
    std::size_t bytes = 0;
    for (const auto index : made_by(instruction)) bytes += slot(index);
    return bytes;
  }

  /// The memory of what an operator or a layout reads; none where it writes to what it reads.
  using Memory = c10::SmallVector<const void*, 8>;
  Memory memory_in(const Instruction& instruction) const {
    Memory memory;
    if (const auto* op = std::get_if<OpInstruction>(&instruction.what); op && !op->op.schema().is_mutable()) {
      for (const auto& item : op->stack)
        for (const auto operand : item.operands) add(operand, memory);
    } else if (const auto* layout = std::get_if<LayoutInstruction>(&instruction.what)) {
      add(layout->of, memory);
    }
    return memory;
  }
  /// Whether all that it made lies in that memory: views, and layouts that were there already, move nothing.
  bool only_views(const Instruction& instruction, const Memory& memory) const {
    const auto made = made_by(instruction);
    return !memory.empty() && !made.empty() && std::ranges::all_of(made, [&](std::int32_t index) {
      const void* at = index < 0 ? nullptr : storage_of(Operand{index});
      return index < 0 || (at != nullptr && std::ranges::find(memory, at) != memory.end());
    });
  }

 private:
  static std::span<const std::int32_t> made_by(const Instruction& instruction) {
    if (const auto* op = std::get_if<OpInstruction>(&instruction.what)) return op->out;
    if (const auto* layout = std::get_if<LayoutInstruction>(&instruction.what)) return {&layout->out, 1};
    return {};
  }
  const void* storage_of(Operand operand) const {
    if (operand.is_none()) return nullptr;
    const at::Tensor& tensor = frame.at(operand);
    return tensor.defined() && tensor.has_storage() ? tensor.storage().data() : nullptr;
  }
  void add(Operand operand, Memory& memory) const {
    if (const void* at = storage_of(operand)) memory.push_back(at);
  }
};

}  // namespace

void execute(const Code& code, Frame& frame, std::size_t& pc) {
  pc = 0;
  while (pc < code.instructions.size()) pc = step(code.instructions[pc], frame, pc);
}

void execute_profiled(const Code& code, Frame& frame, std::size_t& pc, std::vector<StepProfile>& profile, bool cuda) {
  using Clock = std::chrono::steady_clock;
  profile.resize(code.instructions.size());
  const ByteCounter count{frame};
  pc = 0;
  while (pc < code.instructions.size()) {
    const auto& instruction = code.instructions[pc];
    StepProfile& row = profile[pc];
    const std::size_t bytes_in = count.in(instruction);
    const auto memory = count.memory_in(instruction);
    const auto* launch = std::get_if<LaunchInstruction>(&instruction.what);
    const MetalKernel* metal = launch && launch->metal ? launch->metal->kernel.get() : nullptr;
    const MetalKernel before = metal ? *metal : MetalKernel{};
    const auto* op = std::get_if<OpInstruction>(&instruction.what);
    const double terms = op ? terms_of_product(*op, frame) : 0;
    const auto begin = Clock::now();
    const std::size_t next = step(instruction, frame, pc);
    if (cuda)
      if (auto waited = synchronize_cuda(); !waited) throw RunFailure{to_text(waited.error()), waited.error().reason};
    row.seconds += std::chrono::duration<double>(Clock::now() - begin).count();
    if (!count.only_views(instruction, memory)) {
      row.bytes_in += bytes_in;
      row.bytes_out += count.out(instruction);
    }
    if (terms > 0) row.flops += 2 * terms * count.elements_out(*op);
    if (metal) {
      row.threads += metal->threads - before.threads;
      row.groups += metal->groups - before.groups;
      row.barriers += metal->barriers - before.barriers;
      row.flops += 1024.0 * static_cast<double>(metal->products - before.products);  // 8 x 8 x 8, twice
    }
    ++row.calls;
    pc = next;
  }
}

}  // namespace burnish
