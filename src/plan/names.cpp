#include "plan/names.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

namespace burnish {
namespace {

struct Type {
  DType dtype;
  std::string_view name;
  int bytes;
};
// In the order of the enum, so that a type is its own index.
constexpr std::array<Type, 12> types = {{{DType::float16, "float16", 2},
                                         {DType::bfloat16, "bfloat16", 2},
                                         {DType::float32, "float32", 4},
                                         {DType::float64, "float64", 8},
                                         {DType::uint8, "uint8", 1},
                                         {DType::int8, "int8", 1},
                                         {DType::int16, "int16", 2},
                                         {DType::int32, "int32", 4},
                                         {DType::int64, "int64", 8},
                                         {DType::bool_, "bool", 1},
                                         {DType::complex64, "complex64", 8},
                                         {DType::complex128, "complex128", 16}}};
static_assert([] {
  for (std::size_t i = 0; i < types.size(); ++i)
    if (types[i].dtype != static_cast<DType>(i)) return false;
  return true;
}());

constexpr std::array<std::string_view, 5> layouts = {"contiguous", "channels_last", "channels_last_3d", "any",
                                                     "explicit"};

const Type& type_of(DType dtype) {
  return types.at(static_cast<std::size_t>(dtype));
}

template <class... F>
struct Overloaded : F... {
  using F::operator()...;
};

}  // namespace

std::string_view dtype_name(DType dtype) {
  return type_of(dtype).name;
}

std::optional<DType> dtype_from(std::string_view name) {
  const auto found = std::ranges::find(types, name, &Type::name);
  if (found == types.end()) return std::nullopt;
  return found->dtype;
}

int dtype_bytes(DType dtype) {
  return type_of(dtype).bytes;
}

std::string_view strides_name(Strides::Kind kind) {
  return layouts.at(static_cast<std::size_t>(kind));
}

std::optional<Strides::Kind> strides_from(std::string_view name) {
  const auto found = std::ranges::find(layouts, name);
  if (found == layouts.end() || *found == "explicit") return std::nullopt;
  return static_cast<Strides::Kind>(found - layouts.begin());
}

bool is_name(std::string_view text) {
  const auto letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_'; };
  if (text.empty() || text.size() > 255 || !letter(text[0])) return false;
  return std::ranges::all_of(text, [&](char c) { return letter(c) || (c >= '0' && c <= '9') || c == '.'; });
}

std::string shorten(std::string_view text, std::size_t most) {
  if (text.size() <= most) return std::string(text);
  std::size_t end = most - std::min<std::size_t>(most, 3);
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;  // a UTF-8 character stays whole
  return std::string(text.substr(0, end)) + "...";
}

std::string describe_step(const Step& step) {
  return std::visit(
      Overloaded{[](const OpStep& s) { return "op " + s.op; }, [](const LaunchStep& s) { return "launch " + s.kernel; },
                 [](const AllocateStep& s) { return (s.zero ? "zero " : "empty ") + s.out; },
                 [](const LayoutStep& s) { return "layout " + s.out; },
                 [](const CallStep& s) { return "call " + s.function; },
                 [](const ChoiceStep& s) { return "if " + s.flag; }},
      step);
}

std::string describe_step(std::string_view list, std::size_t index, const Step& step) {
  return fmt::format("{}[{}] {}", list, index, describe_step(step));
}

}  // namespace burnish
