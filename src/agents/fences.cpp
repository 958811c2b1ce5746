#include "agents/fences.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "agents/file_names.h"

namespace burnish {
namespace {

struct Line {
  std::string_view text;
  std::size_t number;
};

std::vector<Line> lines_of(std::string_view text, std::size_t first) {
  std::vector<Line> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    lines.push_back({line, first + lines.size()});
    at = end + 1;
  }
  return lines;
}

struct Fence {
  std::size_t length = 0;  // 0: no fence
  char mark = 0;
  std::string_view prefix;  // what stands before it: spaces, "> " of a quotation
  std::string_view info;
};

/// Three quotation marks are a fence only with nothing but a language behind them: prose and Python have them too.
bool is_quote_fence(std::string_view info) {
  return std::ranges::all_of(info, [](unsigned char c) { return std::isalnum(c) || c == '+' || c == '.' || c == ' '; });
}

Fence fence_of(std::string_view line) {
  const auto begin = line.find_first_not_of(" \t>");
  if (begin == npos) return {};
  const std::string_view rest = trimmed(line.substr(begin));
  if (std::string_view("`~'").find(rest[0]) == npos) return {};
  const auto n = std::min(rest.find_first_not_of(rest[0]), rest.size());
  if (n < 3) return {};
  const std::string_view info = trimmed(rest.substr(n));
  if (rest[0] == '\'' && (n != 3 || !is_quote_fence(info))) return {};
  return {n, rest[0], line.substr(0, begin), info};
}

/// Where code begins in an info string that holds some: "json {"burnish_plan": 1,", "cpp #include <cmath>".
std::size_t code_in(std::string_view info) {
  std::size_t at = npos;
  for (const std::string_view start : {"{\"", "{ \"", "#include", "extern \"C\""}) at = std::min(at, info.find(start));
  return info.ends_with('{') ? std::min(at, info.size() - 1) : at;
}

/// A language of Markdown's own: the block wraps the answer.
bool wraps(std::string_view info) {
  std::string word(info.substr(0, info.find_first_of(" \t:{")));
  std::ranges::transform(word, word.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return word.empty() || word == "markdown" || word == "md" || word == "text" || word == "txt" || word == "plaintext";
}

/// The name of an opening tag at a line's start whose block counts, or nothing. `after` is what follows the tag.
std::string_view tag_of(std::string_view line, std::string_view& after) {
  constexpr std::array<std::string_view, 8> known = {"plan", "kernel",      "kernels",          "code",
                                                     "pre",  "source_code", "document_content", "content"};
  line = trimmed(line);
  if (line.size() < 3 || line[0] != '<' || line[1] == '/' || line[1] == '!') return {};
  const auto end = line.find('>');
  if (end == npos || end > 300 || line[end - 1] == '/') return {};
  const std::string_view inside = line.substr(1, end - 1), name = inside.substr(0, inside.find_first_of(" \t"));
  if (name.empty() || !std::isalpha(static_cast<unsigned char>(name[0]))) return {};
  after = line.substr(end + 1);
  return std::ranges::find(known, name) != known.end() || !file_names_in(inside).empty() ? name : std::string_view();
}

/// Reads line by line; `block` is the open one, if any.
class Reader {
 public:
  explicit Reader(std::vector<Line> lines) : lines_(std::move(lines)) {}

  std::vector<FencedBlock> read() {
    for (at_ = 0; at_ < lines_.size(); ++at_) line(lines_[at_].text);
    return std::move(blocks_);
  }

 private:
  enum class State { outside, fence, tag };

  void line(std::string_view text) {
    const Fence fence = fence_of(text);
    if (state_ == State::outside) return outside(text, fence);
    if (state_ == State::tag) return in_tag(text, fence);
    if (fence.length && (fence.length < fence_.length || fence.mark != fence_.mark))
      blocks_.back().nested_marks = std::max(blocks_.back().nested_marks, fence.length);
    if (fence.length < fence_.length || fence.mark != fence_.mark) return inside(text);
    if (fresh_) {  // a doubled opening fence; either may carry the info string
      std::string& info = blocks_.back().info;
      info += (info.empty() || fence.info.empty() ? "" : " ") + std::string(fence.info);
      fence_.prefix = fence.prefix;
    } else if (fence.info.empty() || fence.info.starts_with("<") || fence.info.starts_with("*")) {
      close();
    } else {  // the closing fence was forgotten; or a bare one opened nothing, and this line names the block
      const bool prose = blocks_.back().info.empty() && !begins_code(trimmed(blocks_.back().text));
      std::vector<std::string> before;
      if (prose)
        for (const Line& l : lines_of(blocks_.back().text, 1)) remember(l.text, before);
      close();
      open(fence, std::move(before));
    }
  }

  void outside(std::string_view text, const Fence& fence) {
    std::string_view after;
    if (fence.length) {
      if (fence.info.empty() && closed_at_ + 1 == at_ && at_ > 0 && !code_follows()) return;  // a doubled closing fence
      open(fence, std::move(before_));
    } else if (const auto name = tag_of(text, after); !name.empty()) {
      end_tag_ = "</" + std::string(name) + ">";
      blocks_.push_back({std::string(trimmed(text).substr(0, trimmed(text).size() - after.size())), std::move(before_),
                         "", false, lines_[at_].number});
      state_ = State::tag, fresh_ = true;
      if (!trimmed(after).empty()) in_tag(after, {});
    } else {
      return remember(text, before_);
    }
    before_.clear();
  }

  static void remember(std::string_view text, std::vector<std::string>& before) {
    if (trimmed(text).empty()) return;
    before.insert(before.begin(), std::string(trimmed(text).substr(0, 500)));
    if (before.size() > 4) before.pop_back();
  }

  /// Whether the next line with anything on it is code: then a bare fence opens.
  bool code_follows() const {
    for (std::size_t i = at_ + 1; i < lines_.size(); ++i)
      if (!trimmed(lines_[i].text).empty()) return begins_code(trimmed(lines_[i].text));
    return false;
  }

  /// A tag's block: until its end tag; a fence in it is a block of its own under the tag's name.
  void in_tag(std::string_view text, const Fence& fence) {
    if (fence.length) {
      std::vector<std::string> before = {blocks_.back().info};
      close();
      return open(fence, std::move(before));
    }
    std::string_view after;
    if (const auto inner = fresh_ ? tag_of(text, after) : std::string_view(); !inner.empty()) {  // <pre><code>
      blocks_.back().info += " " + std::string(trimmed(text).substr(0, trimmed(text).size() - after.size()));
      end_tag_ = "</" + std::string(inner) + ">";
      text = after;
    }
    const auto end = text.find(end_tag_);
    if (end != 0 && !(fresh_ && trimmed(text).empty())) inside(text.substr(0, end));
    if (end != npos) close();
  }

  void inside(std::string_view text) {
    for (const char c : fence_.prefix) {  // a list's or a quotation's indent is not the code's
      if (text.empty() || (text[0] != c && text[0] != ' ')) break;
      text.remove_prefix(1);
    }
    const std::string marks(fence_.length, fence_.mark);
    const std::string_view end = trimmed(text);
    const bool ends = fence_.length && end.size() > marks.size() && end.ends_with(marks) &&
                      end.find(marks) == end.size() - marks.size();
    if (ends) text = end.substr(0, end.size() - marks.size());
    blocks_.back().text.append(text).push_back('\n');
    fresh_ = fresh_ && trimmed(text).empty();
    if (ends) close();
  }

  void open(const Fence& fence, std::vector<std::string> before) {
    const auto code = code_in(fence.info);
    blocks_.push_back(
        {std::string(trimmed(fence.info.substr(0, code))), std::move(before), "", false, lines_[at_].number});
    fence_ = fence;
    state_ = State::fence, fresh_ = true;
    if (code == npos) return;
    fence_.prefix = {};
    inside(fence.info.substr(code));
  }

  void close() {
    blocks_.back().closed = true;
    state_ = State::outside;
    fence_ = {};
    closed_at_ = at_;
  }

  std::vector<Line> lines_;
  std::vector<FencedBlock> blocks_;
  std::vector<std::string> before_;
  std::string end_tag_;
  Fence fence_;
  State state_ = State::outside;
  std::size_t at_ = 0, closed_at_ = npos - 1;
  bool fresh_ = false;
};

std::vector<FencedBlock> blocks_in(std::string_view text, std::size_t first_line, int depth) {
  std::vector<FencedBlock> all;
  for (FencedBlock& block : Reader(lines_of(text, first_line)).read()) {
    if (trimmed(block.text).empty()) continue;
    if (depth > 0 && block.nested_marks && wraps(block.info)) {
      auto inner = blocks_in(block.text, block.line + 1, depth - 1);
      std::ranges::move(inner, std::back_inserter(all));
    } else {
      all.push_back(std::move(block));
    }
  }
  return all;
}

}  // namespace

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
}

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.front()))) s.remove_prefix(1);
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.back()))) s.remove_suffix(1);
  return s;
}

bool begins_code(std::string_view line) {
  constexpr std::array<std::string_view, 22> starts = {
      "{",         "[",          "#include",   "#define",  "#pragma", "#if",    "//",      "/*",
      "extern",    "__global__", "__device__", "template", "static",  "inline", "typedef", "using ",
      "namespace", "kernel ",    "constexpr",  "import ",  "from ",   "class "};
  return std::ranges::any_of(starts, [&](auto s) { return line.starts_with(s); });
}

std::vector<FencedBlock> fenced_blocks(std::string_view text) {
  return blocks_in(text, 1, 3);
}

}  // namespace burnish
