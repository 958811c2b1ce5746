#include "targets/metal/engine/group.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <compare>
#include <cstring>

#include "targets/metal/engine/launch.h"
#include "targets/metal/engine/shadow.h"

extern "C" volatile int mtl_stop;

namespace burnish::metal {
namespace {

thread_local Group* current_group = nullptr;

constexpr std::uint32_t block_gap = 64;  // between variables: an overrun hits no other

/// Return addresses from a frame up to the kernel's entry, whose caller cleared the frame pointer.
void walk(void* frame, Instance& where) {
  where.frame_count = 0;
  auto* at = static_cast<void**>(frame);
  while (at && where.frame_count < Instance::most_frames) {
    where.frames[where.frame_count++] = reinterpret_cast<std::uintptr_t>(at[1]) - 1;  // inside the call
    at = static_cast<void**>(at[0]);
  }
}

}  // namespace

bool Instance::operator==(const Instance& o) const {
  return frame_count == o.frame_count && loop_count == o.loop_count &&
         std::equal(frames, frames + frame_count, o.frames) && std::equal(rounds, rounds + loop_count, o.rounds);
}

bool Instance::operator<(const Instance& o) const {
  for (int i = 0; i < std::min(loop_count, o.loop_count); ++i) {
    if (rounds[i].loop != o.rounds[i].loop) break;
    if (rounds[i].count != o.rounds[i].count) return rounds[i].count < o.rounds[i].count;
  }
  for (int i = 1; i <= std::min(frame_count, o.frame_count); ++i)
    if (const auto a = frames[frame_count - i], b = o.frames[o.frame_count - i]; a != b) return a < b;
  return false;
}

std::uint64_t Instance::hash() const {
  std::uint64_t h = 1469598103934665603ull;
  const auto mix = [&](std::uint64_t v) { h = std::rotl((h ^ v) * 0x9e3779b97f4a7c15ull, 29); };
  for (int i = 0; i < frame_count; ++i) mix(frames[i]);
  for (int i = 0; i < loop_count; ++i) mix(std::uint64_t{rounds[i].loop} << 32 | rounds[i].count);
  return h;
}

Group* Group::current() {
  return current_group;
}

Group::Group(Launch& launch)
    : launch_(launch),
      stacks_(stack_bytes),
      fibers_(new Fiber[most_threads]),
      lanes_(new Lanes[2 * most_threads / 32]) {
  void* memory = mmap(nullptr, shared_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  shared_ = memory == MAP_FAILED ? nullptr : static_cast<char*>(memory);
  lay_out_dynamic();
}

Group::~Group() {
  if (shared_) munmap(shared_, shared_bytes);
}

void Group::lay_out_dynamic() {
  const auto& sizes = launch_.request.dynamic_bytes;
  for (std::size_t i = 0; i < sizes.size() && i < 31; ++i) {
    blocks_.push_back({shared_used_, sizes[i], -1 - static_cast<int>(i)});
    dynamic_[i] = reinterpret_cast<std::uint64_t>(shared_ + shared_used_);
    shared_used_ += (sizes[i] + 15) / 16 * 16 + block_gap;
    dynamic_used_ += sizes[i];
  }
}

bool Group::is_engine_memory(std::uintptr_t address) const {
  const auto in = [&](const void* low, std::size_t bytes) {
    const auto l = reinterpret_cast<std::uintptr_t>(low);
    return address >= l && address < l + bytes;
  };
  return in(const_cast<const int*>(&mtl_stop), sizeof mtl_stop) ||
         in(lanes_.get(), sizeof(Lanes) * 2 * most_threads / 32) || in(fibers_.get(), sizeof(Fiber) * most_threads) ||
         in(launch_.addresses, sizeof launch_.addresses) || in(dynamic_, sizeof dynamic_);
}

Finding Group::finding(std::string kind, std::string message, std::uintptr_t pc) const {
  Finding f{.kind = std::move(kind), .message = std::move(message), .pc = pc};
  const auto& p = fibers_[running_].positions;
  std::copy(p.in_group, p.in_group + 3, f.thread.begin());
  std::copy(p.group, p.group + 3, f.group.begin());
  return f;
}

/// What is the same for a thread in every threadgroup of this size.
void Group::place_first(std::uint32_t index, const std::uint32_t (&size)[3]) {
  auto& p = fibers_[index].positions;
  const auto& request = launch_.request;
  const std::uint32_t in_group[3] = {index % size[0], index / size[0] % size[1], index / (size[0] * size[1])};
  for (int d = 0; d < 3; ++d) {
    p.in_group[d] = in_group[d];
    p.threads_per_grid[d] = request.threads[d];
    p.threads_per_group[d] = size[d];
    p.groups_per_grid[d] = launch_.groups[d];
    p.dispatch_threads[d] = request.group[d];
  }
  const auto dispatched = request.group[0] * request.group[1] * request.group[2];
  p.index = index;
  p.lane = index % 32;
  p.simdgroup = index / 32;
  p.simdgroups = (count_ + 31) / 32;
  p.width = p.execution_width = 32;
  p.dispatch_simdgroups = (dispatched + 31) / 32;
  p.quad_lane = index % 4;
  p.quad = index / 4;
  p.quads = (count_ + 3) / 4;
  p.dispatch_quads = (dispatched + 3) / 4;
  p.buffers = launch_.addresses;
  p.dynamic = dynamic_;
}

void Group::place(const std::uint32_t (&group)[3], const std::uint32_t (&size)[3]) {
  const bool same = std::equal(size, size + 3, placed_);
  for (std::uint32_t i = 0; i < count_; ++i) {
    Fiber& fiber = fibers_[i];
    fiber.state = Fiber::State::fresh;
    fiber.where.loop_count = 0;
    if (!same) place_first(i, size);
    for (int d = 0; d < 3; ++d) {
      fiber.positions.group[d] = group[d];
      fiber.positions.in_grid[d] = group[d] * launch_.request.group[d] + fiber.positions.in_group[d];
    }
  }
  std::copy(size, size + 3, placed_);
}

void Group::start(void* group) {
  auto* self = static_cast<Group*>(group);
  Fiber& fiber = self->running();
  self->launch_.kernel.entry(&fiber.positions);
  fiber.state = Fiber::State::done;
  self->in_thread = false;
  mtl_switch(&fiber.context, self->scheduler_);
  __builtin_unreachable();
}

void Group::resume(std::uint32_t index) {
  Fiber& fiber = fibers_[index];
  running_ = index;
  if (fiber.state == Fiber::State::fresh) {
    fiber.stack = stacks_.take();
    if (!fiber.stack) {
      launch_.report(finding("memory", "no memory for the stacks of a threadgroup"));
      aborted_ = true;
      return;
    }
    // Stacks lie a multiple of a page apart: without steps between their tops they would share a few lines of the
    // cache.
    fiber.context = prepare(fiber.stack, stack_bytes - index % 12 * 320, &Group::start, this);
  }
  fiber.state = Fiber::State::ready;
  in_thread = true;
  mtl_switch(&scheduler_, fiber.context);
  in_thread = false;
  if (fiber.state == Fiber::State::done) {
    stacks_.give(fiber.stack);
    fiber.stack = nullptr;
  }
}

/// Runs a simdgroup until its threads are at a barrier of the threadgroup or done.
bool Group::run_simdgroup(std::uint32_t first, std::uint32_t end) {
  do {
    for (std::uint32_t i = first; i < end && !aborted_; ++i)
      if (fibers_[i].state == Fiber::State::ready || fibers_[i].state == Fiber::State::fresh) resume(i);
  } while (!aborted_ && meet(first, end));
  return !aborted_;
}

/// Of the threads that wait at operations of the simdgroup, lets those go on that are at the first instance.
bool Group::meet(std::uint32_t first, std::uint32_t end) {
  const Fiber* leader = nullptr;
  std::uint32_t waiting = 0, alive = 0;
  const std::uint32_t all = end - first == 32 ? ~0u : (1u << (end - first)) - 1;
  for (std::uint32_t i = first; i < end; ++i) {
    alive |= std::uint32_t{fibers_[i].state != Fiber::State::done} << (i - first);
    if (fibers_[i].state != Fiber::State::at_simd) continue;
    waiting |= 1u << (i - first);
    if (!leader || fibers_[i].where < leader->where) leader = &fibers_[i];
  }
  if (!leader) return false;
  std::uint32_t active = 0;
  for (std::uint32_t i = first; i < end; ++i)
    if ((waiting >> (i - first) & 1) && fibers_[i].where == leader->where) active |= 1u << (i - first);
  auto& passed = partial_[first / 32];
  running_ = static_cast<std::uint32_t>(leader - fibers_.get());
  if ((leader->must_come != MustCome::any && active != all) || (leader->must_come == MustCome::full && active != ~0u)) {
    launch_.report(finding(
        "divergent-simdgroup",
        fmt::format("{} of {} threads of simdgroup {} come to an operation that all of it must reach together",
                    std::popcount(active), leader->must_come == MustCome::full ? 32 : std::popcount(all), first / 32),
        leader->where.frames[0]));
    return !(aborted_ = true);
  }
  if (!passed.empty() && passed.contains(leader->where.hash())) {
    launch_.report(
        finding("divergent-simdgroup",
                "threads of a simdgroup reach the same operation one after another, not together: the emulator cannot "
                "tell how a GPU would join them",
                leader->where.frames[0]));
    return !(aborted_ = true);
  }
  if (active != alive) passed.insert(leader->where.hash());
  const auto turn = turns_[first / 32]++ & 1;
  Lanes& lanes = lanes_[first / 32 * 2 + turn];
  lanes.active = active;
  lanes.computed = 0;
  if (leader->must_come != MustCome::any)
    for (int space = 0; space < 2; ++space)
      simd_epochs_[first / 32][space] += leader->memory >> (space == 1 ? 0 : 1) & 1;
  for (std::uint32_t i = first; i < end; ++i) {
    if (active >> (i - first) & 1) fibers_[i].state = Fiber::State::ready;
    // Who waits elsewhere has its value in this turn's slot; the next operation uses the other one.
    else if (waiting >> (i - first) & 1)
      std::memcpy(lanes_[first / 32 * 2 + (turn ^ 1)].slots[i - first], lanes.slots[i - first], sizeof lanes.slots[0]);
  }
  return true;
}

/// All threads are at a barrier or done: opens it where all are at the same.
bool Group::open_barrier() {
  std::uint32_t waiting = 0, leader = 0;
  for (std::uint32_t i = 0; i < count_; ++i)
    if (fibers_[i].state == Fiber::State::at_barrier && waiting++ == 0) leader = i;
  if (waiting == 0) return false;
  const auto& where = fibers_[leader].where;
  running_ = leader;
  if (waiting != count_) {
    launch_.report(
        finding("divergent-barrier",
                fmt::format("{} of the threadgroup's {} threads wait at this barrier, the others have returned",
                            waiting, count_),
                where.frames[0]));
    return !(aborted_ = true);
  }
  for (std::uint32_t i = 0; i < count_; ++i) {
    if (!(fibers_[i].where == where)) {
      launch_.report(finding("divergent-barrier",
                             "threads of one threadgroup wait at different barriers (or rounds of a loop)",
                             where.frames[0]));
      return !(aborted_ = true);
    }
    fibers_[i].state = Fiber::State::ready;
  }
  if (launch_.shadow && !launch_.shadow->settle(*this)) return !(aborted_ = true);
  if (launch_.request.barriers) ++std::atomic_ref(*launch_.request.barriers);
  epochs_[0] += fibers_[leader].memory >> 1 & 1;
  epochs_[1] += fibers_[leader].memory & 1;
  for (auto& p : partial_) p.clear();
  return true;
}

bool Group::run(std::uint64_t number) {
  number_ = number;
  const auto& request = launch_.request;
  const std::uint32_t group[3] = {static_cast<std::uint32_t>(number % launch_.groups[0]),
                                  static_cast<std::uint32_t>(number / launch_.groups[0] % launch_.groups[1]),
                                  static_cast<std::uint32_t>(number / launch_.groups[0] / launch_.groups[1])};
  std::uint32_t size[3];
  for (int d = 0; d < 3; ++d) size[d] = std::min(request.group[d], request.threads[d] - group[d] * request.group[d]);
  count_ = size[0] * size[1] * size[2];
  place(group, size);
  for (auto& p : partial_) p.clear();
  std::memset(shared_, 0xff, shared_used_);  // NaN: what nobody wrote is seen
  current_group = this;
  if (request.catch_faults && sigsetjmp(fault, 0) != 0) {
    aborted_ = true;
    current_group = nullptr;
    return false;
  }
  do {
    for (std::uint32_t first = 0; first < count_; first += 32)
      if (!run_simdgroup(first, std::min(first + 32, count_))) break;
  } while (!aborted_ && open_barrier());
  if (!aborted_ && launch_.shadow && !launch_.shadow->settle(*this)) aborted_ = true;
  current_group = nullptr;
  return !aborted_;
}

void Group::wait(Fiber::State state, void* frame) {
  Fiber& fiber = running();
  walk(frame, fiber.where);
  fiber.state = state;
  in_thread = false;
  mtl_switch(&fiber.context, scheduler_);
  in_thread = true;
}

Lanes* Group::exchange(const void* value, std::uint32_t bytes, MustCome who, void* frame) {
  Fiber& fiber = running();
  const auto simdgroup = running_ / 32, lane = running_ % 32;
  const auto turn = turns_[simdgroup] & 1;
  if (value) std::memcpy(lanes_[simdgroup * 2 + turn].slots[lane], value, bytes);
  fiber.must_come = who;
  fiber.memory = value ? 0 : bytes;
  wait(Fiber::State::at_simd, frame);
  Lanes& lanes = lanes_[simdgroup * 2 + ((turns_[simdgroup] - 1) & 1)];
  lanes.lane = lane;
  return &lanes;
}

void Group::barrier(std::uint32_t memory, void* frame) {
  running().memory = memory;
  wait(Fiber::State::at_barrier, frame);
}

void* Group::shared_memory(std::uint32_t id, std::uint32_t bytes, std::uintptr_t pc) {
  for (const auto& b : blocks_)
    if (b.id == static_cast<int>(id)) return shared_ + b.offset;
  std::uint32_t used = bytes;
  for (const auto& b : blocks_) used += (b.bytes + 15) / 16 * 16;
  const std::uint32_t offset = shared_used_;
  if (used > most_shared_bytes || offset + bytes > shared_bytes)
    abort(finding(
        "threadgroup-memory",
        fmt::format("the kernel uses {} bytes of threadgroup memory, at most {} are there", used, most_shared_bytes),
        pc));
  blocks_.push_back({offset, bytes, static_cast<int>(id)});
  shared_used_ += (bytes + 15) / 16 * 16 + (launch_.kernel.checked ? block_gap : 0);
  std::memset(shared_ + offset, 0xff, bytes);
  return shared_ + offset;
}

void Group::abort(Finding f) {
  launch_.report(std::move(f));
  aborted_ = true;
  in_thread = false;
  mtl_switch(&running().context, scheduler_);
  __builtin_unreachable();
}

}  // namespace burnish::metal
