#include "agents/answer_plan.h"

#include <algorithm>
#include <array>

#include "agents/file_names.h"
#include "agents/loose_json.h"

namespace burnish {
namespace {

constexpr int deepest_walk = 12, most_tries = 200, most_endless = 4;  // objects looked at; those without an end

bool is_plan(const json& value) {
  return value.is_object() && (value.contains("burnish_plan") || (value.contains("steps") && value.contains("result")));
}

bool is_whole(const json& plan) {
  return plan.contains("steps") && plan["steps"].is_array() && plan.contains("result");
}

/// A string, or a list of lines.
std::string text_in(const json& value) {
  if (value.is_string()) return value.get<std::string>();
  std::string text;
  if (value.is_array() && !value.empty() && std::ranges::all_of(value, [](const json& v) { return v.is_string(); }))
    for (const json& line : value) text += line.get<std::string>() + "\n";
  return text;
}

std::string first_text(const json& object, std::initializer_list<const char*> keys) {
  for (const char* key : keys)
    if (const auto found = object.find(key); found != object.end())
      if (auto text = text_in(*found); !text.empty()) return text;
  return {};
}

/// Looks for plans and files in JSON of any shape: {"plan": ..., "files": {...}}, lists of {"path", "content"}, calls
/// of tools.
class Walk {
 public:
  Walk(JsonContents& out, std::size_t line) : out_(out), line_(line) {}

  void value(const json& v, int depth) {
    if (depth > deepest_walk) return;
    if (is_plan(v)) {
      out_.plans.push_back({v.dump(1, ' ', false, json::error_handler_t::replace), line_, is_whole(v)});
    } else if (v.is_object()) {
      object(v, depth);
    } else if (v.is_array()) {
      for (const json& item : v) value(item, depth + 1);
    } else if (v.is_string() && names_plan(v.get_ref<const std::string&>())) {
      out_.texts.push_back(v.get<std::string>());
    }
  }

 private:
  void object(const json& v, int depth) {
    const std::string name = first_text(v, {"name", "path", "filename", "file_name", "file", "file_path", "title"});
    const std::string text = first_text(v, {"content", "contents", "text", "code", "source", "file_text"});
    if (!text.empty() && !file_names_in(name).empty()) return file(name, text);
    for (const auto& [key, item] : v.items()) {
      if (const auto body = text_in(item); !body.empty() && !file_names_in(key).empty())
        file(key, body);
      else
        value(item, depth + 1);
    }
  }

  void file(const std::string& name, const std::string& text) {
    if (names_plan(text)) return out_.texts.push_back(text);
    std::string last = file_names_in(name).front();
    last = last.substr(last.find_last_of("/\\") + 1);
    out_.files.push_back({{last}, text, "", line_, true, true});
  }

  JsonContents& out_;
  std::size_t line_;
};

/// Takes what parses; says whether it did.
Status take(std::string_view text, std::size_t line, JsonContents& out) {
  TRY(readable, readable_json(text, line));
  const json value = json::parse(readable, nullptr, false);
  if (is_plan(value)) {
    out.plans.push_back({readable, line, is_whole(value)});  // as it was written, keys that stand twice included
  } else {
    Walk(out, line).value(value, 0);
  }
  return {};
}

std::size_t line_of(std::string_view text, std::size_t at, std::size_t first) {
  return first + static_cast<std::size_t>(std::ranges::count(text.substr(0, at), '\n'));
}

bool looks_like_code(const std::string& text) {
  return text.find('\n') != std::string::npos || is_kernel_source(text);
}

void mend_kernel(const std::string& name, json& kernel, std::vector<std::string>& remarks) {
  for (const char* key : {"source", "code", "content", "src"}) {
    const auto found = kernel.find(key);
    if (found == kernel.end() || !found->is_string() || !looks_like_code(found->get_ref<const std::string&>()))
      continue;
    json text = std::move(*found);
    kernel.erase(key);
    if (std::string_view(key) != "source") kernel.erase("source");
    kernel["text"] = std::move(text);
    remarks.push_back("kernel '" + name + "' has its source in \"" + key + "\"; it was read as \"text\"");
    return;
  }
  if (!kernel.contains("source") || !kernel["source"].is_string()) return;
  const auto source = kernel["source"].get<std::string>();
  const auto cut = source.rfind('/');
  const bool leads_out = source.starts_with('/') || source.find("..") != std::string::npos;
  if (cut == std::string::npos || leads_out || !is_plain_source_name(source.substr(cut + 1))) return;
  kernel["source"] = source.substr(cut + 1);
  remarks.push_back("file names have no folders: \"" + source + "\" was taken as \"" + source.substr(cut + 1) + "\"");
}

}  // namespace

bool names_plan(std::string_view text) {
  return text.find("burnish_plan") != npos;
}

JsonContents read_json(std::string_view text, std::size_t line) {
  JsonContents out;
  if (const auto first = text.find_first_not_of(" \t\n"); first != npos && (text[first] == '{' || text[first] == '['))
    if (take(text, line, out)) return out;
  int tries = 0, endless = 0;
  std::size_t rest = 0;
  for (std::size_t at = text.find('{'); at != npos && tries < most_tries && endless < most_endless; ++tries) {
    const auto end = end_of_value(text, at);
    endless += end == npos;
    const std::string_view object = text.substr(at, end == npos ? npos : end - at);
    const bool plan = names_plan(object) || (tries == 0 && object.find("\"steps\"") != npos);
    const auto key = object.find_first_not_of(" \t\n", 1);  // others may hold a plan's files
    if (plan || (end != npos && key != npos && (object[key] == '"' || object[key] == '\''))) {
      auto ok = take(object, line_of(text, at, line), out);
      if (!ok && plan) out.errors.push_back(ok.error());
      if (end == npos && out.plans.empty()) break;
      rest = end == npos ? text.size() : end;
    }
    at = text.find('{', end == npos ? at + 1 : end);
  }
  out.rest = rest > 0 ? text.substr(rest) : std::string_view();
  return out;
}

std::map<std::string, std::string> sources_of(const json& plan) {
  std::map<std::string, std::string> sources;
  if (!plan.is_object() || !plan.contains("kernels") || !plan["kernels"].is_object()) return sources;
  const std::string target =
      plan.contains("target") && plan["target"].is_string() ? plan["target"].get<std::string>() : "cpu";
  for (const auto& [name, kernel] : plan["kernels"].items()) {
    if (!kernel.is_object() || kernel.contains("text")) continue;
    const bool named = kernel.contains("source") && kernel["source"].is_string();
    sources[name] = named ? kernel["source"].get<std::string>()
                          : name + (target == "cuda"              ? ".cu"
                                    : target.starts_with("metal") ? ".metal"
                                                                  : ".cpp");
  }
  return sources;
}

std::string mended(const std::string& plan_text, std::vector<std::string>& remarks) {
  json plan = json::parse(plan_text, nullptr, false);
  const auto before = remarks.size();
  if (!plan.is_object()) return plan_text;
  if (!plan.contains("burnish_plan")) {
    json versioned = {{"burnish_plan", 1}};
    versioned.update(plan);
    plan = std::move(versioned);
    remarks.emplace_back("the plan lacks \"burnish_plan\": 1");
  }
  if (plan.contains("kernels") && plan["kernels"].is_object())
    for (auto& [name, kernel] : plan["kernels"].items())
      if (kernel.is_object()) mend_kernel(name, kernel, remarks);
  return remarks.size() == before ? plan_text : plan.dump(1, ' ', false, json::error_handler_t::replace);
}

}  // namespace burnish
