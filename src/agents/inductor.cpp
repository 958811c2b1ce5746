// torch.compile as an agent: each row is a way to call it that leaves the process as it was.
#include "agents/inductor.h"

#include <array>

#include "agents/recipes.h"

namespace burnish {
namespace {

constexpr std::array<RecipeRow, 4> inductor_rows = {{
    {"default", R"({"burnish_recipe": 1, "compile": {"mode": "default"}})"},
    {"max-autotune", R"({"burnish_recipe": 1, "compile": {"mode": "max-autotune"}})", on_cpu},
    // On a GPU max-autotune brings graphs of its own, whose results the next call overwrites.
    {"compile-graph", R"({"burnish_recipe": 1, "compile": {"mode": "default"}, "cuda_graph": true})", on_cuda},
    {"max-autotune-graph",
     R"({"burnish_recipe": 1, "compile": {"mode": "max-autotune-no-cudagraphs"}, "cuda_graph": true})", on_cuda},
}};

}  // namespace

std::unique_ptr<Agent> make_inductor() {
  return recipe_agent("inductor", inductor_rows);
}

}  // namespace burnish
