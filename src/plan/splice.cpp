#include "plan/splice.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cctype>
#include <unordered_map>
#include <unordered_set>

#include "plan/check.h"
#include "plan/names.h"
#include "plan/print.h"
#include "plan/prune.h"
#include "plan/region.h"
#include "plan/result.h"
#include "plan/step_names.h"

namespace burnish {
namespace {

using Names = std::unordered_set<std::string>;
using Renaming = std::unordered_map<std::string, std::string>;
using Pairs = std::vector<std::pair<std::string, std::string>>;

template <class T>
const T* find(const std::vector<std::pair<std::string, T>>& pairs, const std::string& name) {
  const auto found = std::ranges::find(pairs, name, [](const auto& pair) -> const std::string& { return pair.first; });
  return found == pairs.end() ? nullptr : &found->second;
}

void rename(std::string& name, const Renaming& names) {
  if (const auto found = names.find(name); found != names.end()) name = found->second;
}

Expr renamed(const Expr& expr, const Renaming& names) {
  return replace(expr, {{}, [&](const std::string& tensor) -> std::optional<std::string> {
                          const auto found = names.find(tensor);
                          return found == names.end() ? std::nullopt : std::optional(found->second);
                        }});
}

void rename_tensors(Step& step, const Renaming& names) {
  StepVisitor visitor;
  visitor.read = visitor.assign = [&](std::string& name) { rename(name, names); };
  visitor.expression = [&](Expr& expr) { expr = renamed(expr, names); };
  visit(step, visitor);
}

void rename_callees(std::vector<Step>& steps, const Renaming& kernels, const Renaming& functions) {
  for (Step& step : steps) {
    if (auto* launch = std::get_if<LaunchStep>(&step)) rename(launch->kernel, kernels);
    if (auto* call = std::get_if<CallStep>(&step)) rename(call->function, functions);
    if (auto* choice = std::get_if<ChoiceStep>(&step))
      rename(choice->then, functions), rename(choice->otherwise, functions);
  }
}

/// Replaces the identifier `name` in a kernel's source.
std::string replace_word(std::string text, const std::string& name, const std::string& with) {
  const auto continues = [&](std::size_t at) {
    return at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '_');
  };
  for (std::size_t at = text.find(name); at != text.npos; at = text.find(name, at)) {
    const bool whole_word = !(at > 0 && continues(at - 1)) && !continues(at + name.size());
    if (whole_word) text.replace(at, name.size(), with);
    at += whole_word ? with.size() : name.size();
  }
  return text;
}

class Splicer {
 public:
  Splicer(const Plan& whole, const Region& region, Plan better)
      : out_(whole), region_(region), better_(std::move(better)) {}

  Result<Plan> run() {
    Names removed;
    for (const std::size_t i : region_.steps)
      for (std::string& name : outputs_of(out_.steps[i])) removed.insert(std::move(name));
    take_names(removed);
    for (const auto& part :
         {&Splicer::check_interface, &Splicer::add_kernels, &Splicer::add_functions, &Splicer::add_where})
      if (auto ok = (this->*part)(); !ok) return std::unexpected(std::move(ok.error()));
    name_params();
    name_outputs();
    put_steps();
    prune(out_);
    if (auto ok = check(out_); !ok) return inside("after splicing", std::move(ok.error()));
    return std::move(out_);
  }

 private:
  void take_names(const Names& removed) {
    for (const Input& input : out_.inputs) {
      std::visit([&](const auto& one) { taken_.insert(one.name); }, input);
      if (const auto* tensor = std::get_if<InputTensor>(&input))
        for (const Expr& size : tensor->shape)
          if (const auto* symbol = size.symbol()) taken_.insert(*symbol);
    }
    for (const Pairs* pairs : {&out_.params, &out_.constants})
      for (const auto& [name, text] : *pairs) taken_.insert(name);
    for (const auto* list : {&out_.prepare, &out_.steps})
      for (const Step& step : *list)
        for (const std::string& name : outputs_of(step))
          if (!removed.contains(name)) taken_.insert(name);
    // What the rest reads of the region keeps its name, so nothing else may have it.
    taken_.insert(region_.outputs.begin(), region_.outputs.end());
  }

  std::string fresh(const std::string& hint) {
    std::string name = hint;
    for (int serial = 2; !taken_.insert(name).second; ++serial)
      name = fmt::format("{}_{}", hint.substr(0, 200), serial);
    return name;
  }

  Status check_interface() {
    if (better_.target != out_.target)
      return fail(fmt::format("the better plan is for {}, the whole one for {}", better_.target, out_.target),
                  "target");
    for (const Input& input : better_.inputs) {
      const auto* tensor = std::get_if<InputTensor>(&input);
      const std::string& name = std::visit([](const auto& one) -> const std::string& { return one.name; }, input);
      if (!tensor || std::ranges::find(region_.inputs, name) == region_.inputs.end())
        return fail(fmt::format("the region reads no tensor '{}'", name), "inputs",
                    fmt::format("its inputs are {}", fmt::join(region_.inputs, ", ")));
    }
    if (better_.result.is_string()) better_.result = json::array({better_.result});
    if (!better_.result.is_array() || better_.result.size() != region_.outputs.size())
      return fail(fmt::format("the region has {} outputs, the better plan another number", region_.outputs.size()),
                  "result", fmt::format("return a list for {}", fmt::join(region_.outputs, ", ")));
    for (const json& item : better_.result)
      if (!item.is_string() || !is_name(item.get<std::string>())) return fail("a result is no tensor", "result");
    return {};
  }

  /// Kernels of one name and sources of one name must be the same, or are renamed in their text.
  Status add_kernels() {
    Renaming sources;
    for (auto& [name, kernel] : better_.kernels) {
      const Kernel* same_name = find(out_.kernels, name);
      if (same_name && same_name->source == kernel.source && same_name->text == kernel.text) continue;
      const auto clash = std::ranges::find_if(out_.kernels, [&](const auto& pair) {
        return pair.second.source == kernel.source && pair.second.text != kernel.text;
      });
      if (!same_name && clash == out_.kernels.end()) {
        sources.emplace(kernel.source, kernel.source);
        continue;
      }
      if (!kernel.text)
        return fail(fmt::format("both plans have a kernel '{}' or a source '{}'", name, kernel.source), "kernels",
                    "put the better plan's source into it as text, or rename it");
      if (!sources.contains(kernel.source)) sources[kernel.source] = fresh_source(kernel.source);
      if (same_name) kernels_[name] = fresh_kernel(name);
    }
    for (const auto& [name, kernel] : better_.kernels) {
      const std::string& final_name = kernels_.contains(name) ? kernels_.at(name) : name;
      if (find(out_.kernels, final_name)) continue;
      Kernel added = kernel;
      rename(added.source, sources);
      if (added.text)
        for (const auto& [from, to] : kernels_) added.text = replace_word(*added.text, from, to);
      out_.kernels.emplace_back(final_name, std::move(added));
    }
    return {};
  }

  std::string fresh_kernel(const std::string& name) const {
    for (int serial = 2;; ++serial) {
      std::string made = fmt::format("{}_{}", name, serial);
      if (!find(out_.kernels, made) && !find(better_.kernels, made)) return made;
    }
  }

  std::string fresh_source(const std::string& source) const {
    const auto dot = source.rfind('.');
    const auto used = [](const std::vector<std::pair<std::string, Kernel>>& kernels, const std::string& file) {
      return std::ranges::any_of(kernels, [&](const auto& pair) { return pair.second.source == file; });
    };
    for (int serial = 2;; ++serial) {
      std::string made =
          fmt::format("{}_{}{}", source.substr(0, dot), serial, dot == source.npos ? "" : source.substr(dot));
      if (!used(out_.kernels, made) && !used(better_.kernels, made)) return made;
    }
  }

  /// Functions of one name are shared where they are the same, with all that they call.
  Status add_functions() {
    for (auto& [name, function] : better_.functions) {
      const Function* same = find(out_.functions, name);
      if (!same) continue;
      if (print_function(*same) == print_function(function) && !launches_renamed(function)) continue;
      functions_[name] = fresh_function(name);
    }
    // A function that calls one that got a new name differs too.
    for (bool again = true; again;) {
      again = false;
      for (auto& [name, function] : better_.functions) {
        if (functions_.contains(name) || !calls_renamed(function)) continue;
        functions_[name] = fresh_function(name);
        again = true;
      }
    }
    for (auto& [name, function] : better_.functions) {
      if (find(out_.functions, name) && !functions_.contains(name)) continue;
      Function added = function;
      rename_callees(added.prepare, kernels_, functions_);
      rename_callees(added.steps, kernels_, functions_);
      std::string final_name = name;
      rename(final_name, functions_);
      out_.functions.emplace_back(std::move(final_name), std::move(added));
    }
    return {};
  }

  std::string fresh_function(const std::string& name) const {
    for (int serial = 2;; ++serial) {
      std::string made = fmt::format("{}_{}", name, serial);
      if (!find(out_.functions, made) && !find(better_.functions, made)) return made;
    }
  }

  bool launches_renamed(const Function& function) const {
    const auto in = [&](const std::vector<Step>& steps) {
      return std::ranges::any_of(steps, [&](const Step& step) {
        const auto* launch = std::get_if<LaunchStep>(&step);
        return launch && kernels_.contains(launch->kernel);
      });
    };
    return in(function.prepare) || in(function.steps);
  }

  bool calls_renamed(const Function& function) const {
    const auto in = [&](const std::vector<Step>& steps) {
      return std::ranges::any_of(steps, [&](const Step& step) {
        return std::ranges::any_of(functions_of(step),
                                   [&](const std::string& name) { return functions_.contains(name); });
      });
    };
    return in(function.prepare) || in(function.steps);
  }

  /// Conditions that the better plan adds become guards of the whole.
  Status add_where() {
    for (const Expr& condition : better_.where) {
      if (std::ranges::find(out_.where, condition) != out_.where.end()) continue;
      for (const std::string& name : condition.tensors())
        if (std::ranges::none_of(out_.inputs, [&](const Input& input) {
              const auto* tensor = std::get_if<InputTensor>(&input);
              return tensor && tensor->name == name;
            }))
          return fail(fmt::format("'{}' cannot be guarded: '{}' is no input of the whole plan", condition.text(), name),
                      "where", "say it of symbols");
      out_.where.push_back(condition);
    }
    return {};
  }

  void name_params() {
    std::unordered_map<std::string, std::string> by_path;
    for (const auto& [name, path] : out_.params) by_path.emplace(path, name);
    for (const auto& [name, path] : better_.params) {
      if (const auto found = by_path.find(path); found != by_path.end()) {
        names_[name] = found->second;
        continue;
      }
      names_[name] = fresh(name);
      out_.params.emplace_back(names_[name], path);
    }
    for (const auto& [name, key] : better_.constants) {
      const auto known =
          std::ranges::find(out_.constants, key, [](const auto& pair) -> const std::string& { return pair.second; });
      if (known != out_.constants.end()) {
        names_[name] = known->first;
        continue;
      }
      names_[name] = fresh(name);
      out_.constants.emplace_back(names_[name], key);
    }
  }

  /// A result that the better plan's steps make takes the name that the rest reads; the rest learns the names of
  /// others.
  void name_outputs() {
    Names made;
    for (const Step& step : better_.steps)
      for (std::string& name : outputs_of(step)) made.insert(std::move(name));
    Names given;
    for (std::size_t i = 0; i < region_.outputs.size(); ++i) {
      const auto name = better_.result[i].get<std::string>();
      if (made.contains(name) && given.insert(name).second) names_[name] = region_.outputs[i];
    }
    for (const auto* list : {&better_.prepare, &better_.steps})
      for (const Step& step : *list)
        for (const std::string& name : outputs_of(step))
          if (!name.empty() && !names_.contains(name)) names_[name] = fresh(name);
  }

  /// A layout step for an input, unless it is an input of the whole plan with that guard.
  void put_layout(const InputTensor& input, std::vector<Step>& steps) {
    if (input.strides.kind == Strides::Kind::any) return;
    for (const Input& outer : out_.inputs)
      if (const auto* tensor = std::get_if<InputTensor>(&outer))
        if (tensor->name == input.name && tensor->strides.kind == input.strides.kind &&
            tensor->strides.values == input.strides.values)
          return;
    LayoutStep layout{fresh(input.name + "_laid"), input.name, input.strides};
    names_[input.name] = layout.out;
    steps.emplace_back(std::move(layout));
  }

  void put_steps() {
    std::vector<Step> steps;
    for (const std::size_t i : region_.before) steps.push_back(out_.steps[i]);
    for (const Input& input : better_.inputs) put_layout(std::get<InputTensor>(input), steps);
    const auto put = [&](std::vector<Step> list, std::vector<Step>& into) {
      rename_callees(list, kernels_, functions_);
      for (Step& step : list) {
        rename_tensors(step, names_);
        into.push_back(std::move(step));
      }
    };
    put(better_.prepare, out_.prepare);
    put(better_.steps, steps);
    Renaming rest;
    for (std::size_t i = 0; i < region_.outputs.size(); ++i) {
      auto name = better_.result[i].get<std::string>();
      rename(name, names_);
      if (name != region_.outputs[i]) rest[region_.outputs[i]] = name;
    }
    for (const std::size_t i : region_.after) {
      steps.push_back(out_.steps[i]);
      rename_tensors(steps.back(), rest);
    }
    visit_result(out_.result, [&](json& text) {
      const auto expr = Expr::parse(text.get_ref<const std::string&>());
      if (!expr) return;
      const auto found = expr->symbol() ? rest.find(*expr->symbol()) : rest.end();
      if (found != rest.end())
        text = found->second;
      else if (!expr->tensors().empty())
        text = renamed(*expr, rest).text();
    });
    out_.steps = std::move(steps);
  }

  Plan out_;
  const Region& region_;
  Plan better_;
  Names taken_;
  Renaming names_, kernels_, functions_;
};

}  // namespace

Result<Plan> splice(const Plan& whole, const std::vector<std::size_t>& steps, const Plan& better) {
  TRY(region, find_region(whole, steps));
  if (auto ok = check(better); !ok) return inside("the better plan", std::move(ok.error()));
  return Splicer(whole, region, better).run();
}

}  // namespace burnish
