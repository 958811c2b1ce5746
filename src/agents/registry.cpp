#include <array>
#include <set>

#include "agents/agent.h"
#include "agents/compiler.h"
#include "agents/inductor.h"
#include "agents/library.h"
#include "agents/model_agents.h"

namespace burnish {
namespace {

constexpr std::array<AgentRow, 3> shipped = {{
    {"compiler", "Burnish's own compiler: fused kernels, packed weights, templates", make_compiler},
    {"inductor", "PyTorch's torch.compile, in its modes", make_inductor},
    {"library", "PyTorch's own switches: memory formats, freezing", make_library},
}};

}  // namespace

std::string to_text(Form form) {
  switch (form) {
    case Form::plan:
      return "plan";
    case Form::recipe:
      return "recipe";
    case Form::model_new:
      break;
  }
  return "model_new";
}

std::optional<Form> form_of(const std::string& text) {
  for (const Form form : {Form::plan, Form::recipe, Form::model_new})
    if (to_text(form) == text) return form;
  return {};
}

std::span<const AgentRow> agent_rows() {
  return shipped;
}

Result<std::vector<std::unique_ptr<Agent>>> make_agents(const std::vector<std::string>& names, const Asking& asking) {
  std::vector<std::unique_ptr<Agent>> agents;
  std::set<std::string> seen;
  std::string known;
  for (const auto& row : shipped) known += (known.empty() ? "" : ", ") + std::string(row.name);
  for (const auto& name : names) {
    if (!seen.insert(name).second)
      return fail("the agent \"" + name + "\" is named twice", "--agents", "name each once");
    const AgentRow* found = nullptr;
    for (const auto& row : shipped)
      if (name == row.name) found = &row;
    if (found) {
      agents.push_back(found->make());
      continue;
    }
    auto model = make_model_agent(name, asking);
    if (!model) return fail(model.error().what, "--agents", "built-in: " + known + "; " + model.error().todo);
    agents.push_back(std::move(*model));
  }
  if (names.empty())
    for (const auto& row : shipped) agents.push_back(row.make());
  return agents;
}

}  // namespace burnish
