#pragma once
#include "base/error.h"
#include "base/process.h"

namespace burnish {

/// Takes bytes [begin, begin + bytes) of a file in memory from the system now: where there are none, this is an error
/// of the reason `environment`, and not a SIGBUS of whoever first writes there.
Status reserve(const Fd& file, std::uint64_t begin, std::uint64_t bytes);

}  // namespace burnish
