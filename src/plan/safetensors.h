#pragma once
#include <cstdint>
#include <filesystem>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/error.h"
#include "plan/plan.h"

namespace burnish {

/// A contiguous, row-major tensor whose bytes belong to somebody else.
struct StoredTensor {
  DType dtype = DType::float32;
  std::vector<std::int64_t> shape;
  std::string_view bytes;
};

/// A file in the safetensors format (github.com/huggingface/safetensors): 8 bytes with the header's length, a JSON
/// header with dtype, shape and offsets of each tensor, then their bytes without gaps. Everything that a hostile file
/// could say is checked before it is believed: lengths, shapes, overflow, overlaps, holes. Copies share the bytes.
class Safetensors {
 public:
  /// Takes the file's bytes. Errors name the tensor.
  static Result<Safetensors> parse(std::string bytes);
  static Result<Safetensors> load(const std::filesystem::path& file);

  /// In the order of the header. Their bytes live as long as this object or a copy of bytes().
  const std::vector<std::pair<std::string, StoredTensor>>& tensors() const { return tensors_; }
  /// Null where there is no such tensor.
  const StoredTensor* find(std::string_view name) const;
  /// The whole file, for those who keep a tensor's bytes for longer. Tensors may be unaligned in it.
  const std::shared_ptr<const std::string>& bytes() const { return bytes_; }

 private:
  std::shared_ptr<const std::string> bytes_;
  std::vector<std::pair<std::string, StoredTensor>> tensors_;
};

/// The file's bytes for these tensors; wide elements come first, so that each is aligned to its element. An error where
/// a name stands twice or bytes and shape disagree. Write them with write_file (base/files.h).
Result<std::string> to_safetensors(const std::vector<std::pair<std::string, StoredTensor>>& tensors);

}  // namespace burnish
