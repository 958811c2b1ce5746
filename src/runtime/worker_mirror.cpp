#include "runtime/worker_mirror.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/tensor.h>

#include <algorithm>

#include "runtime/cuda.h"
#include "runtime/failure.h"
#include "runtime/variation.h"

namespace burnish {
namespace {

constexpr std::int64_t filler_bytes_at_least = 128 << 20;

std::string staging() {
  return "copying to the GPU";
}

/// Whether values of this type are varied; the judge (arena.cpp) varies the same ones.
bool is_varied(at::ScalarType type) {
  return type == at::kFloat || type == at::kDouble || type == at::kHalf || type == at::kBFloat16;
}

/// `count` elements from a byte offset of a part, as a vector.
at::Tensor elements(const at::Tensor& bytes, std::uint64_t offset, std::uint64_t count, at::ScalarType type) {
  const auto size = c10::elementSize(type);
  return bytes.narrow(0, static_cast<std::int64_t>(offset), static_cast<std::int64_t>(count * size)).view(type);
}

}  // namespace

Mirror::Part Mirror::part_of(const json& region) const {
  Part part{region.at(0).get<std::uint64_t>(), region.at(1).get<std::uint64_t>(), {}, {}, {}};
  part.copy = at::empty({static_cast<std::int64_t>(part.bytes)}, at::TensorOptions(device_).dtype(at::kByte));
  part.copy.copy_(host(part));
  return part;
}

at::Tensor Mirror::host(const Part& part) const {
  return at::from_blob(arena_ + part.start, {static_cast<std::int64_t>(part.bytes)}, at::TensorOptions(at::kByte));
}

Status Mirror::place(const json& message) {
  const std::string what = message.value("do", "");
  return catching(
      [&] {
        if (what == "params" && message.contains("region")) {
          slots_.clear();
          params_ = part_of(message["region"]);
        }
        if (what == "refresh" && params_.bytes) params_.copy.copy_(host(params_));
        if (what != "slots" || !message.contains("regions")) return;
        slots_.clear();
        for (std::size_t i = 0; i < message["regions"].size(); ++i) {
          auto& part = slots_.emplace_back(part_of(message["regions"][i]));
          std::uint64_t number = 0;
          for (const auto& leaf : message.at("slots").at(i)) {
            const std::uint64_t leaf_number = number++;
            if (leaf.contains("value")) continue;
            std::uint64_t last = 0;
            bool empty = false;
            for (std::size_t d = 0; d < leaf.at("sizes").size(); ++d) {
              const auto size = leaf["sizes"][d].get<std::uint64_t>();
              empty |= size == 0;
              if (size) last += (size - 1) * leaf.at("strides").at(d).get<std::uint64_t>();
            }
            if (empty) continue;
            part.leaves.push_back({leaf_number, leaf.at("offset").get<std::uint64_t>() - part.start, last + 1,
                                   static_cast<at::ScalarType>(leaf.at("dtype").get<int>())});
          }
        }
      },
      staging);
}

char* Mirror::address(std::uint64_t offset) const {
  const auto in = [&](const Part& part) -> char* {
    if (offset < part.start || offset >= part.start + part.bytes) return nullptr;
    return static_cast<char*>(part.copy.mutable_data_ptr()) + (offset - part.start);
  };
  if (char* found = in(params_)) return found;
  for (const auto& slot : slots_)
    if (char* found = in(slot)) return found;
  return nullptr;
}

void Mirror::vary(Part& part, const protocol::Block& block, std::uint32_t position) {
  if (!part.pristine.defined()) part.pristine = part.copy.clone();
  const auto named = [](const std::uint32_t* list, std::uint32_t count, std::uint64_t number) {
    return std::find(list, list + std::min<std::uint32_t>(count, protocol::max_slots), number) !=
           list + std::min<std::uint32_t>(count, protocol::max_slots);
  };
  for (const auto& leaf : part.leaves) {
    if (!is_varied(leaf.type) || !named(block.vary, block.varied, leaf.number)) continue;
    const auto v = variation_of(block.vary_seed, position, leaf.number, leaf.elements,
                                named(block.poke, block.poked, leaf.number));
    auto to = elements(part.copy, leaf.offset, leaf.elements, leaf.type);
    to.copy_(elements(part.pristine, leaf.offset, leaf.elements, leaf.type).mul(v.factor));
    if (v.factors.empty()) continue;
    auto some = to.as_strided({static_cast<std::int64_t>(v.factors.size())}, {static_cast<std::int64_t>(v.step)},
                              to.storage_offset() + static_cast<std::int64_t>(v.first));
    some.copy_(some.mul(at::tensor(v.factors).to(device_)));
  }
}

void Mirror::flush() {
  if (!filler_.defined()) {
    const std::int64_t l2 =
        device_ == at::kCUDA ? cuda_attribute(cuda::DeviceAttribute::l2_bytes, current_cuda_device()) : 0;
    filler_ = at::empty({std::max(filler_bytes_at_least, 2 * l2)}, at::TensorOptions(device_).dtype(at::kByte));
  }
  filler_.zero_();
}

Status Mirror::stage(const protocol::Block& block) {
  const std::uint32_t slots = std::clamp<std::uint32_t>(block.slots, 1, protocol::max_slots);
  return catching(
      [&] {
        for (std::uint32_t i = 0; (block.flags & protocol::stage) && i < block.batch; ++i) {
          const auto slot = block.order[(block.first + i) % slots];
          if (slot >= slots_.size()) continue;
          auto& part = slots_[slot];
          if (block.vary_seed) {
            vary(part, block, i);
          } else {
            part.copy.copy_(host(part));
            part.pristine.reset();
          }
        }
        if (block.flags & protocol::flush) flush();
      },
      staging);
}

Status Mirror::fetch_slot(std::uint32_t slot) {
  return catching(
      [&] {
        if (slot < slots_.size()) host(slots_[slot]).copy_(slots_[slot].copy);
      },
      [] { return std::string("reading inputs back"); });
}

Status Mirror::fetch_params() {
  return catching(
      [&] {
        if (params_.bytes) host(params_).copy_(params_.copy);
      },
      [] { return std::string("reading parameters back"); });
}

}  // namespace burnish
