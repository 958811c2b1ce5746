#pragma once
#include <optional>
#include <set>

#include "targets/metal/tokens.h"
#include "targets/metal/translate.h"

/// The pre-pass from the inside: declarations.cpp finds what is declared, bodies.cpp rewrites function bodies,
/// spaces.cpp address spaces, entries.cpp writes the entries; translate.cpp is their order.
namespace burnish::metal {

/// Text to put around or instead of tokens; tokens keep their places, so that diagnostics can be mapped back.
struct Edit {
  std::string before, after;
  std::optional<std::string> instead;
};

struct Range {
  std::size_t begin = 0, end = 0;  ///< token indices
};

struct Function {
  std::string name, path;  ///< path: with its namespaces, for entries
  std::string host_name;   ///< [[host_name("...")]], else empty
  Range parameters, body;  ///< inside the brackets
  bool kernel = false, is_template = false, has_body = false, in_class = false;
  int line = 0;
  std::vector<Parameter> found;  ///< a kernel's
  int most_threads = 1024;
};

/// `template [[host_name("x")]] kernel void f<float>(...)`.
struct Instantiation {
  std::string host_name, function, arguments;  ///< arguments: "<float>" or empty
  std::string prototype;                       ///< the parameter list without attributes; empty for decltype(f<float>)
  std::size_t parameter_count = 0;
  int line = 0;
};

enum class Scope { names, members };

class Translator {
 public:
  explicit Translator(std::vector<Token> tokens);
  Result<Translation> run();

 private:
  // declarations.cpp
  Status declarations(std::size_t begin, std::size_t end, Scope scope, const std::string& path);
  Result<std::size_t> declaration(std::size_t begin, std::size_t end, Scope scope, const std::string& path,
                                  bool is_template);
  Result<std::size_t> class_declaration(std::size_t at, std::size_t end, Scope scope, const std::string& path);
  Result<std::size_t> function_rest(Function function, std::size_t at, std::size_t end);
  Result<std::size_t> instantiation(std::size_t at, std::size_t end, const std::string& path);
  Status variable(std::size_t begin, std::size_t end, Scope scope);
  void template_parameters(std::size_t open, std::size_t close);
  // kernels.cpp
  Status kernel_parameters(Function& function);
  std::string plain_parameters(Range parameters);
  std::size_t count_parameters(Range parameters) const;
  const Function* instantiated(const Instantiation& of) const;
  Status take_attributes(std::size_t begin, std::size_t end, Function& function);
  std::string entries() const;
  // bodies.cpp
  Status body(const Function& function);
  Status shared_variable(std::size_t at, std::size_t end, const Function& function);
  void expressions(std::size_t begin, std::size_t end, bool statements);
  Result<std::size_t> loop(std::size_t at, std::size_t end);
  std::size_t type_expression(std::size_t at, std::size_t end) const;
  void find_syncing();
  bool may_sync(std::size_t begin, std::size_t end) const;
  std::size_t statement_end(std::size_t at, std::size_t end) const;
  // spaces.cpp
  Status address_spaces();
  void constant_uses();
  void renames();
  void function_constants();
  // translate.cpp
  void emit(Translation& out) const;

  std::unexpected<Error> bad(std::size_t at, std::string what, const char* reason = "compile") const;
  bool is(std::size_t at, std::string_view text) const { return at < tokens_.size() && tokens_[at].text == text; }
  void remove(std::size_t begin, std::size_t end);
  void instead(std::size_t at, std::string text) { edits_[at].instead = std::move(text); }
  std::string text_of(std::size_t begin, std::size_t end) const;

  std::vector<Token> tokens_;
  std::vector<Edit> edits_;
  std::vector<Function> functions_;
  std::vector<Instantiation> instantiations_;
  std::vector<FunctionConstant> constants_;
  std::set<std::string> types_;            ///< template parameters and aliases: may name vectors
  std::set<std::string> constant_arrays_;  ///< at namespace scope
  std::set<std::string> syncing_;          ///< functions in which threads may wait for each other
  std::vector<std::string> shared_names_;
  int loops_ = 0;
};

/// float2 to ulong4 and the like.
bool is_vector_type(std::string_view name);

}  // namespace burnish::metal
