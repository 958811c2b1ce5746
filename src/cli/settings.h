#pragma once
#include <span>
#include <string>

namespace burnish {

/// One setting from the environment. None of them may be set by a problem's file: they are read before it is opened.
struct Setting {
  const char* name;
  const char* variable;
  const char* standard;  ///< used where the variable is not set; empty: found out, as `help` says
  const char* help;
};

std::span<const Setting> settings();

/// The variable's value, else the standard one. `name` must be in the table.
std::string setting(const std::string& name);

/// The same as a number; the standard one where the variable holds none.
double number_setting(const std::string& name);

/// The table as text, for --help.
std::string settings_help();

}  // namespace burnish
