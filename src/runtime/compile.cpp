#include "runtime/compile.h"

#include <algorithm>

#include "plan/names.h"
#include "runtime/arguments.h"
#include "runtime/launch.h"
#include "runtime/literals.h"
#include "runtime/liveness.h"

namespace burnish {
namespace {

constexpr std::size_t most_instructions = 1'000'000;

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
    const auto add_symbols = [&](const std::vector<Expr>& exprs) {
      for (const auto& expr : exprs)
        for (const auto& symbol : expr.symbols())
          if (scope.symbols
                  .try_emplace(symbol, Scope::Symbol{false, static_cast<std::int64_t>(program_.symbols.size())})
                  .second)
            program_.symbols.push_back(symbol);
    };
    for (const auto& input : plan_.inputs) {
      const auto* tensor = std::get_if<InputTensor>(&input);
      program_.input_slots.push_back(tensor ? steps_.new_slot() : -1);
      if (!tensor) continue;
      scope.tensors[tensor->name] = Operand{program_.input_slots.back()};
      add_symbols(tensor->shape);
      add_symbols(tensor->strides.values);
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
    for (const auto& name : step.out) {
      instruction.out.push_back(name.empty() ? -1 : place.writer.new_slot());
      if (!name.empty()) place.scope.tensors[name] = Operand{instruction.out.back()};
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
    if (begin.kind != FlatExpr::Kind::constant || end.kind != FlatExpr::Kind::constant)
      return fail("a loop's bounds depend on the call's sizes", {},
                  "write integers: loops are unrolled when the plan is loaded", "plan");
    for (std::int64_t i = begin.value; i < end.value; ++i) {
      TRY(results, inline_function(step.function, args, step.prefix, {{step.loop, i}}, place));
      if (results.size() > args.size()) return fail("a loop's function returns more than it takes", {}, {}, "plan");
      std::ranges::copy(results, args.begin());
    }
    args.resize(std::min(args.size(), step.out.size()));
    return name_results(step.out, args, place.scope);
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
                                               std::string prefix, const std::map<std::string, std::int64_t>& loop,
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
    for (const auto& [symbol, value] : loop) prefix = replace_all(prefix, "{" + symbol + "}", std::to_string(value));
    prefix = place.prefix + prefix;
    calling_.push_back(name);

    const bool preparing = place.writer.code == prepare_.code;
    StepScope before(program_, nullptr, true), body(program_, &before, preparing);
    body.symbols = place.scope.symbols;
    for (const auto& [symbol, value] : loop) body.symbols[symbol] = {true, value};
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

  /// Walks the result tree depth first; leaves are names, null and literals.
  Status add_result(const json& node, Scope& scope) {
    if (node.is_structured()) {
      for (const auto& item : node)
        if (auto ok = add_result(item, scope); !ok) return ok;
      return {};
    }
    auto& result = program_.result;
    if (!node.is_string()) {
      result.leaves.push_back({});
      result.literals.push_back(node);
      return {};
    }
    TRY(operand, scope.tensor(node.get<std::string>()));
    result.leaves.push_back(operand);
    result.literals.push_back(std::nullopt);
    return {};
  }

  void finish() {
    find_last_uses(program_.prepare, prepare_.regions, program_.kept);
    std::vector<std::int32_t> live_out;
    for (const auto& leaf : program_.result.leaves)
      if (leaf.is_slot()) live_out.push_back(leaf.index);
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
