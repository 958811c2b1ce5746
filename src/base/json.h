#pragma once
#include <nlohmann/json.hpp>

namespace burnish {
/// Object keys keep the order in which they were written: plans and reports read as their authors wrote them.
using json = nlohmann::ordered_json;
}  // namespace burnish
