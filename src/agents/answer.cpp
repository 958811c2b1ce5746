#include "agents/answer.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "agents/fences.h"
#include "base/json.h"

namespace burnish {
namespace {

constexpr std::array<std::string_view, 6> source_suffixes = {".cpp", ".cc", ".cxx", ".cu", ".metal", ".h"};

bool is_source(std::string_view name) {
  return std::ranges::any_of(source_suffixes, [&](auto s) { return name.size() > s.size() && name.ends_with(s); });
}

bool is_file_name(std::string_view word) {
  return is_source(word) || word.ends_with(".json") || word.ends_with(".py");
}

bool belongs_to_path(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || std::string_view("_.-/\\").find(c) != std::string_view::npos;
}

/// The first word that looks like a file name in a line of prose, an info string or a comment.
std::string file_name_in(std::string_view line) {
  for (std::size_t i = 0; i < line.size(); ++i) {
    const auto begin = i;
    while (i < line.size() && belongs_to_path(line[i])) ++i;
    std::string_view word = line.substr(begin, i - begin);
    while (word.ends_with('.')) word.remove_suffix(1);
    if (is_file_name(word)) return std::string(word);
  }
  return {};
}

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}
bool is_plan(std::string_view text) {
  return contains(text, "\"burnish_plan\"");
}
bool is_python(std::string_view text) {
  return contains(text, "class ModelNew");
}
bool is_kernel(std::string_view text) {
  return contains(text, "extern \"C\"") || contains(text, "__global__") || contains(text, "kernel void");
}

/// The name that a block claims: in its info string, on the line before, or in a comment on its first line.
std::string claimed_name(const FencedBlock& block) {
  if (auto name = file_name_in(block.info); !name.empty()) return name;
  if (auto name = file_name_in(block.before); !name.empty()) return name;
  const std::string_view line = trimmed(std::string_view(block.text).substr(0, block.text.find('\n')));
  const bool comment = line.starts_with("//") || line.starts_with("#") || line.starts_with("/*");
  return comment ? file_name_in(line) : std::string();
}

std::string without_folders(const std::string& name, std::vector<std::string>& remarks) {
  const auto cut = name.find_last_of("/\\");
  if (cut == std::string::npos) return name;
  remarks.push_back("file names have no folders: '" + name + "' was taken as '" + name.substr(cut + 1) + "'");
  return name.substr(cut + 1);
}

/// The balanced {...} around "burnish_plan" in text without fences.
std::string bare_plan(std::string_view text) {
  const auto key = text.find("\"burnish_plan\"");
  const auto begin = key == std::string_view::npos ? key : text.rfind('{', key);
  if (begin == std::string_view::npos) return {};
  int depth = 0;
  bool quoted = false;
  for (std::size_t i = begin; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"') quoted = !quoted;
    if (quoted && c == '\\') ++i;
    if (quoted) continue;
    if (c == '{') ++depth;
    if (c == '}' && --depth == 0) return std::string(text.substr(begin, i + 1 - begin));
  }
  return {};
}

/// The source file that the plan's kernels name, where they all name the same one.
std::string only_source(const std::string& plan_text) {
  const json plan = json::parse(plan_text, nullptr, false);
  if (!plan.is_object() || !plan.contains("kernels") || !plan["kernels"].is_object()) return {};
  std::string only;
  for (const auto& [name, kernel] : plan["kernels"].items()) {
    if (!kernel.is_object() || !kernel.contains("source") || !kernel["source"].is_string()) return {};
    const auto source = kernel["source"].get<std::string>();
    if (!only.empty() && only != source) return {};
    only = source;
  }
  return only;
}

/// Gives kernels without a file name the only name that the plan leaves open.
void place_nameless(const std::vector<std::string>& nameless, Answer& answer) {
  const std::string name = answer.plan.empty() ? std::string() : only_source(answer.plan);
  for (const std::string& text : nameless) {
    if (name.empty()) {
      answer.remarks.emplace_back(
          "a kernel block names no file; put its name into the fence, as in ```cpp kernels.cpp");
    } else {
      answer.remarks.push_back("a block without a file name was taken as '" + name + "'");
      answer.files[name] = text;
    }
  }
}

}  // namespace

Result<Answer> read_answer(std::string_view text) {
  Answer answer;
  std::vector<std::string> nameless;
  const std::vector<FencedBlock> blocks = fenced_blocks(text);
  for (const FencedBlock& block : blocks) {
    if (!block.closed) answer.remarks.emplace_back("the last fenced block was never closed; it was read to the end");
    const std::string name = without_folders(claimed_name(block), answer.remarks);
    if (is_source(name) && !is_plan(block.text))
      answer.files[name] = block.text;
    else if (is_plan(block.text))
      answer.plan = plain_json(block.text);
    else if (is_python(block.text))
      answer.python = block.text;
    else if (is_kernel(block.text))
      nameless.push_back(block.text);
  }
  if (const std::string bare = answer.plan.empty() ? bare_plan(text) : std::string(); !bare.empty()) {
    answer.plan = plain_json(bare);
    answer.remarks.emplace_back("the plan stood outside any fenced block");
  }
  if (answer.plan.empty() && answer.python.empty() && is_python(text)) {
    answer.python = text;
    answer.remarks.emplace_back("the Python stood outside any fenced block");
  }
  place_nameless(nameless, answer);
  if (!answer.plan.empty() || !answer.python.empty()) return answer;
  const std::string found = blocks.empty() ? "no fenced block at all"
                                           : std::to_string(blocks.size()) + " fenced block(s), none of them a plan";
  return fail(
      "the answer holds no plan: looked for a ```json block with \"burnish_plan\" (or Python with class ModelNew) and "
      "found " +
          found,
      "answer",
      "answer with plan.json in a ```json block and each kernel file in a block of its own, its name in the fence",
      "plan");
}

}  // namespace burnish
