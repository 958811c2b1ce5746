#include "plan/fields.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "plan/names.h"

namespace burnish::fields {
namespace {

std::unexpected<Error> wanted(std::string_view what, const json& got, std::string todo = {}) {
  return fail(fmt::format("{} is wanted, here is {}", what, describe(got)), {}, std::move(todo));
}

}  // namespace

std::string describe(const json& value) {
  switch (value.type()) {
    case json::value_t::object:
      return "an object";
    case json::value_t::array:
      return "a list";
    case json::value_t::string:
      return "the string '" + shorten(value.get_ref<const std::string&>()) + "'";
    default:
      return value.dump();
  }
}

Status only(const json& object, std::initializer_list<std::string_view> known) {
  if (!object.is_object()) return wanted("an object", object);
  for (const auto& [key, value] : object.items()) {
    if (std::ranges::find(known, std::string_view(key)) != known.end()) continue;
    return fail(fmt::format("'{}' is no key here", shorten(key)), {},
                fmt::format("the keys are {}", fmt::join(known, ", ")));
  }
  return {};
}

const json* find(const json& object, std::string_view key) {
  const auto found = object.find(key);
  return found == object.end() ? nullptr : &*found;
}

Result<std::string> string(const json& value) {
  if (!value.is_string()) return wanted("a string", value);
  return value.get<std::string>();
}

Result<std::string> name(const json& value) {
  if (!value.is_string()) return wanted("a name", value);
  const auto& text = value.get_ref<const std::string&>();
  if (is_name(text)) return text;
  return fail(fmt::format("'{}' is no name", shorten(text)), {},
              "names are letters, digits, '_' and '.', and begin with a letter or '_'");
}

Result<bool> boolean(const json& value) {
  if (!value.is_boolean()) return wanted("true or false", value);
  return value.get<bool>();
}

Result<DType> dtype(const json& value) {
  if (!value.is_string()) return wanted("a dtype", value);
  const auto& text = value.get_ref<const std::string&>();
  if (const auto found = dtype_from(text)) return *found;
  return fail(fmt::format("'{}' is no dtype", shorten(text)), {},
              "the dtypes are float16, bfloat16, float32, float64, uint8, int8, int16, int32, int64, bool, complex64, "
              "complex128");
}

Result<Expr> expr(const json& value) {
  if (value.is_number_unsigned() &&
      value.get<std::uint64_t>() > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
    return fail(fmt::format("{} does not fit in 64 bits", value.dump()));
  if (value.is_number_integer()) return Expr(value.get<std::int64_t>());
  if (value.is_string()) return Expr::parse(value.get_ref<const std::string&>());
  return wanted("an integer or an expression", value);
}

Result<std::vector<Expr>> exprs(const json& value) {
  if (!value.is_array()) return wanted("a list of integers and expressions", value);
  std::vector<Expr> out;
  for (std::size_t i = 0; i < value.size(); ++i) {
    auto item = expr(value[i]);
    if (!item) return inside(fmt::format("[{}]", i), std::move(item.error()));
    out.push_back(std::move(*item));
  }
  return out;
}

Result<Strides> strides(const json& value) {
  if (value.is_array()) {
    TRY(values, exprs(value));
    return Strides{Strides::Kind::explicit_, std::move(values)};
  }
  if (value.is_string())
    if (const auto kind = strides_from(value.get_ref<const std::string&>())) return Strides{*kind, {}};
  return wanted("a layout", value,
                "write contiguous, channels_last, channels_last_3d, any, or a list of element strides");
}

Result<std::vector<std::string>> names(const json& value, Blanks blanks) {
  const json single = json::array({value});
  if (!value.is_array() && !value.is_string()) return wanted("a list of names", value);
  const json& list = value.is_string() ? single : value;
  std::vector<std::string> out;
  for (std::size_t i = 0; i < list.size(); ++i) {
    if (blanks == Blanks::allow && list[i] == "") {
      out.emplace_back();
      continue;
    }
    auto item = name(list[i]);
    if (!item) return inside(fmt::format("[{}]", i), std::move(item.error()));
    out.push_back(std::move(*item));
  }
  return out;
}

}  // namespace burnish::fields
