#pragma once
#include <string>
#include <vector>

namespace burnish::compiler {

/// The compiler's passes, rules, templates and pointwise operators as Markdown: docs/compiler-tables.md is this text,
/// and a test holds that it is.
std::string describe_tables();

/// What fired (CompiledCandidate::fired), a line for each name in the order of its first use: how often, its class, and
/// who has it.
std::string describe_fired(const std::vector<std::string>& fired);

}  // namespace burnish::compiler
