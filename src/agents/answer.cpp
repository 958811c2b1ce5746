#include "agents/answer.h"

#include <algorithm>

#include "agents/answer_plan.h"
#include "agents/answer_sources.h"
#include "agents/file_names.h"
#include "agents/loose_json.h"

namespace burnish {
namespace {

constexpr int deepest_text = 3;  // answers inside strings of answers

/// The first character that is neither space nor comment.
char first_of(std::string_view text) {
  const std::string plain = plain_json(text.substr(0, 4000));
  const auto at = plain.find_first_not_of(" \t\n");
  return at == std::string::npos ? '\0' : plain[at];
}

/// Python without the prose around it.
std::string python_in(std::string_view text) {
  std::vector<std::string_view> lines;
  for (std::size_t at = 0; at < text.size();) {
    const auto end = std::min(text.find('\n', at), text.size());
    lines.push_back(text.substr(at, end - at));
    at = end + 1;
  }
  const auto code = [](std::string_view line) {
    return line.starts_with("import ") || line.starts_with("from ") || line.starts_with("class ");
  };
  const auto prose = [](std::string_view line) {
    return trimmed(line).empty() || line.starts_with("```") ||
           (!std::string_view(" \t#@)]}").contains(line[0]) && line.find_first_of("=(") == std::string_view::npos);
  };
  const auto begin = std::ranges::find_if(lines, code);
  auto end = lines.end();
  while (end > begin && prose(*(end - 1)) && !code(*(end - 1))) --end;
  std::string python;
  for (auto line = begin; line < end; ++line) python.append(*line).push_back('\n');
  return python;
}

/// Gathers what an answer holds, block by block.
class Reading {
 public:
  void blocks(std::string_view text, int depth = 0) {
    for (const FencedBlock& block : fenced_blocks(text)) {
      ++count_;
      if (block.info.starts_with("diff") || block.info.starts_with("patch"))
        answer_.remarks.emplace_back("a diff cannot be read: give whole files");
      else
        for (const Piece& piece : pieces_of(block, answer_.remarks)) take(piece, depth);
    }
  }

  /// What stands outside fences, where they lack it.
  void outside(const std::string& text) {
    const bool plan_missing = plans_.empty() && answer_.python.empty();
    if (plan_missing && names_plan(text)) {
      json_text(text, 1, 0, true, false);
      if (!plans_.empty()) answer_.remarks.emplace_back("the plan stood outside any fenced block");
    }
    if (plans_.empty() && answer_.python.empty() && is_python_model(text)) {
      answer_.python = python_in(text);
      answer_.remarks.emplace_back("the Python stood outside any fenced block");
    }
    if (plans_.empty()) return;
    const auto needed = sources_of(json::parse(plan().text, nullptr, false));
    const bool missing = std::ranges::any_of(needed, [&](const auto& n) {
      return std::ranges::none_of(sources_, [&](const Piece& p) {
        return defines(p.text, n.first) || std::ranges::find(p.names, n.second) != p.names.end();
      });
    });
    if (missing)
      for (Piece& piece : unfenced_pieces(text))
        if (is_kernel_source(piece.text) && !names_plan(piece.text)) sources_.push_back(std::move(piece));
  }

  Result<Answer> result() {
    if (!plans_.empty()) {
      const FoundPlan& chosen = plan();
      for (const auto& [error, line] : errors_)
        if (line > chosen.line)
          answer_.remarks.push_back("a later plan cannot be read: " + to_text(error) + "; the one in line " +
                                    std::to_string(chosen.line) + " was taken");
      answer_.plan = mended(chosen.text, answer_.remarks);
      answer_.files = place_sources(sources_, sources_of(json::parse(answer_.plan, nullptr, false)), answer_.remarks);
    } else if (!answer_.python.empty()) {
      for (const auto& [error, line] : errors_) answer_.remarks.push_back("the plan cannot be read: " + to_text(error));
    } else {
      return nothing();
    }
    if (open_end_) answer_.remarks.emplace_back("the last fenced block was never closed; it was read to the end");
    return std::move(answer_);
  }

 private:
  void take(const Piece& piece, int depth) {
    const bool source = !piece.names.empty() && is_source_name(piece.names.front());
    const char first = first_of(piece.text);
    const bool is_json = (first == '{' || first == '[') && !trimmed(piece.text).starts_with("[[");
    if (is_json || (names_plan(piece.text) && !source && !is_python_model(piece.text))) {
      json_text(piece.text, piece.line + 1, depth, is_plan_name(piece));
      ++json_;
    } else if (!source && is_python_model(piece.text)) {
      answer_.python = piece.text;
    } else if (source || is_kernel_source(piece.text)) {
      sources_.push_back(piece);
    } else {
      return;
    }
    open_end_ = !piece.closed;
  }

  static bool is_plan_name(const Piece& piece) {
    return names_plan(piece.text) || std::ranges::any_of(piece.names, [](auto& n) { return n.ends_with(".json"); });
  }

  void json_text(std::string_view text, std::size_t line, int depth, bool should_be_plan, bool fenced = true) {
    JsonContents found = read_json(text, line);
    if (should_be_plan && found.plans.empty() && found.errors.empty() && found.files.empty() && found.texts.empty())
      if (auto readable = readable_json(text, line); !readable) found.errors.push_back(readable.error());
    for (FoundPlan& plan : found.plans) plans_.push_back(std::move(plan));
    for (Error& error : found.errors) errors_.emplace_back(std::move(error), line);
    for (Piece& file : found.files) {
      if (is_python_model(file.text) && !is_source_name(file.names.front()))
        answer_.python = std::move(file.text);
      else if (is_source_name(file.names.front()))
        sources_.push_back(std::move(file));
    }
    if (depth < deepest_text)
      for (const std::string& inner : found.texts) {
        const auto before = plans_.size() + errors_.size();
        blocks(inner, depth + 1);
        if (before == plans_.size() + errors_.size()) json_text(inner, line, depth + 1, true);
      }
    if (fenced && is_kernel_source(found.rest)) sources_.push_back({{}, found.rest, "", line, false, true});
  }

  /// The last whole plan, else the last one.
  const FoundPlan& plan() const {
    for (auto found = plans_.rbegin(); found != plans_.rend(); ++found)
      if (found->whole) return *found;
    return plans_.back();
  }

  std::unexpected<Error> nothing() const {
    const char* todo =
        "answer with plan.json in a ```json block and each kernel file in a block of its own, its name in the fence";
    if (!errors_.empty()) {
      const Error& last = errors_.back().first;
      return fail("the plan cannot be read: " + last.what, last.where.empty() ? "answer" : "answer, " + last.where,
                  todo, "plan");
    }
    std::string found =
        count_ == 0 ? "no fenced block at all" : std::to_string(count_) + " fenced block(s), none of them a plan";
    if (json_) found += " (JSON without \"burnish_plan\", \"steps\" and \"result\")";
    for (const Piece& piece : sources_)
      found += "; a kernel source" + (piece.names.empty() ? " without a name" : " '" + piece.names.front() + "'");
    for (const std::string& remark : answer_.remarks) found += "; " + remark;
    return fail(
        "the answer holds no plan: looked for a ```json block with \"burnish_plan\" (or Python with class ModelNew) "
        "and found " +
            found,
        "answer", todo, "plan");
  }

  Answer answer_;
  std::vector<FoundPlan> plans_;
  std::vector<std::pair<Error, std::size_t>> errors_;
  std::vector<Piece> sources_;
  std::size_t count_ = 0, json_ = 0;
  bool open_end_ = false;
};

Result<Answer> read_part(const std::string& text) {
  Reading reading;
  reading.blocks(text);
  reading.outside(text);
  return reading.result();
}

}  // namespace

Result<Answer> read_answer(std::string_view raw) {
  const std::string text = normal_text(raw);
  const std::string said(after_thoughts(text));
  if (trimmed(text).empty())
    return fail("the answer is empty", "answer", "answer with plan.json in a ```json block", "plan");
  auto answer = read_part(said);
  if (answer || said.size() == text.size()) return answer;
  auto thought = read_part(text);
  if (!thought) return answer;
  thought->remarks.emplace_back("the answer stood among the thoughts; put it behind them");
  return thought;
}

}  // namespace burnish
