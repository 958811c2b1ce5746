#include "agents/answer_pieces.h"

#include <algorithm>
#include <array>
#include <utility>

#include "agents/file_names.h"

namespace burnish {
namespace {

bool contains(std::string_view text, std::string_view part) {
  return text.find(part) != npos;
}

std::vector<std::string_view> split_lines(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  return lines;
}

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  std::string out;
  std::size_t at = 0;
  for (std::size_t next; (next = text.find(from, at)) != std::string::npos; at = next + from.size())
    out.append(text, at, next - at).append(to);
  return at == 0 ? std::move(text) : out.append(text, at);
}

/// The text of a tag's block: CDATA taken off; entities read where the text has them in the place of < and ".
std::string tag_text(std::string text) {
  text = replaced(replaced(std::move(text), "<![CDATA[", ""), "]]>", "");
  if (!contains(text, "&lt;") && !contains(text, "&quot;") && !contains(text, "&gt;")) return text;
  for (const auto& [entity, plain] :
       {std::pair{"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&amp;", "&"}})
    text = replaced(std::move(text), entity, plain);
  return text;
}

std::vector<std::string> without_folders(const std::vector<std::string>& names, std::vector<std::string>& remarks) {
  std::vector<std::string> cut;
  for (const std::string& name : names) {
    const auto at = name.find_last_of("/\\");
    const std::string last = at == std::string::npos ? name : name.substr(at + 1);
    if (last.find_first_not_of('.') == std::string::npos || std::ranges::find(cut, last) != cut.end()) continue;
    if (at != std::string::npos && is_source_name(name))
      remarks.push_back("file names have no folders: '" + name + "' was taken as '" + last + "'");
    cut.push_back(last);
  }
  return cut;
}

/// The file and the end word of a here-document that a line begins: cat > k.cpp <<'EOF'.
std::pair<std::string, std::string> here_document(std::string_view line) {
  const auto at = line.find("<<");
  const auto names = at == npos ? std::vector<std::string>() : file_names_in(line);
  if (names.empty() || (!contains(line, "cat") && !contains(line, "tee"))) return {};
  const auto begin = line.find_first_not_of("<-~ '\"\\", at);
  std::string_view word = begin == npos ? std::string_view() : line.substr(begin);
  word = word.substr(0, word.find_first_of(" '\"\t>|;"));
  return {names.front(), std::string(word)};
}

std::vector<Piece> here_documents(const Piece& block) {
  std::vector<Piece> pieces;
  std::string end;
  std::size_t number = block.line;
  for (const std::string_view line : split_lines(block.text)) {
    ++number;
    if (!end.empty() && trimmed(line) == end) {
      pieces.back().closed = true;
      end.clear();
    } else if (!end.empty()) {
      pieces.back().text.append(line).push_back('\n');
    } else if (auto [name, word] = here_document(line); !name.empty() && !word.empty()) {
      pieces.push_back({{name}, "", "", number + 1, true, false});
      end = word;
    }
  }
  return pieces;
}

/// Whether a line stands between files inside one block: a comment or rule that holds a name and little else.
bool separates(std::string_view line) {
  line = trimmed(line);
  const bool mark = line.starts_with("//") || line.starts_with("---") || line.starts_with("===") ||
                    line.starts_with("###") || line.starts_with("# ") || line.starts_with("/*") ||
                    line.starts_with("***");
  return mark && !title_of(line).empty();
}

std::vector<Piece> at_titles(const Piece& block) {
  std::vector<Piece> pieces = {block};
  pieces.back().text.clear();
  std::size_t number = block.line;
  for (const std::string_view line : split_lines(block.text)) {
    ++number;
    const std::string title = separates(line) ? title_of(line) : std::string();
    const bool other = !title.empty() && (pieces.back().names.empty() || pieces.back().names.front() != title);
    if (other && !trimmed(pieces.back().text).empty()) {
      pieces.push_back({{title}, "", block.info, number, true, block.closed});
    } else {
      pieces.back().text.append(line).push_back('\n');
    }
  }
  return pieces;
}

bool ends_code(std::string_view line) {
  line = trimmed(line);
  return line.ends_with('}') || line.ends_with(';') || line.starts_with('#');
}

/// The lines up to the last that ends like code: what follows is prose.
std::string code_of(const std::vector<std::string_view>& lines) {
  auto end = lines.size();
  while (end > 0 && !ends_code(lines[end - 1])) --end;
  std::string text;
  for (std::size_t i = 0; i < end; ++i) text.append(lines[i]).push_back('\n');
  return text;
}

bool begins_source(std::string_view line) {
  constexpr std::array<std::string_view, 9> starts = {"#include", "#define", "#pragma", "extern \"C\"", "__global__",
                                                      "template", "typedef", "static ", "kernel void"};
  return std::ranges::any_of(starts, [&](auto s) { return line.starts_with(s); });
}

}  // namespace

bool is_python_model(std::string_view text) {
  return contains(text, "class ModelNew");
}

bool is_kernel_source(std::string_view text) {
  return contains(text, "extern \"C\"") || contains(text, "__global__") || contains(text, "kernel void");
}

std::vector<Piece> pieces_of(const FencedBlock& block, std::vector<std::string>& remarks) {
  Piece whole;
  whole.text = block.info.starts_with('<') ? tag_text(block.text) : block.text;
  whole.info = block.info, whole.line = block.line, whole.closed = block.closed;
  whole.names = without_folders(claimed_names(block), remarks);
  const std::string_view first = trimmed(std::string_view(whole.text).substr(0, whole.text.find('\n')));
  whole.titled = !file_names_in(block.info).empty() || !title_of(first).empty() ||
                 (!block.before.empty() && !title_of(block.before.front()).empty());
  if (first.starts_with("%%writefile")) whole.text.erase(0, whole.text.find('\n') + 1);
  if (auto documents = here_documents(whole); !documents.empty()) {
    for (Piece& p : documents) p.names = without_folders(p.names, remarks);
    return documents;
  }
  if (is_python_model(whole.text)) return {std::move(whole)};
  auto pieces = at_titles(whole);
  for (std::size_t i = 1; i < pieces.size(); ++i) pieces[i].names = without_folders(pieces[i].names, remarks);
  return pieces;
}

std::vector<Piece> unfenced_pieces(std::string_view text) {
  std::vector<Piece> pieces;
  std::vector<std::string_view> body;
  bool open = false;
  std::size_t number = 0;
  const auto finish = [&] {
    if (open) pieces.back().text = code_of(body);
    open = false;
    body.clear();
  };
  for (const std::string_view line : split_lines(text)) {
    ++number;
    const std::string title = title_of(line);
    const bool fence = trimmed(line).starts_with("```") || trimmed(line).starts_with("~~~");
    if (fence || !title.empty()) {
      finish();
      std::vector<std::string> none;
      if (is_source_name(title))
        pieces.push_back({without_folders({title}, none), "", "", number, true, true}), open = true;
    } else if (open) {
      body.push_back(line);
    } else if (begins_source(line)) {
      pieces.push_back({{}, "", "", number, false, true});
      body.push_back(line);
      open = true;
    }
  }
  finish();
  std::erase_if(pieces, [](const Piece& p) { return trimmed(p.text).empty(); });
  return pieces;
}

std::string_view after_thoughts(std::string_view text) {
  std::size_t begin = 0;
  for (const std::string_view mark : {"</think>", "</thinking>", "</thought>", "</reasoning>",
                                      "<|channel|>final<|message|>", "[/THINK]", "</scratchpad>"})
    if (const auto at = text.rfind(mark); at != npos) begin = std::max(begin, at + mark.size());
  return text.substr(begin);
}

std::string normal_text(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    const std::string_view three = text.substr(i, 3);
    if (text[i] == '\r') {
      if (i + 1 == text.size() || text[i + 1] != '\n') out += '\n';
    } else if (three.starts_with("\xc2\xa0")) {
      out += ' ', i += 1;
    } else if (three == "\xef\xbb\xbf" || three == "\xe2\x80\x8b" || three == "\xe2\x81\xa0") {
      i += 2;
    } else if (text[i] != '\0') {
      out += text[i];
    }
  }
  for (bool again = true; again;) {
    const std::string_view end = trimmed(out);
    const auto token = end.ends_with("|>") ? end.rfind("<|") : npos;
    const auto sentence = end.ends_with("</s>") ? end.size() - 4 : npos;
    again = (token != npos && end.size() - token < 40) || sentence != npos;
    if (again) out.resize(static_cast<std::size_t>(end.data() - out.data()) + std::min(token, sentence));
  }
  return out;
}

}  // namespace burnish
