#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace burnish::cpu {

struct ObjectRules {
  std::vector<std::string> kernels;  ///< must be defined with their entries and signatures
  bool sanitized = false;            ///< allow what AddressSanitizer and UBSan add
  std::vector<std::string> engine;   ///< prefixes of functions that an engine of ours gives to the object
  bool writable_data = false;        ///< allow variables: clang marks places in its checks as reported there
};

/// Whether a compiled object holds only what a kernel may hold: no code that runs by being loaded (constructors, IFUNC,
/// initialised thread-local storage with constructors), no undefined symbol outside the allow-list (mathematics, memory
/// and string basics), no library besides the C and mathematics libraries, no writable code, no executable stack, no
/// search path. `disassembly` is objdump's (Intel syntax, no raw bytes): no system call, no interrupt, no port or
/// segment base instruction, no direct jump into the middle of an instruction. An error has reason `object`.
///
/// What it cannot see: an indirect jump into the middle of an instruction, or code that writes itself through a pointer
/// that it was given. Those meet the worker's system-call filter; docs/judging.md says what remains.
Status check_object(std::string_view object, std::string_view disassembly, const ObjectRules& rules);

}  // namespace burnish::cpu
