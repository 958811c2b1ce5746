#pragma once
#include <memory>

#include "runtime/graphs.h"

namespace burnish {

/// Records CUDA graphs with PyTorch's own class, which gives them memory of their own from the caching allocator. Null
/// where this PyTorch has no such class (a build without CUDA, or a version that changed it).
std::shared_ptr<Recorder> cuda_recorder();

}  // namespace burnish
