#include "runtime/liveness.h"

#include <algorithm>
#include <set>

namespace burnish {
namespace {

constexpr std::size_t never = SIZE_MAX;

/// Calls `use(operand, movable)` for every operand of an instruction in the order in which the executor reads them, and
/// `define(slot)` for what it makes.
template <class Use, class Define>
class Visitor {
 public:
  Visitor(Use use, Define define) : use_(use), define_(define) {}

  void operator()(OpInstruction& i) {
    for (auto& item : i.stack) {
      exprs(item.exprs);
      for (auto& operand : item.operands) use_(operand, true);
    }
    for (const auto slot : i.out)
      if (slot >= 0) define_(slot);
  }
  void operator()(LaunchInstruction& i) {
    expr(i.range);
    expr(i.grain);
    if (i.gpu) {
      for (auto* list : {&i.gpu->grid, &i.gpu->block, &i.gpu->cluster}) exprs(*list);
      if (i.gpu->shared_bytes) expr(*i.gpu->shared_bytes);
    }
    for (auto& arg : i.args) {
      use_(arg.tensor, false);
      if (arg.expr) expr(*arg.expr);
    }
  }
  void operator()(AllocateInstruction& i) {
    use_(i.like, false);
    if (i.shape) exprs(*i.shape);
    exprs(i.layout.strides);
    define_(i.out);
  }
  void operator()(LayoutInstruction& i) {
    exprs(i.layout.strides);
    use_(i.of, true);
    define_(i.out);
  }
  void operator()(MoveInstruction& i) {
    use_(i.of, true);
    define_(i.out);
  }
  void operator()(BranchInstruction& i) { use_(i.flag, false); }
  void operator()(JumpInstruction&) {}
  void operator()(LoopInstruction& i) {
    expr(i.begin);
    expr(i.end);
  }
  void operator()(RepeatInstruction&) {}

 private:
  void expr(FlatExpr& e) {
    for (auto& item : e.code) use_(item.tensor, false);
  }
  void exprs(std::vector<FlatExpr>& list) {
    for (auto& e : list) expr(e);
  }

  Use use_;
  Define define_;
};

/// Where a slot dies that is last used at `use`: there, or where the outermost choice or loop that it is older than
/// ends.
std::size_t death(std::size_t use, std::size_t definition, const std::vector<Region>& regions) {
  std::size_t at = use;
  for (const auto& region : regions)
    if (use > region.branch && use < region.join && (definition == never || definition <= region.branch))
      at = std::max(at, region.join);
  return at;
}

}  // namespace

void find_last_uses(Code& code, const std::vector<Region>& regions, const std::vector<std::int32_t>& live_out) {
  std::vector<std::size_t> defined(code.slots, never), used(code.slots, never);
  std::vector<Operand*> last(code.slots, nullptr);
  for (std::size_t pc = 0; pc < code.instructions.size(); ++pc) {
    const auto use = [&](Operand& operand, bool movable) {
      if (!operand.is_slot()) return;
      used[operand.index] = pc;
      last[operand.index] = movable ? &operand : nullptr;
    };
    const auto define = [&](std::int32_t slot) {
      if (defined[slot] == never) defined[slot] = pc;
    };
    std::visit(Visitor(use, define), code.instructions[pc].what);
  }
  for (const auto slot : live_out)
    if (slot >= 0) used[slot] = defined[slot] = never, last[slot] = nullptr;
  for (std::size_t slot = 0; slot < code.slots; ++slot) {
    if (used[slot] == never && defined[slot] == never) continue;  // live to the end, or an input that nothing reads
    if (used[slot] == never) {                                    // made, and read by nothing
      code.instructions[defined[slot]].release.push_back(static_cast<std::int32_t>(slot));
      continue;
    }
    const std::size_t at = death(used[slot], defined[slot], regions);
    if (at == used[slot] && last[slot])
      last[slot]->last = true;
    else
      code.instructions[at].release.push_back(static_cast<std::int32_t>(slot));
  }
}

std::vector<std::size_t> fixed_entries_read(Code& code) {
  std::set<std::size_t> read;
  const auto use = [&](Operand& operand, bool) {
    if (!operand.is_slot() && !operand.is_none()) read.insert(static_cast<std::size_t>(~operand.index));
  };
  for (auto& instruction : code.instructions) std::visit(Visitor(use, [](std::int32_t) {}), instruction.what);
  return {read.begin(), read.end()};
}

}  // namespace burnish
