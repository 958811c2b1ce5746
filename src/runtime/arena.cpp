#include "runtime/arena.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/empty_strided.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>

#include "base/reserve.h"
#include "runtime/variation.h"

namespace burnish {
namespace {

constexpr std::uint64_t guard_bytes = 512, page = 4096;
constexpr std::uint64_t cpu_alignment = 64, gpu_alignment = 512;  // as PyTorch's allocators have them
constexpr std::uint64_t poked_share = 1024;  // one element of so many gets a factor of its own in vary()
constexpr unsigned char guard_byte = 0xFF;   // NaN in every floating type: what is read beside a tensor shows

/// Bytes from the tensor's first element to the end of its last one.
std::uint64_t span_bytes(const at::Tensor& t) {
  if (t.numel() == 0) return 0;
  std::uint64_t last = 0;
  for (std::int64_t d = 0; d < t.dim(); ++d)
    last += static_cast<std::uint64_t>(t.size(d) - 1) * static_cast<std::uint64_t>(t.stride(d));
  return (last + 1) * t.element_size();
}

bool same_form(const at::Tensor& a, const at::Tensor& b) {
  return a.scalar_type() == b.scalar_type() && a.sizes() == b.sizes() && a.strides() == b.strides();
}

template <class T>
void scale(char* to, const char* from, std::uint64_t bytes, float factor) {
  const auto* in = reinterpret_cast<const T*>(from);
  auto* out = reinterpret_cast<T*>(to);
  for (std::uint64_t i = 0; i < bytes / sizeof(T); ++i) out[i] = static_cast<T>(static_cast<float>(in[i]) * factor);
}
template <>
void scale<double>(char* to, const char* from, std::uint64_t bytes, float factor) {
  const auto* in = reinterpret_cast<const double*>(from);
  auto* out = reinterpret_cast<double*>(to);
  for (std::uint64_t i = 0; i < bytes / sizeof(double); ++i) out[i] = in[i] * factor;
}

/// On this thread alone: a pool of threads in the judge would spin beside the worker that is timed.
bool scale_bytes(c10::ScalarType type, char* to, const char* from, std::uint64_t bytes, float factor) {
  switch (type) {
    case c10::ScalarType::Float:
      scale<float>(to, from, bytes, factor);
      return true;
    case c10::ScalarType::Double:
      scale<double>(to, from, bytes, factor);
      return true;
    case c10::ScalarType::Half:
      scale<c10::Half>(to, from, bytes, factor);
      return true;
    case c10::ScalarType::BFloat16:
      scale<c10::BFloat16>(to, from, bytes, factor);
      return true;
    default:
      return false;
  }
}

Result<Fd> sealed_memory(const char* name, std::uint64_t bytes, unsigned seals) {
  Fd fd(memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING));
  if (!fd) return system_failure("memfd_create", "arena");
  if (ftruncate(fd.get(), static_cast<off_t>(bytes)) != 0) return system_failure("ftruncate", "arena");
  if (auto ok = reserve(fd, 0, bytes); !ok) return std::unexpected(ok.error());
  // The worker holds this descriptor too: without the seal it could take the memory from under the judge.
  if (fcntl(fd.get(), F_ADD_SEALS, seals) != 0) return system_failure("fcntl(F_ADD_SEALS)", "arena");
  return fd;
}

}  // namespace

Result<std::unique_ptr<Arena>> Arena::make(bool gpu) {
  std::unique_ptr<Arena> arena(new Arena(gpu ? gpu_alignment : cpu_alignment));
  TRY(block, sealed_memory("burnish-block", sizeof(protocol::Block), F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL));
  TRY(memory, sealed_memory("burnish-arena", 0, F_SEAL_SHRINK | F_SEAL_SEAL));
  arena->block_fd_ = std::move(block);
  arena->arena_fd_ = std::move(memory);
  void* b = mmap(nullptr, sizeof(protocol::Block), PROT_READ | PROT_WRITE, MAP_SHARED, arena->block_fd(), 0);
  if (b == MAP_FAILED) return system_failure("mmap", "arena");
  arena->block_ = static_cast<protocol::Block*>(b);
  void* a =
      mmap(nullptr, protocol::arena_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_NORESERVE, arena->arena_fd(), 0);
  if (a == MAP_FAILED) return system_failure("mmap", "arena");
  arena->arena_ = static_cast<char*>(a);
  arena->block_->magic = protocol::magic;
  return arena;
}

Arena::~Arena() {
  if (block_) munmap(block_, sizeof(protocol::Block));
  if (arena_) munmap(arena_, protocol::arena_bytes);
}

std::unique_ptr<protocol::Block> Arena::snapshot() const {
  auto copy = std::make_unique<protocol::Block>();
  std::memcpy(copy.get(), block_, sizeof *copy);
  return copy;
}

Status Arena::grow(std::uint64_t bytes) {
  if (bytes <= size_) return {};
  if (bytes > protocol::arena_bytes)
    return fail("the inputs do not fit into the workers' shared memory", "arena", "use smaller inputs", "too-large");
  if (ftruncate(arena_fd(), static_cast<off_t>(bytes)) != 0) return system_failure("ftruncate", "arena");
  size_ = bytes;
  return {};
}

/// Pages of a region that is no longer used go back to the system.
void Arena::forget(const Region& region) {
  const auto begin = (region.start + page - 1) / page * page, end = (region.start + region.image.size()) / page * page;
  if (end > begin)
    fallocate(arena_fd(), FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, static_cast<off_t>(begin),
              static_cast<off_t>(end - begin));
}

Result<Arena::Region> Arena::lay_out(const std::vector<std::pair<std::size_t, at::Tensor>>& tensors,
                                     std::uint64_t& next) {
  Region region;
  std::uint64_t offset = 0;
  for (const auto& [leaf, tensor] : tensors) {
    if (!tensor.device().is_cpu() || tensor.layout() != c10::kStrided || tensor.is_conj() || tensor.is_neg())
      return fail("an input is not a dense CPU tensor", "leaf " + std::to_string(leaf), "", "unsupported");
    if (tensor.dim() > protocol::max_dims)
      return fail("an input has more than 12 dimensions", "leaf " + std::to_string(leaf), "", "unsupported");
    offset += guard_bytes + random_() % 64 * alignment_;
    const auto bytes = span_bytes(tensor);
    Place place{leaf, offset, bytes, {}, {}};
    place.like =
        at::empty_strided(tensor.sizes(), tensor.strides(), tensor.options().device(c10::kMeta).requires_grad(false));
    region.places.push_back(std::move(place));
    offset = (offset + bytes + alignment_ - 1) / alignment_ * alignment_;
  }
  region.start = next;
  region.image.assign(offset + guard_bytes, static_cast<char>(guard_byte));
  next = (region.start + region.image.size() + alignment_ - 1) / alignment_ * alignment_;
  if (auto ok = grow((next + page - 1) / page * page); !ok) return std::unexpected(ok.error());
  if (auto ok = reserve(arena_fd_, region.start, region.image.size()); !ok) return std::unexpected(ok.error());
  if (auto ok = write(region, tensors); !ok) return std::unexpected(ok.error());
  return region;
}

Status Arena::write(Region& region, const std::vector<std::pair<std::size_t, at::Tensor>>& tensors) {
  if (tensors.size() != region.places.size()) return fail("other tensors than before", "arena", "", "protocol");
  for (std::size_t i = 0; i < tensors.size(); ++i) {
    auto& place = region.places[i];
    if (!same_form(place.like, tensors[i].second))
      return fail("a tensor of another dtype, shape or strides than before", "leaf " + std::to_string(place.leaf), "",
                  "protocol");
    if (place.bytes) std::memcpy(region.image.data() + place.offset, tensors[i].second.const_data_ptr(), place.bytes);
    place.base.clear();
  }
  std::memcpy(at(region), region.image.data(), region.image.size());
  return {};
}

json Arena::describe(const Region& region, const Place& place) const {
  return {{"dtype", static_cast<int>(place.like.scalar_type())},
          {"sizes", place.like.sizes().vec()},
          {"strides", place.like.strides().vec()},
          {"offset", region.start + place.offset}};
}

Result<json> Arena::place_params(std::vector<NamedTensor> params) {
  std::vector<std::pair<std::size_t, at::Tensor>> tensors;
  param_paths_.clear();
  for (std::size_t i = 0; i < params.size(); ++i) {
    tensors.emplace_back(i, params[i].tensor);
    param_paths_.push_back(params[i].path);
  }
  forget(params_);
  for (const auto& slot : slots_) forget(slot);
  slots_.clear();
  std::uint64_t next = random_() % 256 * alignment_;
  TRY(region, lay_out(tensors, next));
  params_ = std::move(region);
  params_end_ = next;
  json described = json::object();
  for (std::size_t i = 0; i < params.size(); ++i) {
    described[params[i].path] = describe(params_, params_.places[i]);
    if (params[i].buffer) described[params[i].path]["buffer"] = true;
  }
  return described;
}

Status Arena::write_params(const std::vector<NamedTensor>& params) {
  std::vector<std::pair<std::size_t, at::Tensor>> tensors;
  for (std::size_t i = 0; i < params.size(); ++i) {
    if (i >= param_paths_.size() || param_paths_[i] != params[i].path)
      return fail("other parameters than before", params[i].path, "", "protocol");
    tensors.emplace_back(i, params[i].tensor);
  }
  return write(params_, tensors);
}

namespace {
std::vector<std::pair<std::size_t, at::Tensor>> tensors_in(const std::vector<Leaf>& leaves) {
  std::vector<std::pair<std::size_t, at::Tensor>> tensors;
  for (std::size_t i = 0; i < leaves.size(); ++i)
    if (const auto* t = std::get_if<at::Tensor>(&leaves[i])) tensors.emplace_back(i, *t);
  return tensors;
}
}  // namespace

Result<json> Arena::place_slots(std::vector<std::vector<Leaf>> slots) {
  for (const auto& slot : slots_) forget(slot);
  slots_.clear();
  // Another start each time, so that addresses tell nothing.
  std::uint64_t next = params_end_ + (1 + random_() % 8192) * alignment_;
  json described = json::array();
  for (const auto& leaves : slots) {
    TRY(region, lay_out(tensors_in(leaves), next));
    json list = json::array();
    std::size_t tensor = 0;
    for (const auto& leaf : leaves) {
      if (const auto* value = std::get_if<json>(&leaf))
        list.push_back({{"value", *value}});
      else
        list.push_back(describe(region, region.places[tensor++]));
    }
    described.push_back(list);
    slots_.push_back(std::move(region));
    next += random_() % 64 * alignment_;
  }
  return described;
}

Status Arena::write_slots(const std::vector<std::vector<Leaf>>& slots) {
  if (slots.size() != slots_.size()) return fail("another number of slots than before", "arena", "", "protocol");
  for (std::size_t i = 0; i < slots.size(); ++i)
    if (auto ok = write(slots_[i], tensors_in(slots[i])); !ok) return ok;
  return {};
}

std::string Arena::changed(const Region& region, const char* word) const {
  if (region.image.empty() || std::memcmp(at(region), region.image.data(), region.image.size()) == 0) return {};
  for (const auto& place : region.places)
    if (place.bytes && std::memcmp(at(region) + place.offset, region.image.data() + place.offset, place.bytes) != 0)
      return std::string(word) + " " + std::to_string(place.leaf);
  std::uint64_t first = 0;
  while (at(region)[first] == region.image[first]) ++first;
  for (const auto& place : region.places)
    if (first < place.offset + place.bytes + guard_bytes)
      return std::string("memory beside ") + word + " " + std::to_string(place.leaf);
  return std::string("memory beside the last ") + word;
}

std::string Arena::slot_changed(std::uint32_t slot) const {
  return slot < slots_.size() ? changed(slots_[slot], "input") : std::string();
}

std::string Arena::params_changed() const {
  return changed(params_, "parameter");
}

void Arena::vary(std::uint32_t slot, const std::vector<std::uint32_t>& leaves,
                 const std::vector<std::uint32_t>& poked) {
  Region& region = slots_[slot];
  const float factor = 0.5f + static_cast<float>(random_() >> 40) / static_cast<float>(1ULL << 25);
  for (auto& place : region.places) {
    if (std::ranges::find(leaves, place.leaf) == leaves.end() || place.bytes == 0) continue;
    char* image = region.image.data() + place.offset;
    if (place.base.empty()) place.base.assign(image, image + place.bytes);
    const auto type = place.like.scalar_type();
    if (!scale_bytes(type, image, place.base.data(), place.bytes, factor)) continue;
    if (std::ranges::find(poked, place.leaf) != poked.end()) {
      const std::uint64_t size = place.like.element_size(), elements = place.bytes / size;
      for (std::uint64_t n = std::clamp<std::uint64_t>(elements / poked_share, 1, elements) + 15; n > 0; --n) {
        char* element = image + random_() % elements * size;
        scale_bytes(type, element, element, size, 0.5f + static_cast<float>(random_() >> 40) / (1ULL << 25));
      }
    }
    std::memcpy(at(region) + place.offset, image, place.bytes);
  }
}

void Arena::vary_as(std::uint32_t slot, std::uint64_t seed, std::uint32_t position,
                    const std::vector<std::uint32_t>& leaves, const std::vector<std::uint32_t>& poked) {
  Region& region = slots_[slot];
  for (auto& place : region.places) {
    if (std::ranges::find(leaves, place.leaf) == leaves.end() || place.bytes == 0) continue;
    char* image = region.image.data() + place.offset;
    if (place.base.empty()) place.base.assign(image, image + place.bytes);
    const auto type = place.like.scalar_type();
    const std::uint64_t size = place.like.element_size(), elements = place.bytes / size;
    const bool poke = std::ranges::find(poked, place.leaf) != poked.end();
    const auto v = variation_of(seed, position, place.leaf, elements, poke);
    if (!scale_bytes(type, image, place.base.data(), place.bytes, v.factor)) continue;
    for (std::uint64_t n = 0; n < v.factors.size(); ++n) {
      char* element = image + (v.first + n * v.step) * size;
      scale_bytes(type, element, element, size, v.factors[n]);
    }
  }
}

void Arena::rebase(std::uint32_t slot) {
  for (auto& place : slots_[slot].places) place.base.clear();
}

json Arena::slot_regions() const {
  json regions = json::array();
  for (const auto& slot : slots_) regions.push_back({slot.start, slot.image.size()});
  return regions;
}

std::vector<at::Tensor> Arena::tensors_of(std::uint32_t slot) const {
  std::vector<at::Tensor> tensors;
  for (const auto& place : slots_[slot].places) {
    auto storage = at::empty({static_cast<std::int64_t>(place.bytes / place.like.element_size())},
                             place.like.options().device(c10::kCPU));
    if (place.bytes) std::memcpy(storage.mutable_data_ptr(), slots_[slot].image.data() + place.offset, place.bytes);
    tensors.push_back(storage.as_strided(place.like.sizes(), place.like.strides()));
  }
  return tensors;
}

}  // namespace burnish
