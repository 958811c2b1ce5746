#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "plan/plan.h"

/// The words of a plan's JSON form: types, layouts and names, and how a step is called in messages.
namespace burnish {

/// "float32", "bool", ...
std::string_view dtype_name(DType dtype);
std::optional<DType> dtype_from(std::string_view name);
/// Bytes of one element.
int dtype_bytes(DType dtype);

/// "contiguous", "channels_last", "channels_last_3d", "any"; "explicit" where the strides are listed.
std::string_view strides_name(Strides::Kind kind);
/// The kind of a word that may stand for strides; none for "explicit", which is written as a list.
std::optional<Strides::Kind> strides_from(std::string_view name);

/// Names of tensors, symbols, kernels and functions: [A-Za-z_][A-Za-z0-9_.]*, at most 255 characters.
bool is_name(std::string_view text);

/// The text for a message: cut to `most` bytes between characters, with "..." where something is missing.
std::string shorten(std::string_view text, std::size_t most = 60);

/// "op aten::mm", "launch bias_gelu", "empty y", "layout b", "call block", "if fast".
std::string describe_step(const Step& step);
/// "steps[3] launch bias_gelu": what messages say of the step `index` of the list `list`.
std::string describe_step(std::string_view list, std::size_t index, const Step& step);

}  // namespace burnish
