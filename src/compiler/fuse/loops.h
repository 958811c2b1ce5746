#pragma once
#include "compiler/fuse/kernel_text.h"

namespace burnish::compiler {

/// The form of CPU kernels: a loop over this call's part of the range, loops inside, vectors along the innermost.
class Loops : KernelText {
 public:
  Loops(const Schedule& schedule, std::string name, const Language& language)
      : KernelText(schedule, std::move(name), language) {}
  std::optional<Emitted> run();

 private:
  // loops.cpp
  std::string loop(int axis, const std::string& begin, const std::string& end) const;
  /// The loops of one stage: nodes stand at the outermost loop where all that they differ over is known.
  /// `inner` is the text at the innermost point, `head` opens the innermost loop.
  std::string nest(const std::vector<int>& nodes, const std::vector<int>& loops, const std::string& head,
                   const std::string& inner, const std::string& after_innermost = {}) const;
  std::string simd(const std::string& head) const;
  std::string pointwise();
  Size range() const;
  /// Pieces of at least about 15 us: below that waking a thread costs more than it brings.
  Size grain() const;

  // loops_reduce.cpp: the order of stages, and what stands between them
  std::string reducing();
  std::string one_stage(int stage, const std::vector<int>& roots, std::set<int>& there);
  /// Declares what does not differ along the reduced axes: scalars, or arrays over a block's columns.
  std::string outer_nodes(const std::vector<int>& roots, std::set<int>& there);
  std::string outer_stores() const;
  std::string column_loop() const;
  /// Where a node that is dear to compute is kept between stages: the text of its element, or nothing.
  std::string cache_place(int n);

  // loops_stages.cpp: one stage over rows, or over blocks of columns
  std::string row_stage(const std::vector<int>& reductions, const std::vector<int>& nodes, const std::string& reads,
                        const std::string& body);
  std::string column_stage(const std::vector<int>& reductions, const std::vector<int>& nodes, const std::string& reads,
                           const std::string& body);
  std::string accumulate(int r, const std::string& slot) const;
  static std::string fold_of(const Node& n);

  std::string declarations_;
};

}  // namespace burnish::compiler
