#pragma once
#include <ATen/core/Tensor.h>

#include <cstdint>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "base/error.h"
#include "base/json.h"
#include "base/process.h"
#include "base/protocol.h"

namespace burnish {

/// One argument: a CPU tensor, or a JSON value.
using Leaf = std::variant<at::Tensor, json>;

struct NamedTensor {
  std::string path;
  at::Tensor tensor;
  bool buffer = false;
};

/// The judge's side of the memory that it shares with a worker: block, parameters and input slots, each tensor at a
/// random aligned place between guard zones, with a private copy of everything to compare with.
class Arena {
 public:
  /// `gpu`: the worker copies tensors to a GPU, where memory is aligned more widely.
  static Result<std::unique_ptr<Arena>> make(bool gpu = false);
  ~Arena();

  int block_fd() const { return block_fd_.get(); }
  int arena_fd() const { return arena_fd_.get(); }
  volatile protocol::Block& block() { return *block_; }
  /// The block as it stands, copied: check the copy.
  std::unique_ptr<protocol::Block> snapshot() const;

  /// Puts parameters at new places; {path: description} for the worker.
  Result<json> place_params(std::vector<NamedTensor> params);
  Status write_params(const std::vector<NamedTensor>& params);
  /// Puts slots at new places; [[description...]...] for the worker.
  Result<json> place_slots(std::vector<std::vector<Leaf>> slots);
  Status write_slots(const std::vector<std::vector<Leaf>>& slots);

  std::size_t slots() const { return slots_.size(); }
  std::string slot_changed(std::uint32_t slot) const;
  std::string params_changed() const;

  /// Multiplies the slot's named leaves by a random factor in [0.5, 1], in the arena and in the private copy alike.
  /// Some elements of the leaves that are `poked`, too, get another one each: scaled inputs of a product have scaled
  /// results, which somebody could remember.
  void vary(std::uint32_t slot, const std::vector<std::uint32_t>& leaves, const std::vector<std::uint32_t>& poked);
  /// The same values that a worker makes of the slot on a GPU, for comparisons: runtime/variation.h.
  void vary_as(std::uint32_t slot, std::uint64_t seed, std::uint32_t position, const std::vector<std::uint32_t>& leaves,
               const std::vector<std::uint32_t>& poked);
  /// The slot's values as they are now are those that later variations start from.
  void rebase(std::uint32_t slot);
  /// [start, bytes] in the arena: of the parameters, of each slot. What a worker copies to a GPU as a whole.
  json params_region() const { return {params_.start, params_.image.size()}; }
  json slot_regions() const;
  /// Copies of the slot's tensors as the worker was given them.
  std::vector<at::Tensor> tensors_of(std::uint32_t slot) const;

 private:
  /// One tensor in a region.
  struct Place {
    std::size_t leaf;
    std::uint64_t offset;    ///< from the region's start
    std::uint64_t bytes;     ///< of the span of storage that the tensor reaches
    at::Tensor like;         ///< a meta tensor: dtype, sizes and strides
    std::vector<char> base;  ///< values before any scaling; filled by the first vary()
  };
  /// Guards and tensors, contiguous in the arena at `start`; `image` is what should be there.
  struct Region {
    std::uint64_t start = 0;
    std::vector<char> image;
    std::vector<Place> places;
  };
  explicit Arena(std::uint64_t alignment) : alignment_(alignment) {}
  Result<Region> lay_out(const std::vector<std::pair<std::size_t, at::Tensor>>& tensors, std::uint64_t& next);
  Status write(Region& region, const std::vector<std::pair<std::size_t, at::Tensor>>& tensors);
  Status grow(std::uint64_t bytes);
  std::string changed(const Region& region, const char* word) const;
  json describe(const Region& region, const Place& place) const;
  char* at(const Region& region) const { return arena_ + region.start; }
  void forget(const Region& region);

  std::uint64_t alignment_;
  Fd block_fd_, arena_fd_;
  protocol::Block* block_ = nullptr;
  char* arena_ = nullptr;
  std::uint64_t size_ = 0, params_end_ = 0;
  Region params_;
  std::vector<std::string> param_paths_;
  std::vector<Region> slots_;
  std::mt19937_64 random_{std::random_device{}()};
};

}  // namespace burnish
