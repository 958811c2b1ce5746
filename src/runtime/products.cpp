#include "runtime/products.h"

#include <algorithm>
#include <array>
#include <string_view>

namespace burnish {
namespace {

/// Which tensor of the arguments says how many terms there are: its last size, or all but its first (a convolution's
/// weight, of one output channel).
struct Row {
  std::string_view op;
  std::size_t tensor;
  bool convolution = false;
};
constexpr std::array<Row, 12> rows = {{{"mm", 0},
                                       {"bmm", 0},
                                       {"matmul", 0},
                                       {"linear", 0},
                                       {"addmm", 1},
                                       {"baddbmm", 1},
                                       {"mv", 0},
                                       {"addmv", 1},
                                       {"convolution", 1, true},
                                       {"conv1d", 1, true},
                                       {"conv2d", 1, true},
                                       {"conv3d", 1, true}}};

}  // namespace

double terms_of_product(const OpInstruction& op, const Frame& frame) {
  std::string_view name = op.op.operator_name().name;
  if (!name.starts_with("aten::")) return 0;
  name.remove_prefix(6);
  const auto* row = std::ranges::find(rows, name, &Row::op);
  if (row == rows.end() || row->tensor >= op.stack.size()) return 0;
  const StackItem& item = op.stack[row->tensor];
  if (item.kind != StackItem::Kind::tensor || item.operands.empty() || item.operands[0].is_none()) return 0;
  const at::Tensor& tensor = frame.at(item.operands[0]);
  if (!tensor.defined() || tensor.dim() == 0 || tensor.numel() == 0) return 0;
  if (row->convolution) return static_cast<double>(tensor.numel() / tensor.size(0));
  return static_cast<double>(tensor.size(-1));
}

}  // namespace burnish
