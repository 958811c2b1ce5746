#pragma once
#include "store/sqlite.h"

namespace burnish {

/// Raised with every change of the schema, and with 4 for compressed artifacts, which older programs do not find; a
/// store of a newer version is left alone.
inline constexpr int store_version = 4;

/// Makes the tables where they are not there; refuses a store of a newer version.
Status prepare_schema(Database& database);

}  // namespace burnish
