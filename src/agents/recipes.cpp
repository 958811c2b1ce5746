#include "agents/recipes.h"

#include <algorithm>
#include <array>

#include "base/files.h"

namespace burnish {
namespace {

class RecipeAgent : public Agent {
 public:
  RecipeAgent(std::string name, std::span<const RecipeRow> rows) : name_(std::move(name)), rows_(rows) {}
  std::string name() const override { return name_; }

  Result<std::optional<Proposal>> propose(const Task& task, std::span<const PastAttempt> history) override {
    if (task.target == "metal-emulated") return std::nullopt;  // PyTorch's settings here say nothing of a Mac's
    std::size_t at = history.size();                           // of the rows that apply
    const auto next = std::ranges::find_if(
        rows_, [&](const RecipeRow& row) { return (!row.applies || row.applies(task)) && at-- == 0; });
    if (next == rows_.end()) return std::nullopt;
    const auto& row = *next;
    return Proposal{row.name, Form::recipe, {{"recipe.json", json::parse(row.recipe).dump(1) + "\n"}}, nullptr};
  }

 private:
  std::string name_;
  std::span<const RecipeRow> rows_;
};

bool is_image(const json& input) {
  return input.value("shape", json::array()).size() == 4;
}

// Ops on images whatever the inputs are; "convolution" tells no number of dimensions. (1-D and 3-D ones would compile
// and time the very same module.)
constexpr std::array image_ops{"\"aten::conv2d", "\"aten::conv_transpose2d", "\"aten::convolution",
                               "\"aten::_convolution"};

}  // namespace

bool has_images(const Task& task) {
  const auto text = task.plan.empty() ? fail("no plan") : read_file(task.plan / "plan.json");
  if (!text) return true;
  const json plan = json::parse(*text, nullptr, /*allow_exceptions=*/false);
  if (!plan.is_object()) return true;
  const auto is_used = [&](const char* op) { return text->find(op) != std::string::npos; };
  return std::ranges::any_of(image_ops, is_used) || std::ranges::any_of(plan.value("inputs", json::object()), is_image);
}

bool on_cuda(const Task& task) {
  return task.target == "cuda";
}
bool images_on_cuda(const Task& task) {
  return on_cuda(task) && has_images(task);
}
bool on_cpu(const Task& task) {
  return !on_cuda(task);
}
bool images_on_cpu(const Task& task) {
  return on_cpu(task) && has_images(task);
}

std::unique_ptr<Agent> recipe_agent(std::string name, std::span<const RecipeRow> rows) {
  return std::make_unique<RecipeAgent>(std::move(name), rows);
}

}  // namespace burnish
