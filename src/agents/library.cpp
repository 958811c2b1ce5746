// Settings of PyTorch's libraries as an agent: layouts that oneDNN prefers, frozen weights, and both.
#include "agents/library.h"

#include <array>

#include "agents/recipes.h"

namespace burnish {
namespace {

constexpr std::array<RecipeRow, 4> rows = {{
    {"channels-last", R"({"burnish_recipe": 1, "memory_format": "channels_last"})", has_images},
    {"freeze", R"({"burnish_recipe": 1, "freeze": true})"},
    {"freeze-channels-last", R"({"burnish_recipe": 1, "freeze": true, "memory_format": "channels_last"})", has_images},
    {"compile-channels-last",
     R"({"burnish_recipe": 1, "compile": {"mode": "default"}, "memory_format": "channels_last"})", has_images},
}};

}  // namespace

std::unique_ptr<Agent> make_library() {
  return recipe_agent("library", rows);
}

}  // namespace burnish
