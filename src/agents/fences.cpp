#include "agents/fences.h"

#include <algorithm>
#include <cctype>

namespace burnish {
namespace {

struct Fence {
  std::size_t length = 0;  // 0: no fence
  char mark = 0;
  std::string_view info;
};

Fence fence_of(std::string_view line) {
  line = trimmed(line);
  if (line.empty() || (line[0] != '`' && line[0] != '~')) return {};
  const auto n = std::min(line.find_first_not_of(line[0]), line.size());
  if (n < 3) return {};
  return {n, line[0], trimmed(line.substr(n))};
}

/// Reads line by line; `block` is the open one, if any.
class Reader {
 public:
  std::vector<FencedBlock> blocks;

  void line(std::string_view text) {
    const Fence fence = fence_of(text);
    if (!open_) return outside(text, fence);
    if (fence.length < fence_.length || fence.mark != fence_.mark) return inside(text);
    if (fresh_) {  // a doubled opening fence; either may carry the info string
      if (blocks.back().info.empty()) blocks.back().info = fence.info;
    } else if (fence.info.empty()) {
      blocks.back().closed = true;
      open_ = false;
    } else {  // the closing fence was forgotten
      blocks.back().closed = true;
      open(fence, "");
    }
  }

 private:
  void outside(std::string_view text, const Fence& fence) {
    if (fence.length) {
      open(fence, before_);
      before_.clear();
    } else if (!trimmed(text).empty()) {
      before_ = trimmed(text);
    }
  }
  void inside(std::string_view text) {
    blocks.back().text.append(text).push_back('\n');
    fresh_ = fresh_ && trimmed(text).empty();
  }
  void open(const Fence& fence, const std::string& before) {
    blocks.push_back({std::string(fence.info), before, "", false});
    fence_ = fence;
    open_ = fresh_ = true;
  }

  Fence fence_;
  std::string before_;
  bool open_ = false, fresh_ = false;
};

}  // namespace

std::string_view trimmed(std::string_view s) {
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.front()))) s.remove_prefix(1);
  while (!s.empty() && std::isspace(static_cast<unsigned char>(s.back()))) s.remove_suffix(1);
  return s;
}

std::vector<FencedBlock> fenced_blocks(std::string_view text) {
  Reader reader;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    std::string_view line = text.substr(at, end - at);
    if (line.ends_with('\r')) line.remove_suffix(1);
    reader.line(line);
    at = end + 1;
  }
  std::erase_if(reader.blocks, [](const FencedBlock& b) { return trimmed(b.text).empty(); });
  return std::move(reader.blocks);
}

}  // namespace burnish
