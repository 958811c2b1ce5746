#include "compiler/size.h"

#include <array>

namespace burnish::compiler {

Size operator*(const Size& a, const Size& b) {
  if (a.is_static() && b.is_static()) return a.value() * b.value();
  if (a.is(1)) return b;
  if (b.is(1)) return a;
  if (a.is(0) || b.is(0)) return 0;
  return Size::symbolic("(" + a.text() + ") * (" + b.text() + ")");
}

Size operator+(const Size& a, const Size& b) {
  if (a.is_static() && b.is_static()) return a.value() + b.value();
  if (a.is(0)) return b;
  if (b.is(0)) return a;
  return Size::symbolic("(" + a.text() + ") + (" + b.text() + ")");
}

Expr to_expr(const Size& size) {
  if (size.is_static()) return size.value();
  auto parsed = Expr::parse(size.text());
  return parsed ? *parsed : Expr(-1);
}

bool Type::is_static() const {
  for (const Size& s : shape)
    if (!s.is_static()) return false;
  return true;
}

std::int64_t Type::numel() const {
  std::int64_t n = 1;
  for (const Size& s : shape) {
    if (!s.is_static()) return -1;
    n *= s.value();
  }
  return n;
}

bool Type::is_contiguous() const {
  if (strides.size() != shape.size()) return false;
  Size expected = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    if (shape[i].is(1)) continue;
    if (!(strides[i] == expected)) return false;
    expected = expected * shape[i];
  }
  return true;
}

std::vector<Size> contiguous_strides(const std::vector<Size>& shape) {
  std::vector<Size> strides(shape.size());
  Size run = 1;
  for (std::size_t i = shape.size(); i-- > 0;) {
    strides[i] = run;
    run = run * shape[i];
  }
  return strides;
}

std::vector<Size> strides_of(Strides::Kind kind, const std::vector<Size>& shape) {
  if (kind != Strides::Kind::channels_last || shape.size() != 4) return contiguous_strides(shape);
  return {shape[1] * shape[2] * shape[3], Size(1), shape[3] * shape[1], shape[1]};
}

namespace {
struct Named {
  DType dtype;
  std::string_view name;
};
constexpr std::array<Named, 12> names{{{DType::float16, "float16"},
                                       {DType::bfloat16, "bfloat16"},
                                       {DType::float32, "float32"},
                                       {DType::float64, "float64"},
                                       {DType::uint8, "uint8"},
                                       {DType::int8, "int8"},
                                       {DType::int16, "int16"},
                                       {DType::int32, "int32"},
                                       {DType::int64, "int64"},
                                       {DType::bool_, "bool"},
                                       {DType::complex64, "complex64"},
                                       {DType::complex128, "complex128"}}};
}  // namespace

std::string_view dtype_name(DType dtype) {
  for (const auto& n : names)
    if (n.dtype == dtype) return n.name;
  return "float32";
}

std::optional<DType> dtype_named(std::string_view name) {
  for (const auto& n : names)
    if (n.name == name) return n.dtype;
  return std::nullopt;
}

bool is_half(DType d) {
  return d == DType::float16 || d == DType::bfloat16;
}

DType register_type(DType d) {
  return is_half(d) ? DType::float32 : d;
}

bool is_floating(DType d) {
  return d == DType::float16 || d == DType::bfloat16 || d == DType::float32 || d == DType::float64;
}

}  // namespace burnish::compiler
