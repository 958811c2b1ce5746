#pragma once
#include "store/sqlite.h"

namespace burnish {

/// Raised with every change of the schema; a store of a newer version is left alone.
inline constexpr int store_version = 3;

/// Makes the tables where they are not there; refuses a store of a newer version.
Status prepare_schema(Database& database);

}  // namespace burnish
