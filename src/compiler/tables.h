#pragma once
#include <string>

namespace burnish::compiler {

/// The compiler's passes, rules, templates and pointwise operators as Markdown: docs/compiler-tables.md is this text,
/// and a test holds that it is.
std::string describe_tables();

}  // namespace burnish::compiler
