#include "runtime/literals.h"

#include <c10/core/Layout.h>
#include <c10/core/MemoryFormat.h>
#include <c10/core/ScalarType.h>

#include <array>
#include <charconv>
#include <limits>
#include <utility>

namespace burnish {
namespace {

constexpr std::pair<std::string_view, c10::ScalarType> dtypes[] = {
    {"float16", c10::kHalf},
    {"bfloat16", c10::kBFloat16},
    {"float32", c10::kFloat},
    {"float64", c10::kDouble},
    {"uint8", c10::kByte},
    {"int8", c10::kChar},
    {"int16", c10::kShort},
    {"int32", c10::kInt},
    {"int64", c10::kLong},
    {"bool", c10::kBool},
    {"complex64", c10::kComplexFloat},
    {"complex128", c10::kComplexDouble},
};
constexpr std::pair<std::string_view, c10::MemoryFormat> memory_formats[] = {
    {"contiguous", c10::MemoryFormat::Contiguous},      {"contiguous_format", c10::MemoryFormat::Contiguous},
    {"preserve", c10::MemoryFormat::Preserve},          {"preserve_format", c10::MemoryFormat::Preserve},
    {"channels_last", c10::MemoryFormat::ChannelsLast}, {"channels_last_3d", c10::MemoryFormat::ChannelsLast3d},
};
constexpr std::pair<std::string_view, c10::Layout> layouts[] = {{"strided", c10::kStrided}};

template <class Row, std::size_t n>
auto find(const Row (&rows)[n], std::string_view text) -> std::optional<decltype(Row::second)> {
  if (text.starts_with("torch.")) text.remove_prefix(6);
  for (const auto& [name, value] : rows)
    if (name == text) return value;
  return std::nullopt;
}

template <class Value>
Result<c10::IValue> number_of(const std::optional<Value>& value, const Arg::Literal& literal) {
  if (!value)
    return fail("there is no " + literal.kind + " \"" + literal.text + "\"", {}, "see the literals in docs/plan.md",
                "plan");
  return c10::IValue(static_cast<std::int64_t>(*value));
}

}  // namespace

c10::ScalarType scalar_type(DType dtype) {
  constexpr std::array types = {c10::kHalf, c10::kBFloat16, c10::kFloat,        c10::kDouble,
                                c10::kByte, c10::kChar,     c10::kShort,        c10::kInt,
                                c10::kLong, c10::kBool,     c10::kComplexFloat, c10::kComplexDouble};
  return types[static_cast<std::size_t>(dtype)];
}

Result<double> decimal_value(const std::string& text) {
  constexpr double infinity = std::numeric_limits<double>::infinity();
  if (text == "inf" || text == "+inf" || text == "infinity") return infinity;
  if (text == "-inf" || text == "-infinity") return -infinity;
  if (text == "nan") return std::numeric_limits<double>::quiet_NaN();
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size())
    return fail("\"" + text + "\" is no decimal", {}, "write inf, -inf, nan or a decimal", "plan");
  return value;
}

Result<c10::IValue> literal_value(const Arg::Literal& literal, const c10::Type& wanted) {
  using TypeKind = c10::TypeKind;
  const auto kind = wanted.kind();
  if (literal.kind == "dtype" && kind == TypeKind::ScalarTypeType)
    return number_of(find(dtypes, literal.text), literal);
  if (literal.kind == "memory_format" && kind == TypeKind::MemoryFormatType)
    return number_of(find(memory_formats, literal.text), literal);
  if (literal.kind == "layout" && kind == TypeKind::LayoutType) return number_of(find(layouts, literal.text), literal);
  if (literal.kind == "str" && kind == TypeKind::StringType) return c10::IValue(literal.text);
  if (literal.kind == "device" && kind == TypeKind::DeviceObjType) {
    try {
      return c10::IValue(c10::Device(literal.text));
    } catch (const std::exception&) {
      return fail("there is no device \"" + literal.text + "\"", {}, "write cpu or cuda", "plan");
    }
  }
  if (literal.kind == "float" && (kind == TypeKind::FloatType || kind == TypeKind::NumberType)) {
    TRY(value, decimal_value(literal.text));
    return kind == TypeKind::NumberType ? c10::IValue(c10::Scalar(value)) : c10::IValue(value);
  }
  return fail(
      "the literal {\"" + literal.kind + "\": \"" + literal.text + "\"} is given where " + wanted.str() + " is wanted",
      {}, {}, "plan");
}

}  // namespace burnish
