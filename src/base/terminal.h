#pragma once
#include <string>
#include <string_view>

namespace burnish {

/// Whether the descriptor is a terminal on which colour may be used (NO_COLOR and TERM=dumb forbid it).
bool is_terminal(int fd);
bool has_colour(int fd);

/// Columns of the terminal on stderr, 80 where it is none.
int terminal_width();

enum class Colour { none, red, green, yellow, blue, grey, bold };

/// The text in that colour, or as it is.
std::string paint(std::string_view text, Colour colour, bool enabled);

/// Columns that UTF-8 text takes, escape sequences not counted (each code point counts one).
int width_of(std::string_view text);

/// "1.2 s", "340 ms", "12 us".
std::string seconds_text(double seconds);

/// "1.5 MB".
std::string bytes_text(double bytes);

}  // namespace burnish
