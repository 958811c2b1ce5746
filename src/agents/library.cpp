// Settings of PyTorch's libraries as an agent. On a CPU: layouts that oneDNN prefers, frozen weights, and both. On a
// GPU: CUDA graphs, cuDNN's own measurements, layouts that tensor cores prefer.
#include "agents/library.h"

#include <array>

#include "agents/recipes.h"

namespace burnish {
namespace {

constexpr std::array<RecipeRow, 9> library_rows = {{
    {"channels-last", R"({"burnish_recipe": 1, "memory_format": "channels_last"})", images_on_cpu},
    {"freeze", R"({"burnish_recipe": 1, "freeze": true})", on_cpu},
    {"freeze-channels-last", R"({"burnish_recipe": 1, "freeze": true, "memory_format": "channels_last"})",
     images_on_cpu},
    {"compile-channels-last",
     R"({"burnish_recipe": 1, "compile": {"mode": "default"}, "memory_format": "channels_last"})", images_on_cpu},
    {"graph", R"({"burnish_recipe": 1, "cuda_graph": true})", on_cuda},
    {"benchmark-graph", R"({"burnish_recipe": 1, "cudnn_benchmark": true, "cuda_graph": true})", images_on_cuda},
    {"channels-last-graph",
     R"({"burnish_recipe": 1, "memory_format": "channels_last", "cudnn_benchmark": true, "cuda_graph": true})",
     images_on_cuda},
    {"compile-benchmark-graph",
     R"({"burnish_recipe": 1, "compile": {"mode": "default"}, "cudnn_benchmark": true, "cuda_graph": true})",
     images_on_cuda},
    {"compile-channels-last-graph",
     R"({"burnish_recipe": 1, "compile": {"mode": "default"}, "memory_format": "channels_last",
         "cudnn_benchmark": true, "cuda_graph": true})",
     images_on_cuda},
}};

}  // namespace

std::unique_ptr<Agent> make_library() {
  return recipe_agent("library", library_rows);
}

}  // namespace burnish
