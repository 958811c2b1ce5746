#pragma once
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"
#include "compiler/languages.h"
#include "compiler/size.h"
#include "plan/plan.h"

namespace burnish::compiler {

/// What a schedule needs to know of the machine. Of a GPU `threads` are its cores.
struct Machine {
  int threads = 2;
  int row_threads = 0;  ///< of a threadgroup that shares a row, on a GPU; 0: as the row's length asks
  bool hopper = true;   ///< of a GPU: whether it has the instructions of capability 9.0 (wgmma, bulk copies)
  int vector_bytes = 64;
  std::int64_t l1_bytes = 32 << 10;
  std::int64_t l2_bytes = 1 << 20;
};

/// How far a rewrite may change results: bit for bit, the same formula in another order, or other rounding.
enum class RuleClass { exact, same, changes };
/// Of `--rules`: exact, same or all.
std::optional<RuleClass> rules_named(std::string_view word);

/// One variant of what the compiler makes; attempts differ in these.
struct Options {
  RuleClass rules = RuleClass::changes;
  bool fuse = true;
  bool templates = true;       ///< kernels from src/compiler/templates
  bool channels_last = false;  ///< convolutions and what lies between them in NHWC
  bool split_products = true;  ///< products in fp32 class by split halves, on a GPU that has what they need
  bool library = true;         ///< products and convolutions with weights packed in `prepare`
  bool graph = false;          ///< a plan of many launches asks to be recorded as a CUDA graph
  Machine machine;
  const Language* language = &cpp;  ///< of the kernels; its target becomes the plan's
  std::set<std::string> without;  ///< passes, rules and templates switched off by name (feedback of a refused attempt)
};

/// What a kernel computes, for people: about how many operations a call takes (0: not known), and of which operators.
struct KernelWork {
  double flops = 0;
  std::string of;
};

/// What passes share while one plan goes through the pipeline: types of all names, fresh names, what fired.
class Context {
 public:
  explicit Context(Options wanted) : options(std::move(wanted)) {}

  Options options;
  std::map<std::string, Type> types;
  std::map<std::string, Strides::Kind>
      layouts;                                 ///< how tensors lie that are not contiguous; a `layout` step makes sure
  std::set<std::string> fixed_layout;          ///< names whose strides are guaranteed to be those of their type
  std::map<std::string, std::string> sources;  ///< source file -> text, of the kernels made so far
  std::map<std::string, std::string> kernel_of_text;  ///< a kernel's text, its name left open -> its name
  std::map<std::string, KernelWork> work;             ///< of kernels, by the first tensor that a launch fills
  std::vector<std::string> fired;                     ///< "fold batch norm into a convolution", in order

  /// A name that the plan does not use yet, made from a hint.
  std::string fresh(const std::string& hint);
  const Type* type(const std::string& name) const;
  bool allows(RuleClass c) const { return static_cast<int>(c) <= static_cast<int>(options.rules); }
  /// Whether kernels compute with elements of the type as real numbers: float32, or halves where the language has them.
  bool is_real(DType d) const { return d == DType::float32 || (is_half(d) && options.language->has(d)); }
  bool is_on(const std::string& part) const { return !options.without.contains(part); }

 private:
  std::map<std::string, int> used_;
};

using PassFunction = Result<Plan> (*)(Plan, Context&);

// --- reading and changing steps ------------------------------------------------------------------------------------

/// Calls f with every tensor name that a step reads.
void for_each_input(const Step& step, const std::function<void(const std::string&)>& f);
/// Names that a step makes ("" excluded).
std::vector<std::string> outputs(const Step& step);
/// Replaces names in what a step reads.
void rename_inputs(Step& step, const std::map<std::string, std::string>& names);
/// Names in a result tree.
void for_each_result(const json& tree, const std::function<void(const std::string&)>& f);
json rename_result(const json& tree, const std::map<std::string, std::string>& names);
/// All names that the plan's steps, result and calls read, with how often.
std::map<std::string, int> count_uses(const Plan& plan);
/// Reads notes.meta (the exporter's types of all names) and the plan's inputs into context.types.
void read_types(const Plan& plan, Context& context);

// --- making steps
// -----------------------------------------------------------------------------------------------------
inline Arg arg_name(std::string tensor) {
  return Arg{Arg::Name{std::move(tensor), std::nullopt}};
}
inline Arg arg_int(std::int64_t v) {
  return Arg{v};
}
inline Arg arg_real(double v) {
  return Arg{v};
}
inline Arg arg_bool(bool v) {
  return Arg{v};
}
inline Arg arg_none() {
  return Arg{Arg::None{}};
}
Arg arg_size(const Size& size);
Arg arg_sizes(const std::vector<Size>& sizes);
Arg arg_ints(const std::vector<std::int64_t>& values);
/// A step that gives a new contiguous tensor of that name, and one that copies a tensor into such a one. Both note its
/// type and that it lies so.
AllocateStep allocate(Context& context, const std::string& name, DType dtype, const std::vector<Size>& shape);
LayoutStep lay_out(Context& context, const std::string& made, const std::string& from);

// --- reading arguments
// ------------------------------------------------------------------------------------------------
const std::string* as_name(const Arg& a);
std::optional<std::int64_t> as_int(const Arg& a);
std::optional<double> as_real(const Arg& a);  ///< integers, reals, booleans and {"float": "inf"}
std::optional<bool> as_bool(const Arg& a);
bool is_none(const Arg& a);
std::optional<std::vector<std::int64_t>> as_ints(const Arg& a);
std::optional<Size> as_size(const Arg& a);
std::optional<std::vector<Size>> as_sizes(const Arg& a);
/// Argument `index` by position, or by name among kwargs, or null where neither is given.
const Arg* argument(const OpStep& step, std::size_t index, std::string_view name = {});
/// "softmax" of "aten::softmax.int".
std::string_view short_name(std::string_view op);
/// "aten::linear" of "aten::linear.default"; other overloads stay.
std::string canonical_overload(std::string op);

}  // namespace burnish::compiler
