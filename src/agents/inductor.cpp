// torch.compile as an agent: each row is a way to call it that leaves the process as it was.
#include "agents/inductor.h"

#include <array>

#include "agents/recipes.h"

namespace burnish {
namespace {

constexpr std::array<RecipeRow, 2> rows = {{
    {"default", R"({"burnish_recipe": 1, "compile": {"mode": "default"}})"},
    {"max-autotune", R"({"burnish_recipe": 1, "compile": {"mode": "max-autotune"}})"},
}};

}  // namespace

std::unique_ptr<Agent> make_inductor() {
  return recipe_agent("inductor", rows);
}

}  // namespace burnish
