#pragma once
#include <memory>
#include <span>
#include <string>

#include "agents/agent.h"

namespace burnish {

/// One idea of an agent that proposes recipes (docs/recipes.md): a name and the recipe as JSON, and whether it can
/// make a difference for a problem (nullptr: it always can).
struct RecipeRow {
  const char* name;
  const char* recipe;
  bool (*applies)(const Task& task) = nullptr;
};

/// Whether the module has images in it: an input of four or five dimensions, or a convolution. Where it has none,
/// channels-last changes nothing. True where no plan tells.
bool has_images(const Task& task);

/// Whether kernels run on NVIDIA's GPUs; whether, besides, the module has images.
bool on_cuda(const Task& task);
bool images_on_cuda(const Task& task);
/// Rows that say how a CPU's libraries work.
bool on_cpu(const Task& task);
bool images_on_cpu(const Task& task);

/// An agent that proposes the rows of a table one after another, the same in every run.
std::unique_ptr<Agent> recipe_agent(std::string name, std::span<const RecipeRow> rows);

}  // namespace burnish
