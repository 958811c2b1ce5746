#pragma once
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace burnish {
/// Object keys keep the order in which they were written: plans and reports read as their authors wrote them.
using json = nlohmann::ordered_json;
}  // namespace burnish

// Instantiated once, in json.cpp: in every source that touches JSON the compiler spent two fifths of its time on them.
extern template class nlohmann::basic_json<nlohmann::ordered_map>;
extern template class std::vector<burnish::json>;

namespace nlohmann::detail {
extern template class serializer<burnish::json>;
extern template class json_sax_dom_parser<burnish::json>;
extern template class json_sax_dom_callback_parser<burnish::json>;
extern template class lexer<burnish::json, iterator_input_adapter<std::string::const_iterator>>;
extern template class parser<burnish::json, iterator_input_adapter<std::string::const_iterator>>;
}  // namespace nlohmann::detail
