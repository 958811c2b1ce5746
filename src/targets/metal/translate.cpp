#include "targets/metal/translate.h"

#include <fmt/format.h>

#include <algorithm>

#include "targets/metal/translator.h"

namespace burnish::metal {

bool needs_preprocessor(std::string_view source) {
  for (std::size_t at = 0; (at = source.find('#', at)) != std::string_view::npos; ++at) {
    auto word = at + 1;
    while (word < source.size() && (source[word] == ' ' || source[word] == '\t')) ++word;
    const auto rest = source.substr(word);
    if (rest.starts_with("pragma")) continue;
    if (rest.starts_with("include") && rest.substr(0, rest.find('\n')).find("<metal_") != std::string_view::npos)
      continue;
    return true;
  }
  return source.find("__METAL_") != std::string_view::npos || source.find("_Pragma") != std::string_view::npos ||
         source.find("__HAVE_") != std::string_view::npos;
}

Translator::Translator(std::vector<Token> tokens) : tokens_(std::move(tokens)), edits_(tokens_.size()) {}

void Translator::remove(std::size_t begin, std::size_t end) {
  for (auto i = begin; i < end; ++i) edits_[i].instead = "";
}

std::string Translator::text_of(std::size_t begin, std::size_t end) const {
  std::string text;
  for (auto i = begin; i < end; ++i) {
    if (i > begin && tokens_[i].spaced) text += ' ';
    text += tokens_[i].text;
  }
  return text;
}

Result<Translation> Translator::run() {
  Translation out;
  // Sentinels: looking one or two tokens around needs no bounds.
  for (int i = 0; i < 3; ++i)
    tokens_.push_back({TokenKind::punctuation, ";", tokens_.empty() ? 1 : tokens_.back().line, 1, true});
  tokens_.insert(tokens_.begin(), {TokenKind::punctuation, ";", 1, 1, false});
  tokens_.insert(tokens_.begin(), {TokenKind::punctuation, ";", 1, 1, false});
  edits_.resize(tokens_.size());
  renames();
  if (auto ok = declarations(2, tokens_.size() - 3, Scope::names, ""); !ok) return std::unexpected(ok.error());
  find_syncing();
  for (const auto& f : functions_) {
    if (f.has_body)
      if (auto ok = body(f); !ok) return std::unexpected(ok.error());
    expressions(f.parameters.begin, f.parameters.end, false);
  }
  constant_uses();
  if (auto ok = address_spaces(); !ok) return std::unexpected(ok.error());
  function_constants();
  emit(out);
  out.text += entries();
  out.constants = constants_;
  out.shared_names = shared_names_;
  for (const auto& f : functions_)
    if (f.kernel && f.has_body && !f.is_template)
      out.kernels.push_back({f.host_name.empty() ? f.name : f.host_name, f.line, f.found, f.most_threads});
  for (const auto& i : instantiations_)
    if (const auto* f = instantiated(i))
      out.kernels.push_back({i.host_name.empty() ? f->name : i.host_name, i.line, f->found, f->most_threads});
  return out;
}

/// Each token on the user's line, so that clang's lines are the user's; columns are noted token by token.
void Translator::emit(Translation& out) const {
  int line = 1, column = 1;
  out.text = "# 1 \"program_source\"\n";
  const auto put = [&](std::string_view text) {
    out.text += text;
    column += static_cast<int>(text.size());
  };
  for (std::size_t i = 2; i + 3 < tokens_.size(); ++i) {
    const auto& t = tokens_[i];
    if (t.kind == TokenKind::directive && t.text.find("include") < 3) continue;  // Metal's own headers
    if (t.line > line && t.line - line < 50) {
      out.text.append(static_cast<std::size_t>(t.line - line), '\n');
      column = 1;
    } else if (t.line != line) {
      out.text += fmt::format("\n# {} \"program_source\"\n", t.line);
      column = 1;
    } else if (t.kind == TokenKind::directive && column > 1) {
      out.text += fmt::format("\n# {} \"program_source\"\n", t.line);
      column = 1;
    }
    line = t.line;
    if (column == 1 && t.kind != TokenKind::directive)
      put(std::string(static_cast<std::size_t>(std::clamp(t.column - 1, 0, 200)), ' '));
    else if (t.spaced)
      put(" ");
    put(edits_[i].before);
    out.columns[line].emplace_back(column, t.column);
    put(edits_[i].instead ? *edits_[i].instead : t.text);
    put(edits_[i].after);
    if (t.kind == TokenKind::directive) {
      out.text += '\n';
      ++line;
      column = 1;
    }
  }
  out.text += '\n';
}

/// A preprocessor moves what stands behind a macro on its line; tokens get the columns that they have in the original,
/// those that a macro made the column of the macro's name.
static void restore_columns(std::vector<Token>& tokens, const std::vector<Token>& original) {
  std::map<int, std::vector<const Token*>> lines;
  for (const auto& t : original) lines[t.line].push_back(&t);
  int line = 0;
  std::size_t next = 0;
  for (auto& t : tokens) {
    if (t.line != line) {
      line = t.line;
      next = 0;
    }
    const auto& candidates = lines[line];
    for (std::size_t i = next; i < candidates.size(); ++i)
      if (candidates[i]->text == t.text) {
        next = i;
        break;
      }
    if (next < candidates.size()) t.column = candidates[next]->column;
    if (next < candidates.size() && candidates[next]->text == t.text) ++next;
  }
}

Result<Translation> translate(std::string_view source, const TranslateOptions& options) {
  TRY(tokens, tokenize(source, options.preprocessed));
  if (!options.original.empty())
    if (auto original = tokenize(options.original, false)) restore_columns(tokens, *original);
  return Translator(std::move(tokens)).run();
}

int users_column(const Translation& translation, int line, int column) {
  const auto it = translation.columns.find(line);
  if (it == translation.columns.end() || it->second.empty()) return column;
  int best = it->second.front().second;
  for (const auto& [ours, users] : it->second)
    if (ours <= column) best = users;
  return best;
}

}  // namespace burnish::metal
