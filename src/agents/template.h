#pragma once
#include <kainjow/mustache.hpp>
#include <string>
#include <string_view>

namespace burnish {

/// A template of prompts/ filled in, without HTML escapes: what is filled in is source code.
inline std::string render(std::string_view text, const kainjow::mustache::data& values) {
  kainjow::mustache::mustache tmpl{std::string(text)};
  tmpl.set_custom_escape([](const std::string& s) { return s; });
  return tmpl.render(values);
}

}  // namespace burnish
