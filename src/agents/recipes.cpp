#include "agents/recipes.h"

namespace burnish {
namespace {

class RecipeAgent : public Agent {
 public:
  RecipeAgent(std::string name, std::span<const RecipeRow> rows) : name_(std::move(name)), rows_(rows) {}
  std::string name() const override { return name_; }

  Result<std::optional<Proposal>> propose(const Task&, std::span<const PastAttempt> history) override {
    if (history.size() >= rows_.size()) return std::nullopt;
    const auto& row = rows_[history.size()];
    return Proposal{row.name, Form::recipe, {{"recipe.json", json::parse(row.recipe).dump(1) + "\n"}}, nullptr};
  }

 private:
  std::string name_;
  std::span<const RecipeRow> rows_;
};

}  // namespace

std::unique_ptr<Agent> recipe_agent(std::string name, std::span<const RecipeRow> rows) {
  return std::make_unique<RecipeAgent>(std::move(name), rows);
}

}  // namespace burnish
