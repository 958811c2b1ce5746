#include "runtime/program.h"

#include <gmock/gmock.h>

#include "plans.h"

namespace burnish::testing {
namespace {

using ::testing::HasSubstr;

std::string refusal(const std::string& steps, const std::string& more = "") {
  const Folder folder;
  const auto program = load(folder, plan_of(steps, "\"y\"", more));
  if (program) return "accepted";
  EXPECT_EQ(program.error().reason, "plan");
  return to_text(program.error());
}

TEST(Program, UnknownOperatorNamesTheOverloads) {
  const auto text = refusal(R"({"op": "aten::add.Tensr", "args": ["x", "x"], "out": ["y"]})");
  EXPECT_THAT(text, HasSubstr("there is no operator aten::add.Tensr"));
  EXPECT_THAT(text, HasSubstr("steps[0]"));
  EXPECT_THAT(text, HasSubstr("aten::add.Tensor"));
}

TEST(Program, WrongArityAndTypesQuoteTheSchema) {
  const auto missing = refusal(R"({"op": "aten::mm", "args": ["x"], "out": ["y"]})");
  EXPECT_THAT(missing, HasSubstr("\"mat2\" is missing"));
  EXPECT_THAT(missing, HasSubstr("aten::mm(Tensor self, Tensor mat2) -> Tensor"));
  EXPECT_THAT(refusal(R"({"op": "aten::mm", "args": ["x", "x", "x"], "out": ["y"]})"), HasSubstr("too many"));
  EXPECT_THAT(refusal(R"({"op": "aten::mm", "args": ["x", "x"], "kwargs": {"out_dtype": 3}, "out": ["y"]})"),
              HasSubstr("\"out_dtype\""));
  EXPECT_THAT(refusal(R"({"op": "aten::gelu", "args": ["x"], "kwargs": {"approximate": 3}, "out": ["y"]})"),
              HasSubstr("{\"str\": ...} is wanted"));
  EXPECT_THAT(refusal(R"({"op": "aten::softmax.int", "args": ["x", 1.5], "out": ["y"]})"),
              HasSubstr("an integer is wanted"));
  EXPECT_THAT(refusal(R"({"op": "aten::cat", "args": ["x"], "out": ["y"]})"), HasSubstr("a list is wanted"));
  EXPECT_THAT(refusal(R"({"op": "aten::relu", "args": ["x"], "out": ["y", "z"]})"), HasSubstr("2 outputs are named"));
  EXPECT_THAT(refusal(R"({"op": "aten::to.dtype", "args": ["x", {"dtype": "float31"}], "out": ["y"]})"),
              HasSubstr("float31"));
}

TEST(Program, OperatorsThatTouchTheWorldAreRefused) {
  EXPECT_THAT(refusal(R"({"op": "aten::from_file", "args": [{"str": "/etc/passwd"}], "out": ["y"]})"),
              Not(HasSubstr("accepted")));
  EXPECT_THAT(refusal(R"({"op": "prim::Print", "args": ["x"], "out": ["y"]})"), Not(HasSubstr("accepted")));
}

TEST(Program, WritesToInputsAreRefusedByTheSchema) {
  EXPECT_THAT(refusal(R"({"op": "aten::relu_", "args": ["x"], "out": ["y"]})"), Not(HasSubstr("accepted")));
}

TEST(Program, MissingKernelsAndWrongArgumentsAreSaid) {
  const std::string more = R"("kernels": {"k": {"source": "kernels.cpp"}})";
  const std::string steps = R"({"empty": "y", "like": "x"}, {"launch": "k", "range": 4, "args": ["x", "y", 3]})";
  const Folder folder;
  folder.write("kernels.cpp", "");
  auto program = load(folder, plan_of(steps, "\"y\"", more));
  ASSERT_FALSE(program);
  EXPECT_EQ(program.error().reason, "compile");

  const std::string entry = "extern \"C\" void burnish_entry_k(long, long, void* const*) {}\n";
  folder.compile("k", entry + "extern \"C\" const char burnish_signature_k[] = {'p', 'p', 'f', 'i', 0};");
  program = load(folder, plan_of(steps, "\"y\"", more));
  ASSERT_FALSE(program);
  EXPECT_THAT(to_text(program.error()), HasSubstr("the launch has 3 arguments, the kernel takes 4"));
}

TEST(Program, ConstantsMustBeInTheFile) {
  const Folder folder;
  const auto program = load(folder, plan_of(R"({"op": "aten::add.Tensor", "args": ["x", "c"], "out": ["y"]})", "\"y\"",
                                            R"("constants": {"c": "c"})"));
  ASSERT_FALSE(program);
  EXPECT_THAT(to_text(program.error()), HasSubstr("constants.safetensors"));
}

TEST(Program, ParametersOfFunctionsGetTheirPrefixes) {
  const Folder folder;
  const auto program =
      load(folder,
           plan_of(R"({"call": "f", "args": ["x"], "out": ["y"], "params": "layers.{i}.", "for": "i", "in": [0, 3]})",
                   "\"y\"",
                   R"("functions": {"f": {"args": ["h"], "params": {"w": "weight"},
      "steps": [{"op": "aten::mm", "args": ["h", "w"], "out": ["o"]}], "result": ["o"]}})"));
  ASSERT_TRUE(program) << to_text(program.error());
  std::vector<std::string> paths;
  for (const auto& [name, path] : (*program)->params) paths.push_back(path);
  EXPECT_EQ(paths, (std::vector<std::string>{"layers.0.weight", "layers.1.weight", "layers.2.weight"}));
}

}  // namespace
}  // namespace burnish::testing
