#include <gtest/gtest.h>

#include <array>
#include <filesystem>
#include <string>

#include "agents/answer.h"
#include "agents/fences.h"
#include "base/files.h"
#include "base/json.h"

/// The corpus of answers, in the manner of different models: tests/agents/answers/NAME.md. Each but the last few is one
/// of answers/programs in some wrapping, and must be read as exactly that program.
namespace burnish {
namespace {

struct Case {
  const char *name, *program;  ///< "-": cannot be read
  const char* said;            ///< a part of a remark, or of the error; empty: nothing had to be guessed
};

constexpr auto cases = std::to_array<Case>({
    {"as_asked", "softmax", ""},
    {"nothing_but_blocks", "bias_gelu", ""},
    {"library_only", "library", ""},
    {"cuda_as_asked", "cuda_rows", ""},
    {"metal_as_asked", "leaky_metal", ""},
    {"names_in_headings", "softmax", ""},
    {"names_in_bold", "bias_gelu", ""},
    {"names_in_backticks_and_numbers", "two_files", ""},
    {"names_in_first_comments", "two_files", ""},
    {"name_in_block_comment", "softmax", ""},
    {"names_after_colon", "bias_gelu", ""},
    {"names_as_title_attribute", "softmax", ""},
    {"names_in_braces", "softmax", ""},
    {"names_are_the_language", "cuda_rows", ""},
    {"names_in_folders", "softmax", "have no folders"},
    {"names_with_prose_between", "two_files", ""},
    {"name_in_a_sentence", "bias_gelu", ""},
    {"no_names_one_file", "softmax", "without a file name"},
    {"no_names_two_files", "two_files", "without a file name"},
    {"another_name_than_the_plans", "bias_gelu", "taken for one"},
    {"chinese_headings", "softmax", ""},
    {"russian_prose", "library", ""},
    {"header_beside_the_kernel", "with_header", ""},
    {"windows_folders", "softmax", "have no folders"},
    {"last_fence_missing", "softmax", "never closed"},
    {"fence_between_missing", "softmax", ""},
    {"opening_fence_doubled", "softmax", ""},
    {"closing_fence_doubled", "two_files", ""},
    {"tildes", "softmax", ""},
    {"single_quotes_as_fences", "softmax", ""},
    {"long_fence_around_all", "softmax", ""},
    {"markdown_fence_of_the_same_length", "softmax", ""},
    {"in_a_list", "softmax", ""},
    {"in_a_quotation", "softmax", ""},
    {"python_in_a_list", "model_new", ""},
    {"fence_on_the_last_line_of_code", "softmax", ""},
    {"code_on_the_fences_line", "softmax", ""},
    {"crlf", "softmax", ""},
    {"byte_order_mark_and_no_break_spaces", "softmax", ""},
    {"chat_template_tokens", "softmax", ""},
    {"closing_fence_then_prose", "softmax", ""},
    {"uppercase_languages", "softmax", ""},
    {"json_with_comments_and_commas", "softmax", ""},
    {"a_python_dict", "softmax", ""},
    {"a_python_assignment", "softmax", ""},
    {"json5_keys", "softmax", ""},
    {"curly_quotes", "softmax", ""},
    {"expressions_without_quotes", "bias_gelu", ""},
    {"missing_commas", "softmax", ""},
    {"no_version", "softmax", "lacks \"burnish_plan\""},
    {"kernel_text_in_source", "softmax_text", "read as \"text\""},
    {"kernel_code_key", "softmax_text", "read as \"text\""},
    {"kernel_text_over_lines", "softmax_text", "read as \"text\""},
    {"source_in_a_folder_of_the_plan", "softmax", "have no folders"},
    {"json_mode_files", "softmax", "outside any fenced block"},
    {"json_mode_by_name", "two_files", ""},
    {"json_mode_list", "softmax", "outside any fenced block"},
    {"json_lines_of_code", "softmax", ""},
    {"tool_calls", "softmax", "outside any fenced block"},
    {"tool_call_tags", "softmax", "outside any fenced block"},
    {"file_tags", "softmax", ""},
    {"file_tags_with_fences", "two_files", ""},
    {"named_tags", "softmax", ""},
    {"artifact_tags", "softmax", ""},
    {"tags_with_cdata", "softmax", ""},
    {"html", "softmax", "without a file name"},
    {"details", "softmax", ""},
    {"thoughts_then_answer", "softmax", ""},
    {"thoughts_without_opening_tag", "softmax", ""},
    {"answer_among_the_thoughts", "softmax", "among the thoughts"},
    {"channels", "softmax", ""},
    {"draft_then_better", "softmax", ""},
    {"quotes_the_exported_plan_first", "library", ""},
    {"excerpts_after_the_answer", "softmax", "a later plan cannot be read"},
    {"file_in_two_blocks", "rms_norm", "joined"},
    {"all_in_one_block", "two_files", ""},
    {"plan_and_kernel_in_one_block", "softmax", "without a file name"},
    {"shell_here_documents", "softmax", ""},
    {"notebook_magic", "softmax", ""},
    {"no_fences_titles", "softmax", "outside any fenced block"},
    {"no_fences_rules", "two_files", "outside any fenced block"},
    {"no_fences_no_names", "softmax", "outside any fenced block"},
    {"fenced_plan_bare_kernel", "bias_gelu", ""},
    {"model_new", "model_new", ""},
    {"model_new_named", "model_new", ""},
    {"model_new_no_fence", "model_new", "outside any fenced block"},
    {"model_new_thoughts", "model_new", ""},
    {"apology", "-", "no fenced block at all"},
    {"empty", "-", "the answer is empty"},
    {"kernels_without_plan", "-", "a kernel source 'kernels.cpp'"},
    {"only_a_diff", "-", "give whole files"},
    {"plan_with_parts_left_out", "-", "left out as \"...\""},
    {"cut_off_in_the_plan", "-", "ends before its last bracket"},
    {"plan_with_a_slip", "-", "line 7"},
    {"other_json", "-", "JSON without"},
});

const std::filesystem::path answers = std::filesystem::path(BURNISH_TEST_ANSWERS);

std::string text_of(const std::filesystem::path& file) {
  auto text = read_file(file);
  EXPECT_TRUE(text) << (text ? "" : to_text(text.error()));
  return text ? *text : "";
}

/// Without spaces at its ends, and without a first comment that only named the file.
std::string body(const std::string& text) {
  std::string_view all = trimmed(text);
  const auto end = all.find('\n');
  const std::string_view first = all.substr(0, end);
  const bool comment = first.starts_with("//") || first.starts_with("/*");
  if (comment && first.find(".cpp") != std::string_view::npos) all = trimmed(all.substr(end));
  return std::string(all);
}

void expect_program(const Answer& answer, const std::string& program) {
  std::size_t sources = 0;
  for (const auto& entry : std::filesystem::directory_iterator(answers / "programs" / program)) {
    const std::string name = entry.path().filename(), expected = text_of(entry.path());
    if (name == "plan.json") {
      EXPECT_EQ(json::parse(answer.plan, nullptr, false), json::parse(expected));
    } else if (name == "model_new.py") {
      EXPECT_TRUE(answer.plan.empty());
      EXPECT_EQ(body(answer.python), body(expected));
    } else {
      ++sources;
      ASSERT_TRUE(answer.files.contains(name)) << name;
      EXPECT_EQ(body(answer.files.at(name)), body(expected)) << name;
    }
  }
  EXPECT_EQ(answer.files.size(), sources) << "a file that nobody meant";
}

class Answers : public testing::TestWithParam<Case> {};

TEST_P(Answers, AreReadAsIntended) {
  const Case& c = GetParam();
  const auto answer = read_answer(text_of(answers / (std::string(c.name) + ".md")));
  if (std::string_view(c.program) == "-") {
    ASSERT_FALSE(answer);
    EXPECT_NE(to_text(answer.error()).find(c.said), std::string::npos) << to_text(answer.error());
    EXPECT_EQ(answer.error().reason, "plan");
    return;
  }
  ASSERT_TRUE(answer) << to_text(answer.error());
  expect_program(*answer, c.program);
  std::string remarks;
  for (const std::string& remark : answer->remarks) remarks += remark + "\n";
  if (*c.said)
    EXPECT_NE(remarks.find(c.said), std::string::npos) << remarks;
  else
    EXPECT_EQ(remarks, "");
}

INSTANTIATE_TEST_SUITE_P(Corpus, Answers, testing::ValuesIn(cases), [](const auto& test) { return test.param.name; });

TEST(AnswerCorpus, EveryFileHasARow) {
  std::size_t files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(answers)) files += entry.path().extension() == ".md";
  EXPECT_EQ(files, cases.size());
  EXPECT_GE(files, 60u);
}

}  // namespace
}  // namespace burnish
