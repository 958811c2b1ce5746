#include "targets/metal/engine/shadow.h"

#include <fmt/format.h>
#include <sys/mman.h>

#include <algorithm>
#include <cstring>

#include "targets/metal/engine/launch.h"

namespace burnish::metal {
namespace {

constexpr std::uint64_t spacing = std::uint64_t{64} << 30;  // more than 2^32 elements of 16 bytes in either direction
constexpr std::uint64_t shadow_page = 4096;
constexpr std::size_t most_unwritten = 4096;
constexpr std::uint64_t granule = 2;  // bytes of one cell: half values are told apart; bytes by the two bits of a touch

// An epoch: barriers of the threadgroup (20 bits), of the simdgroup (11 bits), whether the access was atomic.
std::uint32_t epoch_of(const Group& group, bool device, bool atomic) {
  return (group.group_epoch(device) & 0xfffff) << 12 | (group.simd_epoch(device) & 0x7ff) << 1 | std::uint32_t{atomic};
}

/// Threads are numbered over the whole launch, from 1.
std::uint32_t number_of(Group& group) {
  return static_cast<std::uint32_t>(group.number()) * Group::most_threads + group.running_index() + 1;
}
bool same_group(std::uint32_t a, std::uint32_t b) {
  return (a - 1) / Group::most_threads == (b - 1) / Group::most_threads;
}

/// Whether two accesses by different threads may happen at once.
bool unordered(std::uint32_t a, std::uint32_t a_epoch, std::uint32_t b, std::uint32_t b_epoch) {
  if (a == 0 || a == b) return false;
  if ((a_epoch & 1) && (b_epoch & 1)) return false;
  if (!same_group(a, b)) return true;
  if (a_epoch >> 12 != b_epoch >> 12) return false;
  const bool one_simdgroup = (a - 1) / 32 == (b - 1) / 32;
  return !(one_simdgroup && (a_epoch >> 1) != (b_epoch >> 1));
}

void* map(std::uint64_t bytes, int protection) {
  void* p = mmap(nullptr, bytes, protection, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  return p == MAP_FAILED ? nullptr : p;
}

std::unexpected<Error> no_memory() {
  return fail("there is no memory for a checked launch", "shadow memory", "use smaller buffers, or fast mode",
              "memory");
}

std::string thread_text(std::uint32_t number, const Launch& launch) {
  const auto index = (number - 1) % Group::most_threads;
  const std::uint64_t group = (number - 1) / Group::most_threads;
  const auto& size = launch.request.group;
  return fmt::format("thread ({}, {}, {}) of threadgroup ({}, {}, {})", index % size[0], index / size[0] % size[1],
                     index / size[0] / size[1], group % launch.groups[0], group / launch.groups[0] % launch.groups[1],
                     group / launch.groups[0] / launch.groups[1]);
}

}  // namespace

Result<std::unique_ptr<Shadow>> Shadow::make(Launch& launch) {
  std::unique_ptr<Shadow> shadow(new Shadow);
  struct Piece {
    char* data;
    std::uint64_t bytes;
    int argument;
    bool list;
  };
  std::vector<Piece> pieces;
  for (const auto& b : launch.request.buffers) {
    pieces.push_back({static_cast<char*>(b.data), b.bytes, b.index, b.addresses});
    for (const auto& [data, bytes] : b.tensors) pieces.push_back({static_cast<char*>(data), bytes, b.index, false});
  }
  std::ranges::stable_sort(pieces, {}, &Piece::data);
  for (const auto& p : pieces) {  // buffers that overlap share a window
    auto* last = shadow->windows_.empty() ? nullptr : &shadow->windows_.back();
    if (last && p.data < last->original + last->bytes) {
      last->bytes = std::max<std::uint64_t>(last->bytes, static_cast<std::uint64_t>(p.data - last->original) + p.bytes);
    } else {
      shadow->windows_.push_back({.bytes = p.bytes, .original = p.data});
      last = &shadow->windows_.back();
    }
    last->buffers.emplace_back(p.argument, p.data - last->original);
    last->is_list |= p.list;
  }
  shadow->reserve_bytes_ = spacing * (shadow->windows_.size() + 1);
  void* reserve = map(shadow->reserve_bytes_, PROT_NONE);
  if (!reserve) return no_memory();
  shadow->reserve_ = reinterpret_cast<std::uintptr_t>(reserve);
  for (std::size_t i = 0; i < shadow->windows_.size(); ++i) {
    auto& w = shadow->windows_[i];
    const auto inside_page =
        reinterpret_cast<std::uintptr_t>(w.original) % shadow_page;  // keeps the alignment that it has
    const auto start = shadow->reserve_ + spacing * i + spacing / 2;
    w.base = start / shadow_page * shadow_page + inside_page;
    if (w.bytes > spacing / 4) return no_memory();
    if (mprotect(reinterpret_cast<void*>(w.base - inside_page), inside_page + w.bytes + 1, PROT_READ | PROT_WRITE) != 0)
      return no_memory();
    std::memcpy(reinterpret_cast<void*>(w.base), w.original, w.bytes);
    w.cell_bytes = (w.bytes / granule + 2) * sizeof(Cell);
    w.cells = static_cast<Cell*>(map(w.cell_bytes, PROT_READ | PROT_WRITE));
    if (!w.cells) return no_memory();
  }
  const auto placed = [&](void* data) -> std::uint64_t {
    for (const auto& w : shadow->windows_)
      if (data >= w.original && data < w.original + std::max<std::uint64_t>(w.bytes, 1))
        return w.base + static_cast<std::uint64_t>(static_cast<char*>(data) - w.original);
    return 0;
  };
  for (const auto& b : launch.request.buffers) {
    launch.addresses[b.index] = placed(b.data);
    for (std::size_t k = 0; k < b.tensors.size(); ++k)
      reinterpret_cast<std::uint64_t*>(launch.addresses[b.index])[k] = placed(b.tensors[k].first);
  }
  shadow->shared_cells_.resize(Group::shared_bytes / granule);
  return shadow;
}

Shadow::~Shadow() {
  for (auto& w : windows_)
    if (w.cells) munmap(w.cells, w.cell_bytes);
  if (reserve_) munmap(reinterpret_cast<void*>(reserve_), reserve_bytes_);
}

void Shadow::copy_back() {
  for (auto& w : windows_)
    if (!w.is_list) std::memcpy(w.original, reinterpret_cast<void*>(w.base), w.bytes);
}

bool Shadow::describe(std::uintptr_t address, Finding& finding, std::string& text) const {
  if (address < reserve_ || address >= reserve_ + reserve_bytes_) return false;
  const auto& w = windows_[std::min<std::size_t>((address - reserve_) / spacing, windows_.size() - 1)];
  const auto offset = static_cast<std::int64_t>(address - w.base);
  finding.buffer = w.buffers.front().first;
  for (const auto& [argument, start] : w.buffers)
    if (offset >= static_cast<std::int64_t>(start)) {
      finding.buffer = argument;
      finding.offset = offset - static_cast<std::int64_t>(start);
    }
  if (offset < 0) finding.offset = offset;
  text = fmt::format("buffer {} at byte {}", finding.buffer, finding.offset);
  if (offset < 0 || offset >= static_cast<std::int64_t>(w.bytes)) text += fmt::format(" of {}", w.bytes);
  return true;
}

void Shadow::track(Group& group, Cell* cells, std::uint64_t offset, std::size_t bytes, bool device, Access kind,
                   Finding found, const std::function<std::string(Finding&)>& what) {
  const auto low = group.launch().kernel.low;
  Cell::Touch me{number_of(group), epoch_of(group, device, kind.atomic),
                 static_cast<std::uint32_t>(found.pc - low) & 0x3fffffff, 0};
  const auto meets = [&](const Cell::Touch& t) {
    return (t.which & me.which) != 0 && unordered(t.thread, t.epoch, me.thread, me.epoch);
  };
  for (std::size_t i = offset / granule; i <= (offset + bytes - 1) / granule; ++i) {
    Cell& c = cells[i];
    const bool second = (i + 1) * granule - 1 < offset + bytes, begins = i * granule >= offset;
    me.which = (begins ? 1u : 0u) | (second ? 2u : 0u);
    if (!device) {  // the memory of an earlier threadgroup is nobody's
      if (c.writer.thread && !same_group(c.writer.thread, me.thread)) c = {};
      if (c.reader.thread && !same_group(c.reader.thread, me.thread)) c = {};
      if ((!kind.write || kind.reads) && c.writer.thread == 0 && unwritten_.size() < most_unwritten &&
          !unwritten_.contains(i)) {
        found.kind = "uninitialised";
        found.message = what(found) + " is read before any thread has written it";
        found.order = static_cast<int>(unwritten_.size());
        unwritten_.emplace(i, found);
      }
      const auto read = kind.write ? unwritten_.find(i) : unwritten_.end();
      if (read != unwritten_.end() && meets(c.reader)) {
        auto reader = std::move(read->second);
        reader.kind = "race";
        reader.other_pc = found.pc;
        reader.message = what(reader) + fmt::format(" is read here, and {} writes it with no barrier between",
                                                    thread_text(me.thread, group.launch()));
        group.abort(std::move(reader));
      }
    }
    const Cell::Touch* other = meets(c.writer) ? &c.writer : meets(c.writer2) ? &c.writer2 : nullptr;
    const char* did = other ? "wrote" : "read";
    if (kind.write && !other) other = meets(c.reader) ? &c.reader : meets(c.reader2) ? &c.reader2 : nullptr;
    if (other) {
      found.kind = "race";
      found.other_pc = low + other->place;
      found.message = fmt::format("{} is {} here, and {} {} it with no barrier between", what(found),
                                  kind.write ? "written" : "read", thread_text(other->thread, group.launch()), did);
      group.abort(std::move(found));
    }
    auto& last_touch = kind.write ? c.writer : c.reader;
    const auto before = last_touch;
    if (before.thread != me.thread) (kind.write ? c.writer2 : c.reader2) = before;
    last_touch = me;
    if (before.thread == me.thread && before.epoch == me.epoch) last_touch.which |= before.which;
  }
}

bool Shadow::settle(Group& group) {
  if (unwritten_.empty()) return true;
  const auto first = std::ranges::min_element(unwritten_, {}, [](const auto& entry) { return entry.second.order; });
  group.launch().report(std::move(first->second));
  unwritten_.clear();
  return false;
}

void Shadow::check(Group& group, std::uintptr_t address, std::size_t bytes, Access kind, std::uintptr_t pc) {
  if (bytes == 0 || group.running().in_stack(address, Group::stack_bytes)) return;
  auto found = group.finding("", "", pc);
  const char* does = kind.write ? "writes" : "reads";
  const bool is_misaligned = !kind.unaligned && address % std::min<std::size_t>(bytes, 8) != 0;
  const auto misaligned = [&](const std::string& what) {
    found.kind = "misaligned";
    found.message = fmt::format("the kernel {} {} bytes of {}, which is not aligned to them", does, bytes, what);
    group.abort(std::move(found));
  };
  const auto shared = reinterpret_cast<std::uintptr_t>(group.shared_base());
  if (address >= shared && address < shared + Group::shared_bytes) {
    const auto offset = static_cast<std::int64_t>(address - shared);
    const SharedBlock* nearest = nullptr;
    for (const auto& b : group.blocks())
      if (b.offset <= offset) nearest = &b;
    if (!nearest) nearest = &group.blocks().front();
    found.offset = offset - nearest->offset;
    const auto what = [&](Finding& f) {
      const auto& names = group.launch().kernel.shared_names;
      f.variable = nearest->id < 0                                ? fmt::format("[[threadgroup({})]]", -1 - nearest->id)
                   : nearest->id < static_cast<int>(names.size()) ? names[static_cast<std::size_t>(nearest->id)]
                                                                  : "?";
      return fmt::format("threadgroup memory '{}' at byte {}", f.variable, f.offset);
    };
    if (found.offset < 0 || found.offset + static_cast<std::int64_t>(bytes) > nearest->bytes) {
      found.kind = "out-of-bounds";
      found.message = fmt::format("the kernel {} {} bytes of {} of {}", does, bytes, what(found), nearest->bytes);
      group.abort(std::move(found));
    }
    if (is_misaligned) misaligned(what(found));
    return track(group, shared_cells_.data(), static_cast<std::uint64_t>(offset), bytes, false, kind, std::move(found),
                 what);
  }
  if (address >= reserve_ && address < reserve_ + reserve_bytes_ && !windows_.empty()) {
    const auto& w = windows_[std::min<std::size_t>((address - reserve_) / spacing, windows_.size() - 1)];
    std::string what;
    if (address < w.base || address + bytes > w.base + w.bytes) {
      describe(address, found, what);
      found.kind = "out-of-bounds";
      found.message = fmt::format("the kernel {} {} bytes of buffer {} at byte {}; it has {}", does, bytes,
                                  found.buffer, found.offset, w.bytes);
      group.abort(std::move(found));
    }
    const auto offset = address - w.base;
    const auto text = [&](Finding& f) {
      std::string t;
      describe(address, f, t);
      return t;
    };
    if (is_misaligned) misaligned(text(found));
    return track(group, w.cells, offset, bytes, true, kind, std::move(found), text);
  }
  const auto& kernel = group.launch().kernel;
  if ((address >= kernel.low && address < kernel.high) || group.is_engine_memory(address)) return;
  found.kind = "out-of-bounds";
  found.message = address < shadow_page
                      ? fmt::format("the kernel {} through a null pointer", does)
                      : fmt::format("the kernel {} {} bytes of memory that belongs to no buffer, or to another thread",
                                    does, bytes);
  group.abort(std::move(found));
}

}  // namespace burnish::metal
