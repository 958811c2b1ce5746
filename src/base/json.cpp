#include "base/json.h"

template class nlohmann::basic_json<nlohmann::ordered_map>;
template class std::vector<burnish::json>;

namespace nlohmann::detail {
template class serializer<burnish::json>;
template class json_sax_dom_parser<burnish::json>;
template class json_sax_dom_callback_parser<burnish::json>;
template class lexer<burnish::json, iterator_input_adapter<std::string::const_iterator>>;
template class parser<burnish::json, iterator_input_adapter<std::string::const_iterator>>;
}  // namespace nlohmann::detail
