#include "targets/metal/lint.h"

#include <algorithm>
#include <charconv>
#include <functional>
#include <unordered_map>
#include <unordered_set>

namespace burnish::metal {
namespace {

struct Definition {
  std::string name;
  Complaint place;
  std::vector<std::string_view> calls;
  bool has_body = false, users = true;
};

int number(std::string_view text) {
  int n = 0;
  std::from_chars(text.data(), text.data() + text.size(), n);
  return n;
}

/// Follows the places of a dump: clang writes only what differs from the place before.
class Places {
 public:
  /// Reads the places of one line, in order; afterwards `line` and `column` are the last one's.
  void read(std::string_view text) {
    const auto open = text.find('<');
    if (open == std::string_view::npos) return;
    const auto close = text.find('>', open);
    if (close == std::string_view::npos) return;
    for (std::size_t at = open + 1; at < close;) {
      const auto end = std::min(text.find_first_of(",>", at), close);
      take(text.substr(at, end - at));
      at = end + 2;
    }
    const auto rest = text.substr(std::min(close + 2, text.size()));
    take(rest.substr(0, rest.find(' ')));
  }
  int line = 0, column = 0;
  bool users = true;  ///< in the user's source, not in the library

 private:
  void take(std::string_view place) {
    if (const auto angle = place.find("<"); angle != std::string_view::npos) return;
    const auto last = place.rfind(':');
    if (last == std::string_view::npos || last + 1 >= place.size() || place[last + 1] < '0' || place[last + 1] > '9')
      return;
    const auto before = place.substr(0, last);
    if (before != "col" && !before.ends_with(" col")) {
      const auto second = before.rfind(':');
      if (second == std::string_view::npos) return;
      line = number(before.substr(second + 1));
      if (const auto file = before.substr(0, second); file != "line") users = file == "program_source";
    }
    column = number(place.substr(last + 1));
  }
};

std::string_view word_after(std::string_view text, std::string_view key) {
  const auto at = text.find(key);
  if (at == std::string_view::npos) return {};
  const auto rest = text.substr(at + key.size());
  return rest.substr(0, rest.find_first_of(" '\n"));
}

/// The declared name and type of a line "... name 'type'...".
std::pair<std::string_view, std::string_view> name_and_type(std::string_view line) {
  const auto quote = line.find(" '");
  if (quote == std::string_view::npos) return {};
  const auto end = line.find('\'', quote + 2);
  const auto before = line.substr(0, quote);
  const auto space = before.rfind(' ');
  return {before.substr(space + 1), line.substr(quote + 2, end - quote - 2)};
}

bool cycle_from(std::string_view start, const std::unordered_map<std::string_view, Definition>& functions) {
  std::unordered_set<std::string_view> seen;
  const std::function<bool(std::string_view)> visit = [&](std::string_view at) {
    const auto it = functions.find(at);
    if (it == functions.end()) return false;
    for (const auto next : it->second.calls) {
      if (next == start) return true;
      if (seen.insert(next).second && visit(next)) return true;
    }
    return false;
  };
  return visit(start);
}

}  // namespace

std::vector<Complaint> lint(std::string_view dump) {
  std::vector<Complaint> complaints;
  std::unordered_map<std::string_view, Definition> functions;
  std::unordered_map<std::string_view, std::string_view> canonical;  // redeclarations
  std::vector<std::pair<std::size_t, std::string_view>> inside;      // {depth, address} of enclosing functions
  std::vector<std::string_view> order;
  Places places;
  const auto resolve = [&](std::string_view address) {
    while (true) {
      const auto it = canonical.find(address);
      if (it == canonical.end()) return address;
      address = it->second;
    }
  };
  while (!dump.empty()) {
    const auto newline = std::min(dump.find('\n'), dump.size());
    const std::string_view line = dump.substr(0, newline);
    dump.remove_prefix(std::min(newline + 1, dump.size()));
    const auto depth = line.find_first_not_of("|`- ");
    if (depth == std::string_view::npos) continue;
    const auto text = line.substr(depth);
    places.read(text);
    const bool users = places.users;
    while (!inside.empty() && inside.back().first >= depth) inside.pop_back();
    const auto kind = text.substr(0, text.find(' '));
    const auto address = word_after(text, "Decl ");
    const bool is_function = kind == "FunctionDecl" || kind == "CXXMethodDecl" || kind == "CXXConstructorDecl";
    if (is_function) {
      if (const auto previous = word_after(text, " prev "); !previous.empty()) canonical[address] = previous;
      const auto self = resolve(address);
      auto [it, fresh] = functions.try_emplace(self);
      const auto [name, type] = name_and_type(text);
      if (fresh) order.push_back(self);
      if (fresh || !it->second.has_body) {  // of several declarations, the last one's place: that is the definition's
        it->second.name = name;
        it->second.users = users;
        it->second.place = {places.line, places.column, {}};
      }
      inside.emplace_back(depth, self);
      if (users && kind != "CXXConstructorDecl" && !name.starts_with("mtl_") && !name.starts_with("operator") &&
          text.find(" implicit ") == std::string_view::npos &&
          type.substr(0, type.find('(')).find("__generic") != std::string_view::npos)
        complaints.push_back({places.line, places.column,
                              "pointer or reference type of the result must have an explicit address space qualifier"});
    } else if (kind == "ParmVarDecl" || kind == "VarDecl" || kind == "FieldDecl") {
      const auto [name, type] = name_and_type(text);
      if (users && type.find("__generic") != std::string_view::npos && !name.starts_with("__") &&
          !name.starts_with("mtl_") && !name.starts_with("col:") && !name.starts_with("line:") && name != "used" &&
          name.find(':') == std::string_view::npos)
        complaints.push_back({places.line, places.column,
                              "'" + std::string(name) +
                                  "': " + (type.find('&') != std::string_view::npos ? "reference" : "pointer") +
                                  " type must have explicit address space qualifier"});
    } else if (!inside.empty()) {
      auto& function = functions[inside.back().second];
      if (kind == "CompoundStmt") function.has_body = true;
      for (const std::string_view key : {" Function 0x", " CXXMethod 0x"})
        if (const auto target = word_after(text, key); kind == "DeclRefExpr" && !target.empty())
          function.calls.push_back(resolve(text.substr(text.find(key) + key.size() - 2, target.size() + 2)));
      if (kind == "MemberExpr")
        if (const auto at = text.rfind(" 0x");
            at != std::string_view::npos && text.find("bound member function") != std::string_view::npos)
          function.calls.push_back(resolve(text.substr(at + 1, text.find(' ', at + 1) - at - 1)));
    }
  }
  for (const auto self : order) {
    const auto& f = functions.at(self);
    if (f.has_body && f.users && cycle_from(self, functions))
      complaints.push_back(
          {f.place.line, f.place.column, "'" + f.name + "' calls itself: recursive functions are not supported"});
  }
  std::ranges::stable_sort(complaints, {}, &Complaint::line);
  return complaints;
}

}  // namespace burnish::metal
