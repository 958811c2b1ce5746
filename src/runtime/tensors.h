#pragma once
#include <ATen/core/Tensor.h>

#include <filesystem>
#include <map>
#include <string>

#include "base/error.h"

namespace burnish {

/// The tensors of a safetensors file, in memory of their own, aligned to 64 bytes. Hostile files give an error.
Result<std::map<std::string, at::Tensor>> load_tensors(const std::filesystem::path& file);

}  // namespace burnish
