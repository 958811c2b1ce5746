#include <gtest/gtest.h>

#include <filesystem>
#include <optional>

#include "agents/answer.h"
#include "base/files.h"
#include "base/json.h"
#include "plan/fuzz_properties.h"
#include "plan/mutate.h"

namespace burnish {
namespace {

std::vector<std::string> corpus_texts() {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(BURNISH_TEST_ANSWERS))
    if (entry.path().extension() == ".md") files.push_back(entry.path());
  std::ranges::sort(files);
  std::vector<std::string> texts;
  for (const auto& file : files)
    if (auto text = read_file(file)) texts.push_back(std::move(*text));
  return texts;
}

bool is_plain_name(const std::string& name) {
  return !name.empty() && name[0] != '.' && name[0] != '-' && is_utf8(name) &&
         name.find_first_of("/\\\n ") == std::string::npos;
}

/// Nothing, or what no answer may lead to.
std::optional<std::string> broken(const std::string& text) {
  const auto answer = read_answer(text);
  if (!answer) {
    if (answer.error().reason != "plan" || answer.error().what.empty()) return "an error without words or reason";
    return is_utf8(to_text(answer.error())) ? std::nullopt : std::optional("a message that is not UTF-8");
  }
  if (answer->plan.empty() == answer->python.empty() && answer->plan.empty()) return "an answer of nothing";
  if (!answer->plan.empty() && !json::accept(answer->plan)) return "a plan that is not JSON";
  for (const auto& [name, source] : answer->files)
    if (!is_plain_name(name)) return "a file called " + name;
  for (const std::string& remark : answer->remarks)
    if (!is_utf8(remark)) return "a remark that is not UTF-8";
  return std::nullopt;
}

/// Marks that the reader looks for, put anywhere.
std::string with_marks(std::string text, Random& random) {
  constexpr std::array<std::string_view, 18> marks = {"```\n",
                                                      "\n```json\n",
                                                      "~~~~\n",
                                                      "<think>",
                                                      "</think>",
                                                      "<file name=\"../k.cpp\">",
                                                      "</file>",
                                                      "\r",
                                                      "\n> ",
                                                      "<![CDATA[",
                                                      "cat > x.cpp <<",
                                                      "\n// === .. ===\n",
                                                      "{\"path\":",
                                                      "<|end|>",
                                                      "\"burnish_plan\"",
                                                      "\"\"\"",
                                                      "// ../../b.cu\n",
                                                      "\u201c"};
  for (std::size_t n = below(random, 4); n > 0; --n)
    text.insert(below(random, text.size() + 1), marks[below(random, marks.size())]);
  return text;
}

TEST(FuzzAnswer, DamagedAnswersAreReadOrRefusedInWords) {
  Random random(11);
  const auto texts = corpus_texts();
  ASSERT_FALSE(texts.empty());
  std::size_t read = 0;
  const auto rounds = fuzz_for(fuzz_seconds(3), [&](std::size_t round) {
    std::string text = texts[round % texts.size()];
    if (below(random, 4) == 0) {  // the beginning of one answer and the end of another
      const std::string& other = texts[below(random, texts.size())];
      text = text.substr(0, below(random, text.size() + 1)) + other.substr(below(random, other.size() + 1));
    }
    text = with_marks(mutate_bytes(std::move(text), random), random);
    const auto wrong = broken(text);
    ASSERT_FALSE(wrong) << *wrong << " in round " << round << "\n" << text;
    read += read_answer(text).has_value();
  });
  EXPECT_GT(read, rounds / 4);
  EXPECT_LT(read, rounds);
}

TEST(FuzzAnswer, MegabytesOfAnythingAreReadInSeconds) {
  const std::string plan = "{\"burnish_plan\": 1, \"steps\": [], \"result\": ";
  // A sanitizer takes ten times as long.
  for (const std::string& unit : {std::string("{"), std::string("["), std::string("```\n"), std::string("\"\"\""), plan,
                                  std::string("// k.cpp\n"), std::string("<k.cpp>\n"), std::string("void k(\n"),
                                  std::string("extern \"C\" {'a': \n"), std::string("cat > k.cpp <<E\n"),
                                  std::string(1, '\xff'), std::string("> > >"), std::string("a k.cpp b\n")}) {
    std::string text = "```json\n";
    while (text.size() < (1u << 20)) text += unit;
    const auto start = std::chrono::steady_clock::now();
    const auto wrong = broken(text);
    const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
    EXPECT_FALSE(wrong) << *wrong << " for " << unit;
    EXPECT_LT(took.count(), 20) << "a megabyte of " << unit;
  }
}

}  // namespace
}  // namespace burnish
