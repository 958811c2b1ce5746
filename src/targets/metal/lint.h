#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace burnish::metal {

struct Complaint {
  int line = 0, column = 0;  ///< of the translated source
  std::string what;
};

/// What Apple's compiler refuses and clang does not, read from clang's dump of the syntax tree: pointers and references
/// without an address space (clang takes them as generic), and recursion.
std::vector<Complaint> lint(std::string_view dump);

}  // namespace burnish::metal
