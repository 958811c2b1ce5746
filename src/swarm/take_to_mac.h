#pragma once
#include <string>

namespace burnish {

/// The text of MAC.md in a folder whose plan was verified on the Metal emulator: how a Mac's user takes it.
std::string take_to_mac(const std::string& problem_file, const std::string& cls);

}  // namespace burnish
