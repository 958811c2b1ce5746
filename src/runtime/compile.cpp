#include "runtime/compile.h"

#include <algorithm>

#include "plan/names.h"
#include "plan/writes.h"
#include "runtime/arguments.h"
#include "runtime/launch.h"
#include "runtime/literals.h"
#include "runtime/liveness.h"

namespace burnish {
namespace {

constexpr std::size_t most_instructions = 1'000'000;
constexpr std::int64_t most_unrolled = 64;  ///< rounds; longer loops whose variable chooses no parameters stay loops

/// Code that is being written.
struct Writer {
  Code* code;
  std::vector<Region> regions;

  std::int32_t new_slot() { return static_cast<std::int32_t>(code->slots++); }
  std::size_t emit(decltype(Instruction::what) what, const std::string& where) {
    code->instructions.push_back({std::move(what), {}, where});
    return code->instructions.size() - 1;
  }
};

/// Names of a list of steps; those of its prepare list are seen too, and kept for the calls when they are read.
class StepScope final : public Scope {
 public:
  StepScope(Program& program, Scope* prepared, bool same_code)
      : program_(program), prepared_(prepared), same_code_(same_code) {}

 protected:
  std::optional<Operand> outer(const std::string& name) override {
    if (!prepared_) return std::nullopt;
    const auto it = prepared_->tensors.find(name);
    if (it == prepared_->tensors.end()) return std::nullopt;
    Operand operand = it->second;
    if (operand.is_slot() && !same_code_) {
      program_.fixed.push_back({Program::Fixed::Kind::prepared, program_.kept.size()});
      program_.kept.push_back(operand.index);
      operand = Operand::fixed(program_.fixed.size() - 1);
    }
    tensors[name] = operand;
    return operand;
  }

 private:
  Program& program_;
  Scope* prepared_;
  bool same_code_;
};

class Compiler {
 public:
  Compiler(Program& program, KernelLoader& loader, const std::map<std::string, at::Tensor>& constants)
      : program_(program), plan_(program.plan), loader_(loader), constants_(constants) {}

  Status compile() {
    prepare_.code = &program_.prepare;
    steps_.code = &program_.steps;
    StepScope before(program_, nullptr, true), main(program_, &before, false);
    if (auto ok = add_fixed(before); !ok) return ok;
    main.tensors = before.tensors;
    add_inputs(main);
    if (auto ok = add_steps(plan_.prepare, "prepare", "", before, prepare_); !ok) return ok;
    if (auto ok = add_steps(plan_.steps, "steps", "", main, steps_); !ok) return ok;
    if (auto ok = add_result(plan_.result, main); !ok) return inside("result", ok.error());
    finish();
    return {};
  }

 private:
  /// A list of steps that is being compiled, for its steps' sake.
  struct Place {
    Scope& scope;
    Writer& writer;
    const std::string& prefix;
    const std::string& where;
  };

  Status add_fixed(Scope& scope) {
    for (const auto& [name, path] : plan_.params) {
      scope.tensors[name] = Operand::fixed(program_.fixed.size());
      by_path_.try_emplace(path, program_.fixed.size());
      program_.fixed.push_back({Program::Fixed::Kind::param, program_.params.size()});
      program_.params.emplace_back(name, path);
    }
    for (const auto& [name, key] : plan_.constants) {
      const auto it = constants_.find(key);
      if (it == constants_.end())
        return fail("constants.safetensors has no tensor \"" + key + "\"", "constant " + name,
                    "export the module again", "plan");
      scope.tensors[name] = Operand::fixed(program_.fixed.size());
      program_.fixed.push_back({Program::Fixed::Kind::constant, program_.constants.size()});
      program_.constants.push_back(it->second);
    }
    return {};
  }

  void add_inputs(Scope& scope) {
    for (const auto& symbol : program_.guards.symbols())
      scope.symbols[symbol] = {false, static_cast<std::int64_t>(program_.symbols++)};
    for (const auto& input : plan_.inputs) {
      const auto* tensor = std::get_if<InputTensor>(&input);
      program_.input_slots.push_back(tensor ? steps_.new_slot() : -1);
      if (!tensor) continue;
      scope.tensors[tensor->name] = Operand{program_.input_slots.back()};
    }
  }

  Status add_steps(const std::vector<Step>& steps, const std::string& list, const std::string& prefix, Scope& scope,
                   Writer& writer) {
    for (std::size_t i = 0; i < steps.size(); ++i) {
      const std::string where = describe_step(list, i, steps[i]);
      if (program_.steps.instructions.size() + program_.prepare.instructions.size() > most_instructions)
        return fail("the plan unrolls to more than a million steps", where, "use fewer loop iterations", "plan");
      const Place place{scope, writer, prefix, where};
      if (auto ok = std::visit([&](const auto& step) { return add(step, place); }, steps[i]); !ok)
        return inside(where, ok.error());
    }
    return {};
  }

  Status add(const OpStep& step, const Place& place) {
    TRY(instruction, resolve_op(step, place.scope));
    const auto* first = step.args.empty() ? nullptr : std::get_if<Arg::Name>(&step.args[0].value);
    const bool own_view = first && place.scope.writable.contains(first->tensor) && makes_view(step.op);
    for (const auto& name : step.out) {
      instruction.out.push_back(name.empty() ? -1 : place.writer.new_slot());
      if (name.empty()) continue;
      place.scope.tensors[name] = Operand{instruction.out.back()};
      if (own_view) place.scope.writable.insert(name);
    }
    place.writer.emit(std::move(instruction), place.where);
    return {};
  }

  Status add(const LaunchStep& step, const Place& place) {
    const auto kernel = std::ranges::find(plan_.kernels, step.kernel, &std::pair<std::string, Kernel>::first);
    if (kernel == plan_.kernels.end())
      return fail("no kernel is called " + step.kernel, {}, "add it to kernels", "plan");
    TRY(loaded, loader_.load(step.kernel, kernel->second.source));
    TRY(instruction, resolve_launch(step, loaded, place.scope));
    program_.kernels.push_back(loaded);
    place.writer.emit(std::move(instruction), place.where);
    return {};
  }

  Status add(const AllocateStep& step, const Place& place) {
    AllocateInstruction instruction{.zero = step.zero};
    if (plan_.target == "cuda") instruction.device = c10::DeviceType::CUDA;
    if (step.like) {
      TRY(like, place.scope.tensor(*step.like));
      instruction.like = like;
    }
    if (step.dtype) instruction.dtype = scalar_type(*step.dtype);
    if (step.shape) {
      TRY(shape, flatten_all(*step.shape, place.scope));
      instruction.shape = std::move(shape);
    }
    if (!step.like && (!step.dtype || !step.shape))
      return fail("a tensor is made like another one, or by dtype and shape", {}, {}, "plan");
    TRY(layout, layout_of(step.strides, place.scope));
    instruction.layout = std::move(layout);
    instruction.out = place.writer.new_slot();
    place.scope.tensors[step.out] = Operand{instruction.out};
    place.scope.writable.insert(step.out);
    place.writer.emit(std::move(instruction), place.where);
    return {};
  }

  Status add(const LayoutStep& step, const Place& place) {
    TRY(of, place.scope.tensor(step.of));
    TRY(layout, layout_of(step.strides, place.scope));
    LayoutInstruction instruction{place.writer.new_slot(), of, std::move(layout)};
    place.scope.tensors[step.out] = Operand{instruction.out};
    place.writer.emit(std::move(instruction), place.where);
    return {};
  }

  Status add(const CallStep& step, const Place& place) {
    TRY(args, operands(step.args, place.scope));
    if (step.loop.empty()) {
      TRY(results, inline_function(step.function, args, step.prefix, {}, place));
      return name_results(step.out, results, place.scope);
    }
    TRY(begin, flatten(step.begin, place.scope));
    TRY(end, flatten(step.end, place.scope));
    const bool known = begin.kind == FlatExpr::Kind::constant && end.kind == FlatExpr::Kind::constant;
    const bool chooses = step.prefix.find("{" + step.loop + "}") != std::string::npos;
    if (chooses && !known)
      return fail("the loop's variable chooses parameters, but its bounds depend on the call", {},
                  "write integers as bounds", "plan");
    if (!chooses && (!known || end.value - begin.value > most_unrolled)) return add_loop(step, args, begin, end, place);
    for (std::int64_t i = begin.value; i < end.value; ++i) {
      TRY(results, inline_function(step.function, args, step.prefix, {{step.loop, {true, i}}}, place));
      if (auto ok = check_round(step, results); !ok) return ok;
      std::ranges::copy(results, args.begin());
    }
    args.resize(step.out.size());
    return name_results(step.out, args, place.scope);
  }

  static Status check_round(const CallStep& step, const std::vector<Operand>& results) {
    if (results.size() > step.args.size() || results.size() != step.out.size())
      return fail("a loop's function returns " + std::to_string(results.size()) + " tensors, the step names " +
                      std::to_string(step.out.size()) + " and gives " + std::to_string(step.args.size()),
                  {}, "each round's results are the first arguments of the next", "plan");
    return {};
  }

  /// A loop as a loop: what goes from round to round lies in slots of its own.
  Status add_loop(const CallStep& step, std::vector<Operand> args, const FlatExpr& begin, const FlatExpr& end,
                  const Place& place) {
    if (step.out.size() > args.size()) return check_round(step, std::vector<Operand>(step.out.size()));
    std::vector<Operand> carried;
    for (std::size_t i = 0; i < step.out.size(); ++i) {
      carried.push_back({place.writer.new_slot()});
      place.writer.emit(MoveInstruction{carried[i].index, args[i]}, place.where);
      args[i] = carried[i];
    }
    const std::size_t variable = program_.symbols;
    program_.symbols += 2;
    const std::size_t loop = place.writer.emit(LoopInstruction{variable, begin, end}, place.where);
    TRY(results, inline_function(step.function, args, step.prefix,
                                 {{step.loop, {false, static_cast<std::int64_t>(variable)}}}, place));
    if (auto ok = check_round(step, results); !ok) return ok;
    std::vector<Operand> next;  // all results are read before the first is overwritten
    for (const auto result : results) {
      next.push_back({place.writer.new_slot()});
      place.writer.emit(MoveInstruction{next.back().index, result}, place.where);
    }
    for (std::size_t i = 0; i < next.size(); ++i)
      place.writer.emit(MoveInstruction{carried[i].index, next[i]}, place.where);
    const std::size_t repeat = place.writer.emit(RepeatInstruction{variable, loop + 1}, place.where);
    const std::size_t after = place.writer.emit(JumpInstruction{repeat + 2}, place.where);
    std::get<LoopInstruction>(place.writer.code->instructions[loop].what).target = after;
    place.writer.regions.push_back({loop, after});
    return name_results(step.out, carried, place.scope);
  }

  Status add(const ChoiceStep& step, const Place& place) {
    TRY(flag, place.scope.tensor(step.flag));
    TRY(args, operands(step.args, place.scope));
    std::vector<Operand> outs;
    for (std::size_t i = 0; i < step.out.size(); ++i) outs.push_back({place.writer.new_slot()});
    const std::size_t branch = place.writer.emit(BranchInstruction{flag}, place.where);
    const auto way = [&](const std::string& function) -> Status {
      TRY(results, inline_function(function, args, step.prefix, {}, place));
      if (results.size() != outs.size())
        return fail(function + " returns another number of tensors than the step names", {}, {}, "plan");
      for (std::size_t i = 0; i < outs.size(); ++i)
        place.writer.emit(MoveInstruction{outs[i].index, results[i]}, place.where);
      return {};
    };
    if (auto ok = way(step.then); !ok) return ok;
    const std::size_t jump = place.writer.emit(JumpInstruction{}, place.where);
    auto& code = place.writer.code->instructions;
    std::get<BranchInstruction>(code[branch].what).target = code.size();
    if (auto ok = way(step.otherwise); !ok) return ok;
    const std::size_t join = place.writer.emit(JumpInstruction{code.size() + 1}, place.where);
    std::get<JumpInstruction>(code[jump].what).target = join;
    place.writer.regions.push_back({branch, join});
    return name_results(step.out, outs, place.scope);
  }

  /// Compiles a function's body in place and gives the operands of its results.
  Result<std::vector<Operand>> inline_function(const std::string& name, const std::vector<Operand>& args,
                                               std::string prefix, const std::map<std::string, Scope::Symbol>& loop,
                                               const Place& place) {
    const auto it = std::ranges::find(plan_.functions, name, &std::pair<std::string, Function>::first);
    if (it == plan_.functions.end()) return fail("no function is called " + name, {}, "add it to functions", "plan");
    if (std::ranges::find(calling_, name) != calling_.end())
      return fail("the function " + name + " calls itself", {}, {}, "plan");
    const Function& function = it->second;
    if (function.args.size() != args.size())
      return fail(name + " takes " + std::to_string(function.args.size()) + " tensors, " + std::to_string(args.size()) +
                      " are given",
                  {}, {}, "plan");
    for (const auto& [symbol, known] : loop)
      if (known.known) prefix = replace_all(prefix, "{" + symbol + "}", std::to_string(known.value));
    prefix = place.prefix + prefix;
    calling_.push_back(name);

    const bool preparing = place.writer.code == prepare_.code;
    StepScope before(program_, nullptr, true), body(program_, &before, preparing);
    body.symbols = place.scope.symbols;
    for (const auto& [symbol, known] : loop) body.symbols[symbol] = known;
    for (const auto& [symbol, known] : body.symbols)
      if (known.known) before.symbols[symbol] = known;
    for (const auto& [param, path] : function.params) before.tensors[param] = param_at(prefix + path, param);
    body.tensors = before.tensors;
    for (std::size_t i = 0; i < args.size(); ++i) body.tensors[function.args[i]] = args[i];
    if (auto ok = add_steps(function.prepare, place.where + " > " + name + ".prepare", prefix, before, prepare_); !ok)
      return std::unexpected(ok.error());
    if (auto ok = add_steps(function.steps, place.where + " > " + name + ".steps", prefix, body, place.writer); !ok)
      return std::unexpected(ok.error());
    calling_.pop_back();
    return operands(function.result, body);
  }

  Operand param_at(const std::string& path, const std::string& name) {
    const auto [it, is_new] = by_path_.try_emplace(path, program_.fixed.size());
    if (is_new) {
      program_.fixed.push_back({Program::Fixed::Kind::param, program_.params.size()});
      program_.params.emplace_back(name, path);
    }
    return Operand::fixed(it->second);
  }

  static std::string replace_all(std::string text, const std::string& from, const std::string& to) {
    for (auto at = text.find(from); at != std::string::npos; at = text.find(from, at + to.size()))
      text.replace(at, from.size(), to);
    return text;
  }

  static Result<std::vector<Operand>> operands(const std::vector<std::string>& names, Scope& scope) {
    std::vector<Operand> found;
    for (const auto& name : names) {
      TRY(operand, scope.tensor(name));
      found.push_back(operand);
    }
    return found;
  }

  static Status name_results(const std::vector<std::string>& names, const std::vector<Operand>& results, Scope& scope) {
    if (names.size() != results.size())
      return fail(
          std::to_string(names.size()) + " results are named, the function returns " + std::to_string(results.size()),
          {}, {}, "plan");
    for (std::size_t i = 0; i < names.size(); ++i)
      if (!names[i].empty()) scope.tensors[names[i]] = results[i];
    return {};
  }

  static Result<std::vector<FlatExpr>> flatten_all(const std::vector<Expr>& exprs, Scope& scope) {
    std::vector<FlatExpr> flat;
    for (const auto& expr : exprs) {
      TRY(one, flatten(expr, scope));
      flat.push_back(std::move(one));
    }
    return flat;
  }

  static Result<Layout> layout_of(const Strides& strides, Scope& scope) {
    switch (strides.kind) {
      case Strides::Kind::contiguous:
        return Layout{.format = c10::MemoryFormat::Contiguous};
      case Strides::Kind::channels_last:
        return Layout{.format = c10::MemoryFormat::ChannelsLast};
      case Strides::Kind::channels_last_3d:
        return Layout{.format = c10::MemoryFormat::ChannelsLast3d};
      case Strides::Kind::any:
        return Layout{};
      case Strides::Kind::explicit_:
        break;
    }
    TRY(values, flatten_all(strides.values, scope));
    return Layout{.strides = std::move(values)};
  }

  /// Walks the result tree depth first; leaves are tensors, integer expressions and literals (plan/result.h).
  Status add_result(const json& node, Scope& scope) {
    if (node.is_object() && node.size() == 1 && node.begin()->is_string()) {
      const auto text = node.begin()->get<std::string>();
      const auto& key = node.begin().key();
      if ((key == "str" || key == "float") && !scope.tensor(text)) return add_literal(key, text);
    }
    if (node.is_structured()) {
      for (const auto& item : node)
        if (auto ok = add_result(item, scope); !ok) return ok;
      return {};
    }
    if (!node.is_string()) {
      program_.result.push_back({.literal = literal(node)});
      return {};
    }
    const auto text = node.get<std::string>();
    if (const auto operand = scope.tensor(text)) {
      program_.result.push_back({.tensor = *operand});
      return {};
    }
    TRY(expr, Expr::parse(text));
    TRY(flat, flatten(expr, scope));
    program_.result.push_back({.expr = std::move(flat)});
    return {};
  }

  static c10::IValue literal(const json& node) {
    if (node.is_boolean()) return node.get<bool>();
    if (node.is_number_integer()) return node.get<std::int64_t>();
    if (node.is_number()) return node.get<double>();
    return {};
  }

  Status add_literal(const std::string& kind, const std::string& text) {
    if (kind == "str") {
      program_.result.push_back({.literal = text});
      return {};
    }
    TRY(value, decimal_value(text));
    program_.result.push_back({.literal = value});
    return {};
  }

  void finish() {
    find_last_uses(program_.prepare, prepare_.regions, program_.kept);
    std::vector<std::int32_t> live_out;
    for (const auto& leaf : program_.result) {
      if (leaf.tensor.is_slot()) live_out.push_back(leaf.tensor.index);
      if (leaf.expr)
        for (const auto& item : leaf.expr->code)
          if (item.tensor.is_slot()) live_out.push_back(item.tensor.index);
    }
    find_last_uses(program_.steps, steps_.regions, live_out);
    for (const std::size_t entry : fixed_entries_read(program_.prepare))
      if (program_.fixed[entry].kind != Program::Fixed::Kind::prepared) program_.prepare_reads.push_back(entry);
  }

  Program& program_;
  const Plan& plan_;
  KernelLoader& loader_;
  const std::map<std::string, at::Tensor>& constants_;
  Writer prepare_{}, steps_{};
  std::map<std::string, std::size_t> by_path_;
  std::vector<std::string> calling_;
};

}  // namespace

Status compile_program(Program& program, KernelLoader& loader, const std::map<std::string, at::Tensor>& constants) {
  return Compiler(program, loader, constants).compile();
}

}  // namespace burnish
