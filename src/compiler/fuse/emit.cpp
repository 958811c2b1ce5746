#include "compiler/fuse/emit.h"

#include <algorithm>

#include "compiler/fuse/schedule.h"
#include "compiler/languages.h"

namespace burnish::compiler {
namespace {

bool has_types(const Schedule& schedule, const Language& language) {
  return std::ranges::all_of(schedule.group.nodes, [&](const Node& n) { return !language.storage(n.dtype).empty(); });
}

bool has_functions(const Schedule& schedule, const Language& language) {
  return std::ranges::none_of(schedule.group.nodes, [&](const Node& n) {
    return n.op != nullptr && std::ranges::any_of(language.lacks, [&](std::string_view function) {
             return n.op->code.find(function) != std::string_view::npos;
           });
  });
}

}  // namespace

std::optional<Emitted> emit(const Schedule& schedule, const std::string& name, const Language& language) {
  if (!has_types(schedule, language) || !has_functions(schedule, language)) return std::nullopt;
  auto made = language.emit(schedule, name, language);
  if (made && made->inputs.size() + made->outputs.size() + made->symbols.size() > language.most_arguments)
    return std::nullopt;
  return made;
}

}  // namespace burnish::compiler
