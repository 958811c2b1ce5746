#pragma once
#include <string>

namespace burnish {

/// A short readable name for a run: "brisk-otter-47". Drawn at random; the store draws again where it is taken.
std::string draw_run_name();

}  // namespace burnish
