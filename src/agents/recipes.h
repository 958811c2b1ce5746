#pragma once
#include <memory>
#include <span>
#include <string>

#include "agents/agent.h"

namespace burnish {

/// One idea of an agent that proposes recipes (docs/recipes.md): a name and the recipe as JSON.
struct RecipeRow {
  const char* name;
  const char* recipe;
};

/// An agent that proposes the rows of a table one after another, the same in every run.
std::unique_ptr<Agent> recipe_agent(std::string name, std::span<const RecipeRow> rows);

}  // namespace burnish
