#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "plan/plan.h"

/// Sizes, types and views of a plan's tensors, as the compiler sees them.
namespace burnish::compiler {

/// A dimension: a number, or the text of an expression over the plan's symbols. Products fold where both are numbers.
class Size {
 public:
  Size(std::int64_t value = 1) : value_(value), text_(std::to_string(value)) {}  // NOLINT: a number is a size
  static Size symbolic(std::string text) {
    Size s;
    s.value_ = -1;
    s.text_ = std::move(text);
    return s;
  }
  static Size of(const Expr& e) { return e.constant() ? Size(*e.constant()) : symbolic(e.text()); }

  bool is_static() const { return value_ >= 0; }
  std::int64_t value() const { return value_; }      ///< -1 where symbolic
  const std::string& text() const { return text_; }  ///< reads as an expression of the plan and of C++
  bool is(std::int64_t n) const { return value_ == n; }
  friend bool operator==(const Size& a, const Size& b) { return a.text_ == b.text_; }

 private:
  std::int64_t value_;
  std::string text_;
};

Size operator*(const Size& a, const Size& b);
Size operator+(const Size& a, const Size& b);
/// The plan's expression of a size (symbolic texts come from parsed expressions, so this cannot fail on them).
Expr to_expr(const Size& size);

struct Type {
  DType dtype = DType::float32;
  std::vector<Size> shape;
  std::vector<Size> strides;  ///< empty where unknown; then only `layout` says how the tensor lies

  std::size_t rank() const { return shape.size(); }
  bool is_static() const;
  std::int64_t numel() const;  ///< -1 where a size is symbolic
  bool is_contiguous() const;  ///< by strides; false where they are unknown
};

std::vector<Size> contiguous_strides(const std::vector<Size>& shape);
/// Strides of a kind of layout; contiguous ones where the rank does not fit it.
std::vector<Size> strides_of(Strides::Kind kind, const std::vector<Size>& shape);
/// float32, int64, ... as plans and the exporter write them.
std::string_view dtype_name(DType dtype);
std::optional<DType> dtype_named(std::string_view name);
bool is_floating(DType dtype);
bool is_half(DType dtype);  ///< of 16 bits
/// What a kernel computes with for elements of a type: halves become float32.
DType register_type(DType dtype);

}  // namespace burnish::compiler
