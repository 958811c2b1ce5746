#pragma once
#include <functional>
#include <string>
#include <vector>

#include "targets/metal/compile.h"

namespace burnish::metal {

/// What one run of the compiler gives.
struct Built {
  std::string object, disassembly, line_table, syntax_tree;
  std::vector<std::string> warnings;
};

/// clang 19 in the sandbox: C++ for OpenCL, run natively, with our Metal library as a precompiled header.
class Clang {
 public:
  static Result<Clang> find(const CompileRequest& request);

  /// Changes when the compiler, its flags or our library do.
  const std::string& identity() const { return identity_; }

  /// Expands macros and conditions.
  Result<std::string> preprocess(const std::function<void(int)>& started) const;

  Result<Built> build(const Translation& translation, const std::function<void(int)>& started) const;

 private:
  struct Job;
  explicit Clang(const CompileRequest& request) : request_(request) {}
  Result<std::string> precompiled(const std::function<void(int)>& started) const;
  Result<std::string> run_job(const Job& job, const std::function<void(int)>& started) const;

  const CompileRequest& request_;
  std::string program_, linker_, builtins_, identity_;
  std::vector<std::string> flags_;
};

}  // namespace burnish::metal
