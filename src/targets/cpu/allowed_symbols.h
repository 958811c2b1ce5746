#pragma once
#include <string>
#include <string_view>

namespace burnish::cpu {

/// Functions of the C library that a kernel may call: mathematics (libm, libmvec), memory and string basics,
/// thread-local storage, traps. Nothing that allocates, reads, writes, waits, starts or finds anything.
bool symbol_is_allowed(std::string_view name, bool sanitized);

/// Weak references of the tool chain that may stay unresolved.
bool symbol_is_optional(std::string_view name);

/// "operator new" for _Znwm; other names as they are.
std::string readable_symbol(const std::string& name);

/// What to do instead.
std::string advice_for_symbol(std::string_view name);

}  // namespace burnish::cpu
