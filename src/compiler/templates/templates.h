#pragma once
#include <span>
#include <string_view>

#include "compiler/fuse/group.h"
#include "compiler/prepared.h"

namespace burnish::compiler {

/// What a template sees while it takes a step's place.
class TemplateUse {
 public:
  TemplateUse(const Plan& at, const StepIndex& steps_index, Context& shared, std::vector<Step>& made, Prepared& kept)
      : plan(at), index(steps_index), context(shared), steps_(made), prepared_(kept) {}

  const Plan& plan;
  const StepIndex& index;
  Context& context;

  /// An operand with its strides, its base lying as its type says; nothing where its views are not understood or its
  /// elements are not of `dtype`. Static sizes only.
  std::optional<StridedTensor> operand(const std::string& name, DType dtype = DType::float32) const;
  /// The operand as a contiguous tensor (a `layout` step where that is not known).
  std::string contiguous(const std::string& name);
  /// A kernel argument for a strided operand: its base with an offset.
  Arg pointer(const StridedTensor& tensor);
  /// What an element of a tensor is called in the kernels' language.
  std::string_view element(DType dtype) const { return context.options.language->storage(dtype); }
  /// A new contiguous tensor.
  void allocate(const std::string& name, DType dtype, const std::vector<Size>& shape);
  /// Adds a kernel: `body` is the text between the braces, `arguments` its arguments after begin and end. Equal kernels
  /// share one text. `headers` are templates' texts that stand before it, each once.
  void launch(std::string_view name, std::initializer_list<std::string_view> headers, const std::string& arguments,
              const std::string& body, std::vector<Arg> args, std::int64_t range, std::int64_t grain);
  /// The same for a GPU: `blocks` blocks of `threads` threads. `at_once`: how many of them a multiprocessor must have
  /// registers for; 0: as many as it happens to.
  void launch_blocks(std::string_view name, std::initializer_list<std::string_view> headers,
                     const std::string& arguments, const std::string& body, std::vector<Arg> args, std::int64_t blocks,
                     std::int64_t threads, std::int64_t at_once = 0);
  /// An argument list of tensors, in the language's words: names and types of elements.
  using Named = std::initializer_list<std::pair<std::string_view, DType>>;
  std::string tensors(Named inputs, Named outputs) const;
  void add(Step step) { steps_.push_back(std::move(step)); }
  /// True for what depends on parameters alone, and may be an operand of `prepare`.
  bool is_fixed(const std::string& name) const { return prepared_.fixed.contains(name); }
  /// Whether so many bytes more may be kept from `prepare`.
  bool can_keep(std::int64_t bytes) const { return bytes <= prepared_.bytes_left; }
  /// Adds a step with one result to `prepare`, once where equal ones are asked for, and gives the result's name (the
  /// step's own is a hint). A result without `type` is not kept.
  std::string prepare(Step step, const std::optional<Type>& type);

 private:
  /// The kernel with that body, which is written where there is none yet.
  std::string kernel(std::string_view name, std::initializer_list<std::string_view> headers,
                     const std::string& arguments, const std::string& body, const std::string& threads);

  std::vector<Step>& steps_;
  Prepared& prepared_;
};

/// One template: a file beside this one, and its row in the table.
struct Template {
  std::string_view name;
  std::string_view target;
  std::string_view what;  ///< for docs/compiler-tables.md
  RuleClass kind;         ///< of its results against the operator's
  bool (*apply)(const OpStep& step,
                TemplateUse& use);  ///< writes steps that make all of step.out but "", or returns false
};
std::span<const Template> templates();

bool use_attention(const OpStep& step, TemplateUse& use);
bool use_batched_product(const OpStep& step, TemplateUse& use);
bool use_depthwise(const OpStep& step, TemplateUse& use);
bool use_pooling(const OpStep& step, TemplateUse& use);
bool use_recurrent(const OpStep& step, TemplateUse& use);
bool use_scan(const OpStep& step, TemplateUse& use);
bool use_depthwise_blocks(const OpStep& step, TemplateUse& use);
bool use_few_columns(const OpStep& step, TemplateUse& use);
bool use_pooling_blocks(const OpStep& step, TemplateUse& use);
bool use_scan_blocks(const OpStep& step, TemplateUse& use);
bool use_depthwise_groups(const OpStep& step, TemplateUse& use);
bool use_pooling_groups(const OpStep& step, TemplateUse& use);
bool use_product_groups(const OpStep& step, TemplateUse& use);
bool use_scan_groups(const OpStep& step, TemplateUse& use);

/// Puts kernels written from templates in the place of ATen steps. Stands before `library` (which takes what is left of
/// products and convolutions) and `fuse`.
Result<Plan> use_templates(Plan plan, Context& context);

}  // namespace burnish::compiler

namespace burnish {
// The kernels' texts, embedded by the build.
std::string_view template_blocks();
std::string_view template_attention();
std::string_view template_batched_product();
std::string_view template_depthwise();
std::string_view template_pooling();
std::string_view template_recurrent();
std::string_view template_scan();
std::string_view cuda_depthwise();
std::string_view cuda_few_columns();
std::string_view cuda_pooling();
std::string_view cuda_scan();
std::string_view metal_depthwise();
std::string_view metal_pooling();
std::string_view metal_product();
std::string_view metal_scan();
}  // namespace burnish
