#include "plan/check.h"

#include <gtest/gtest.h>

#include "plan/corpus.h"
#include "plan/parse.h"

namespace burnish {
namespace {

/// What parse or check say of a plan; "fine" where nothing is wrong.
std::string verdict(const std::string& text) {
  const auto plan = parse_plan(text, "plan.json");
  if (!plan) {
    EXPECT_EQ(plan.error().reason, "plan");
    return to_text(plan.error());
  }
  const auto ok = check(*plan);
  EXPECT_TRUE(ok || ok.error().reason == "plan");
  return ok ? "fine" : to_text(ok.error());
}

/// A plan over x [n, 8] with these steps and this result, and perhaps more keys.
std::string with_steps(const std::string& steps, const std::string& result = R"("y")", const std::string& more = "") {
  return R"({"burnish_plan": 1, "inputs": {"x": {"dtype": "float32", "shape": ["n", 8]}, "k": {"value": 3}},
             "params": {"w": "weight"}, )" +
         more + R"("steps": [)" + steps + R"(], "result": )" + result + "}";
}

void expect_says(const std::string& plan, std::initializer_list<const char*> parts) {
  const std::string said = verdict(plan);
  for (const char* part : parts)
    EXPECT_NE(said.find(part), std::string::npos) << said << "\nlacks: " << part << "\n" << plan;
}

const std::string relu = R"({"op": "aten::relu", "args": ["x"], "out": ["y"]})";
const std::string kernels = R"("kernels": {"k1": {"source": "k.cpp"}}, )";
const std::string launch = R"({"launch": "k1", "range": "n", "args": ["x", "y"]})";

TEST(Check, AcceptsTheCorpus) {
  for (const auto text : corpus::plans) EXPECT_EQ(verdict(std::string(text)), "fine");
  EXPECT_EQ(verdict(with_steps(relu)), "fine");
}

TEST(Check, NamesAreAssignedOnceAndBeforeUse) {
  expect_says(with_steps(relu + "," + relu), {"assigned twice", "steps[1] op aten::relu"});
  expect_says(
      with_steps(
          R"({"op": "aten::relu", "args": ["z"], "out": ["y"]}, {"op": "aten::relu", "args": ["y"], "out": ["z"]})"),
      {"'z' is used before it is assigned", "steps[0] op aten::relu > args[0]"});
  expect_says(with_steps(R"({"op": "aten::add.Tensor", "args": ["x", ["w", "nope"]], "out": ["y"]})"),
              {"'nope'", "args[1] > [1]"});
  expect_says(with_steps(R"({"op": "aten::relu", "args": ["x"], "out": ["x"]})"), {"assigned twice", "out"});
  expect_says(with_steps(R"({"op": "aten::relu", "args": ["x"], "out": ["n"]})"), {"symbol"});
  expect_says(with_steps(R"({"op": "aten::relu", "args": ["x"], "out": ["a b"]})"), {"no name", "steps[0] > out"});
  expect_says(with_steps(relu, R"(["y", "z"])"), {"no tensor 'z'", "result > [1]"});
  expect_says(with_steps(relu, R"j({"a": "numel(q)"})j"), {"no tensor 'q'", "result > a"});
  expect_says(with_steps(R"({"op": "aten::relu", "args": ["k"], "out": ["y"]})"), {"no tensor and no symbol 'k'"});
}

TEST(Check, ASharedSpaceOfNames) {
  expect_says(
      R"({"burnish_plan": 1, "inputs": {"x": {"dtype": "float32", "shape": []}}, "params": {"x": "w"}, "steps": [], "result": "x"})",
      {"twice", "inputs > x"});
  expect_says(
      R"({"burnish_plan": 1, "inputs": {}, "params": {"x": "w"}, "constants": {"x": "w"}, "steps": [], "result": "x"})",
      {"twice", "constants"});
  expect_says(
      R"({"burnish_plan": 1, "inputs": {"n": {"dtype": "float32", "shape": ["n"]}}, "steps": [], "result": "n"})",
      {"symbol"});
  expect_says(
      R"({"burnish_plan": 1, "inputs": {"x": {"dtype": "float32", "shape": []}, "x": {"dtype": "float32", "shape": []}}, "steps": [], "result": "x"})",
      {"'x' stands twice"});
}

TEST(Check, InputsAndGuards) {
  const auto input = [](const std::string& text, const std::string& where = "[]") {
    return R"({"burnish_plan": 1, "inputs": {"x": )" + text + R"(}, "where": )" + where +
           R"(, "steps": [], "result": "x"})";
  };
  EXPECT_EQ(verdict(input(R"({"dtype": "float32", "shape": ["n", "2 * n"], "strides": ["2 * n", 1]})",
                          R"(["n % 2 == 0", "size(x, 1) < 9"])")),
            "fine");
  expect_says(input(R"({"dtype": "float33", "shape": []})"),
              {"'float33' is no dtype", "inputs > x > dtype", "float16, bfloat16"});
  expect_says(input(R"({"dtype": "float32", "shape": ["2 * n"]})"), {"nothing binds the symbol 'n'", "shape[0]"});
  expect_says(input(R"({"dtype": "float32", "shape": [-1]})"), {"-1 is negative", "shape[0]"});
  expect_says(input(R"({"dtype": "float32", "shape": ["n", 2], "strides": [1]})"), {"1 strides for 2 dimensions"});
  expect_says(input(R"({"dtype": "float32", "shape": ["n", 2], "strides": "channels_last"})"), {"4 dimensions"});
  expect_says(input(R"({"dtype": "float32", "shape": ["n"], "strides": "odd"})"), {"a layout is wanted"});
  expect_says(input(R"({"dtype": "float32", "shape": ["n"]})", R"(["n + 1"])"), {"no comparison", "where[0]"});
  expect_says(input(R"({"dtype": "float32", "shape": ["n"]})", R"(["size(x, 3) > 1"])"),
              {"'x' has no dimension 3", "where"});
  expect_says(input(R"({"dtype": "float32", "shape": ["n"]})", R"(["m > 1"])"), {"nothing binds", "where[0]"});
  expect_says(input(R"({"dtype": "float32", "shape": ["n"]})", R"(["n >"])"), {"where > [0]", "col 4"});
  expect_says(input(R"({"shape": ["n"]})"), {"'dtype' is missing", "inputs > x"});
  expect_says(input(R"({"dtype": "float32", "shape": ["n"], "stride": 1})"),
              {"'stride' is no key here", "the keys are dtype, shape"});
  expect_says(input(R"({"value": [1, 2]})"), {"a list or an object"});
  expect_says(input(R"({"dtype": "float32", "shape": [1,1,1,1,1,1,1,1,1,1,1,1,1]})"), {"at most 12"});
}

TEST(Check, OperatorsAndTheirArguments) {
  const auto op = [](const std::string& text) { return with_steps(text); };
  expect_says(op(R"({"op": "relu", "args": ["x"], "out": ["y"]})"), {"no operator's name"});
  expect_says(op(R"({"op": "os::system", "args": ["x"], "out": ["y"]})"), {"may not be used", "aten"});
  expect_says(op(R"({"op": "aten::from_file", "args": [{"str": "/etc/passwd"}], "out": ["y"]})"), {"it reads files"});
  expect_says(op(R"({"op": "aten::gelu", "args": ["x"], "kwargs": {"approximate": "tanh"}, "out": ["y"]})"),
              {"kwargs > approximate", R"({"str": "tanh"})"});
  expect_says(op(R"({"op": "aten::gelu", "args": ["x"], "kwargs": {"approximate": "tanh 2"}, "out": ["y"]})"),
              {"neither a tensor", R"({"str": "..."})"});
  expect_says(op(R"({"op": "aten::to.dtype", "args": ["x", {"dtype": "half"}], "out": ["y"]})"),
              {"'half' is no dtype", "args[1]"});
  expect_says(op(R"({"op": "aten::to.dtype", "args": ["x", {"type": "half"}], "out": ["y"]})"),
              {"no literal", "args > [1]"});
  expect_says(
      op(R"({"op": "aten::clone", "args": ["x"], "kwargs": {"memory_format": {"memory_format": "nhwc"}}, "out": ["y"]})"),
      {"no memory_format", "channels_last"});
  expect_says(op(R"({"op": "aten::relu", "args": [{"of": "x", "offset": 4}], "out": ["y"]})"), {"launches only"});
  expect_says(op(R"({"op": "aten::add.Scalar", "args": ["x", "n == 3"], "out": ["y"]})"), {"compares"});
  expect_says(op(R"({"op": "aten::add.Scalar", "args": ["x", "w + 1"], "out": ["y"]})"),
              {"'w' is a tensor, not a number", "numel(w)"});
  expect_says(op(R"({"op": "aten::add.Scalar", "args": ["x", 9223372036854775808], "out": ["y"]})"), {"64 bits"});
  expect_says(op(R"({"op": "aten::relu", "arg": ["x"], "out": ["y"]})"), {"'arg' is no key here"});
  expect_says(op(R"({"opp": "aten::relu"})"), {"of no kind", "steps[0]"});
}

TEST(Check, NothingIsWrittenButOwnTensors) {
  const auto write = [](const std::string& text) {
    return with_steps(R"({"empty": "y", "like": "x"}, {"op": "aten::relu", "args": ["x"], "out": ["h"]}, )" + text);
  };
  EXPECT_EQ(verdict(write(R"({"op": "aten::copy_", "args": ["y", "x"]})")), "fine");
  EXPECT_EQ(verdict(write(R"({"op": "aten::add.out", "args": ["x", "x"], "kwargs": {"out": "y"}})")), "fine");
  EXPECT_EQ(
      verdict(write(
          R"({"op": "aten::select.int", "args": ["y", 0, 1], "out": ["v"]}, {"op": "aten::zero_", "args": ["v"]})")),
      "fine");
  EXPECT_EQ(verdict(write(R"({"op": "aten::__and__.Tensor", "args": ["x", "x"], "out": ["v"]})")), "fine");
  expect_says(write(R"({"op": "aten::relu_", "args": ["x"], "out": ["v"]})"), {"writes to 'x', which is an input"});
  expect_says(write(R"({"op": "aten::relu_", "args": ["w"], "out": ["v"]})"), {"writes to 'w', which is a parameter"});
  expect_says(write(R"({"op": "aten::relu_", "args": ["h"], "out": ["v"]})"), {"the result of another step"});
  expect_says(write(R"({"op": "aten::__iadd__.Tensor", "args": ["x", "x"], "out": ["v"]})"), {"writes to 'x'"});
  expect_says(write(R"({"op": "aten::_foreach_add_.Scalar", "args": [["y", "x"], 1]})"), {"writes to 'x'"});
  expect_says(write(R"({"op": "aten::mul.out", "args": ["x", "x"], "kwargs": {"out": "w"}})"), {"writes to 'w'"});
  expect_says(write(R"({"op": "aten::mul.out", "args": ["x", "x", "w"]})"), {"writes to 'w'"});
  expect_says(write(R"({"op": "aten::sum.IntList_out", "args": ["x", [0]], "kwargs": {"out": "w"}})"),
              {"writes to 'w'"});
  expect_says(write(R"({"op": "aten::view", "args": ["x", [-1]], "out": ["v"]}, {"op": "aten::zero_", "args": ["v"]})"),
              {"writes to 'v'"});
  expect_says(with_steps(R"({"op": "aten::zero_", "args": ["p"], "out": ["y"]})", R"("y")",
                         R"("prepare": [{"zero": "p", "dtype": "float32", "shape": [4]}], )"),
              {"made by prepare"});
}

TEST(Check, KernelsAndLaunches) {
  const std::string allocate = R"({"empty": "y", "like": "x"}, )";
  EXPECT_EQ(verdict(with_steps(allocate + launch, R"("y")", kernels)), "fine");
  expect_says(with_steps(allocate + launch), {"no kernel 'k1'", "steps[1] launch k1"});
  expect_says(with_steps(relu, R"("y")", kernels), {"never launched", "kernels > k1"});
  const auto source = [&](const std::string& file) {
    return with_steps(allocate + launch, R"("y")", R"("kernels": {"k1": {"source": ")" + file + R"("}}, )");
  };
  EXPECT_EQ(verdict(source("a/b-c.cpp")), "fine");
  for (const char* bad :
       {"/etc/k.cpp", "../k.cpp", "a/../../k.cpp", "./k.cpp", "a//k.cpp", "a\\\\k.cpp", "k\\u0000.cpp", ""})
    EXPECT_NE(verdict(source(bad)), "fine") << bad;
  expect_says(source("k.cu"), {".cpp"});
  expect_says(with_steps(allocate + R"({"launch": "k1", "args": ["x"]})", R"("y")", kernels), {"'range' is missing"});
  expect_says(with_steps(allocate + R"({"launch": "k1", "range": -1, "args": ["x"]})", R"("y")", kernels),
              {"the range is -1", "range"});
  expect_says(with_steps(allocate + R"({"launch": "k1", "range": 4, "grain": 0, "args": ["x"]})", R"("y")", kernels),
              {"the grain is 0"});
  expect_says(
      with_steps(allocate + R"({"launch": "k1", "range": 4, "block": [1, 1, 1], "args": ["x"]})", R"("y")", kernels),
      {"for GPUs"});
  expect_says(with_steps(allocate + R"({"launch": "k1", "range": 4, "args": [true]})", R"("y")", kernels),
              {"args[0]", "takes no true or false"});
  expect_says(with_steps(allocate + R"({"launch": "k1", "range": 4, "args": [["x"]]})", R"("y")", kernels),
              {"takes no lists"});
  expect_says(with_steps(allocate + R"({"launch": "k1", "range": 4, "args": [{"dtype": "int8"}]})", R"("y")", kernels),
              {"takes no dtype"});
  expect_says(with_steps(allocate + launch, R"("y")", R"("kernels": {"k.1": {"source": "k.cpp"}}, )"),
              {"no name of a kernel"});
  expect_says(with_steps(allocate + launch, R"("y")", R"("target": "cuda", "kernels": {"k1": {"source": "k.cu"}}, )"),
              {"for CPUs"});
  expect_says(with_steps(allocate + launch, R"("y")", R"("target": "tpu", "kernels": {"k1": {"source": "k.cu"}}, )"),
              {"'tpu' is no target"});
  expect_says(with_steps(allocate + R"({"launch": "k1", "grid": [1, 1, 1], "block": [64, 64, 1], "args": []})",
                         R"("y")", R"("target": "cuda", "kernels": {"k1": {"source": "k.cu"}}, )"),
              {"the number of threads of a block is 4096, at most 1024 is allowed"});
}

TEST(Check, AGraphIsForCudaAndDecidesNothing) {
  EXPECT_EQ(verdict(with_steps(relu, R"("y")", R"("target": "cuda", "graph": true, )")), "fine");
  EXPECT_EQ(verdict(with_steps(relu, R"("y")", R"("graph": false, )")), "fine");
  expect_says(with_steps(relu, R"("y")", R"("graph": true, )"), {"graph", "this one is for cpu"});
  expect_says(with_steps(relu, R"("y")", R"("target": "cuda", "graph": 1, )"), {"graph"});
  const std::string choice = R"({"op": "aten::any", "args": ["x"], "out": ["f"]},
    {"if": "f", "then": "a", "else": "a", "args": ["x"], "out": ["y"]})";
  const std::string functions =
      R"("functions": {"a": {"args": ["u"], "steps": [{"op": "aten::relu", "args": ["u"], "out": ["v"]}], "result": ["v"]}}, )";
  EXPECT_EQ(verdict(with_steps(choice, R"("y")", R"("target": "cuda", )" + functions)), "fine");
  expect_says(with_steps(choice, R"("y")", R"("target": "cuda", "graph": true, )" + functions),
              {"graph", "a choice is decided while the plan runs"});
}

TEST(Check, LaunchesOnAGpuHaveLimits) {
  const std::string on_cuda = R"("target": "cuda", "kernels": {"k1": {"source": "k.cu"}}, )";
  const std::string made = R"({"empty": "y", "like": "x"}, )";
  const auto launched = [&](const std::string& sizes) {
    return with_steps(made + R"({"launch": "k1", )" + sizes + R"(, "args": ["x", "y"]})", R"("y")", on_cuda);
  };
  EXPECT_EQ(verdict(launched(R"("grid": [2147483647, 65535, 65535], "block": [1024, 1, 1])")), "fine");
  EXPECT_EQ(verdict(launched(R"("grid": ["numel(x) / 256", 1, 1], "block": [16, 1, 64], "shared_bytes": 232448)")),
            "fine");
  EXPECT_EQ(verdict(launched(R"("grid": [16, 1, 1], "block": [32, 1, 1], "cluster": [16, 1, 1], "cooperative": true)")),
            "fine");
  expect_says(launched(R"("grid": [1, 65536, 1], "block": [1, 1, 1])"),
              {"grid[1]", "the size is 65536, at most 65535 is allowed"});
  expect_says(launched(R"("grid": [1, 1, 1], "block": [1, 1, 65])"), {"block[2]", "65, at most 64"});
  expect_says(launched(R"("grid": [1, 1, 1], "block": [32, 32, 2])"), {"threads of a block is 2048, at most 1024"});
  expect_says(launched(R"("grid": [32, 1, 1], "block": [32, 1, 1], "cluster": [4, 4, 2])"),
              {"blocks of a cluster is 32, at most 16"});
  expect_says(launched(R"("grid": [3, 1, 1], "block": [32, 1, 1], "cluster": [2, 1, 1])"),
              {"3 blocks are no whole number of clusters of 2"});
  expect_says(launched(R"("grid": [1, 1, 1], "block": [32, 1, 1], "shared_bytes": 232449)"),
              {"the shared memory is 232449, at most 232448 is allowed"});
  expect_says(launched(R"("grid": [1, 1, 1], "block": [0, 1, 1])"), {"block[0]", "at least 1"});
  expect_says(launched(R"("grid": [1, 1], "block": [1, 1, 1])"), {"three sizes are wanted"});
}

TEST(Check, AllocationsAndLayouts) {
  expect_says(with_steps(R"({"empty": "y", "dtype": "float32", "shape": [-4]})"), {"the size is -4", "shape[0]"});
  expect_says(with_steps(R"({"empty": "y", "dtype": "float32", "shape": [2500000000]})"), {"8 GiB"});
  expect_says(with_steps(R"({"empty": "y", "dtype": "float32", "shape": [9223372036854775807, 9223372036854775807]})"),
              {"8 GiB"});
  EXPECT_EQ(verdict(with_steps(R"({"empty": "y", "dtype": "float32", "shape": [9223372036854775807, 0]})")), "fine");
  expect_says(with_steps(R"({"empty": "y"})"), {"the size of the new tensor is not said"});
  expect_says(with_steps(R"({"empty": "y", "dtype": "float32", "shape": [4], "strides": "any"})"), {"like"});
  expect_says(with_steps(R"({"layout": "y", "of": "x", "strides": "any"})"), {"asks for nothing"});
  expect_says(with_steps(R"({"layout": "y", "of": "q", "strides": "contiguous"})"), {"no tensor 'q'", "of"});
}

TEST(Check, Prepare) {
  const auto prepare = [](const std::string& step) {
    return with_steps(relu, R"("y")", R"("prepare": [)" + step + "], ");
  };
  EXPECT_EQ(verdict(prepare(R"({"op": "aten::t", "args": ["w"], "out": ["wt"]})")), "fine");
  expect_says(prepare(R"({"op": "aten::t", "args": ["x"], "out": ["wt"]})"), {"prepare[0] op aten::t", "'x'"});
  expect_says(prepare(R"({"op": "aten::add.Tensor", "args": ["w", "x"], "out": ["wt"]})"), {"args[1]"});
  expect_says(prepare(R"({"layout": "wt", "of": "x", "strides": "contiguous"})"), {"prepare reads the input 'x'"});
  expect_says(prepare(R"({"empty": "p", "dtype": "int8", "shape": ["n"]})"),
              {"'n'", "prepare knows parameters and constants only"});
}

TEST(Check, FunctionsLoopsAndChoices) {
  const auto functions = [](const std::string& declared, const std::string& steps) {
    return with_steps(steps, R"("y")", R"("functions": {)" + declared + "}, ");
  };
  const std::string f =
      R"("f": {"args": ["a"], "params": {"p": "weight"}, "steps": [{"op": "aten::add.Tensor", "args": ["a", "p"], "out": ["r"]}], "result": ["r"]})";
  EXPECT_EQ(verdict(functions(
                f, R"({"call": "f", "args": ["x"], "out": ["y"], "params": "l.{i}.", "for": "i", "in": [0, 4]})")),
            "fine");
  expect_says(functions(f, R"({"call": "g", "args": ["x"], "out": ["y"]})"), {"never called"});
  expect_says(functions(f, R"({"call": "f", "args": ["x"], "out": ["z"]}, {"call": "g", "args": ["x"], "out": ["y"]})"),
              {"no function 'g'", "steps[1] call g"});
  expect_says(functions(f, R"({"call": "f", "args": ["x", "x"], "out": ["y"]})"),
              {"'f' takes 1 tensors and gets 2", "args"});
  expect_says(functions(f, R"({"call": "f", "args": ["x"], "out": ["y", "z"]})"),
              {"'f' returns 1 tensors and 2 are taken"});
  expect_says(functions(f, R"({"call": "f", "args": ["x"], "out": ["y"], "params": "l.{i}."})"),
              {"mentions 'i', which is no loop here"});
  expect_says(
      functions(f, R"({"call": "f", "args": ["x"], "out": ["y"], "params": "l.{i.", "for": "i", "in": [0, 4]})"),
      {"braces"});
  expect_says(
      functions(f, R"({"call": "f", "args": ["x"], "out": ["y"], "params": "l.{i}.", "for": "i", "in": [0, "n"]})"),
      {"plain integers"});
  expect_says(functions(f, R"({"call": "f", "args": ["x"], "out": ["y"], "for": "i", "in": [4, 4]})"), {"never runs"});
  expect_says(functions(f, R"({"call": "f", "args": ["x"], "out": ["y"], "for": "i", "in": [0, 10000000]})"),
              {"more than 100000 rounds"});
  expect_says(functions(f, R"({"call": "f", "args": ["x"], "out": ["y"], "for": "n", "in": [0, 2]})"),
              {"'n' is in use already"});
  expect_says(functions(f, R"({"call": "f", "args": ["x"], "out": ["y"], "for": "i"})"), {"come together"});
  expect_says(functions(R"("f": {"args": ["a"], "steps": [{"call": "g", "args": ["a"], "out": ["r"]}], "result": ["r"]},
                           "g": {"args": ["a"], "steps": [{"call": "f", "args": ["a"], "out": ["r"]}], "result": ["r"]})",
                        R"({"call": "f", "args": ["x"], "out": ["y"]})"),
              {"may not recurse", "functions > "});
  expect_says(
      functions(
          R"("f": {"args": ["a"], "steps": [{"op": "aten::relu", "args": ["x"], "out": ["r"]}], "result": ["r"]})",
          R"({"call": "f", "args": ["x"], "out": ["y"]})"),
      {"functions > f > steps[0] op aten::relu > args[0]"});
  expect_says(
      functions(
          R"("f": {"args": ["a"], "steps": [{"op": "aten::mul.Scalar", "args": ["a", "i"], "out": ["r"]}], "result": ["r"]})",
          R"({"call": "f", "args": ["x"], "out": ["z"], "for": "i", "in": [0, 2]}, {"call": "f", "args": ["x"], "out": ["y"]})"),
      {"steps[1] call f", "'f' uses the symbol 'i'"});
  expect_says(functions(R"("f": {"args": ["a"], "steps": [], "result": ["b"]})",
                        R"({"call": "f", "args": ["x"], "out": ["y"]})"),
              {"functions > f > result[0]", "'b'"});
  expect_says(functions(f, R"({"if": "x", "then": "f", "else": "h", "args": ["x"], "out": ["y"]})"),
              {"no function 'h'", "else"});
  std::string chain;
  for (int i = 0; i < 40; ++i)
    chain += R"("f)" + std::to_string(i) + R"(": {"args": ["a"], "steps": [{"call": "f)" + std::to_string(i + 1) +
             R"(", "args": ["a"], "out": ["r"]}], "result": ["r"]}, )";
  chain += R"("f40": {"args": ["a"], "steps": [], "result": ["a"]})";
  expect_says(functions(chain, R"({"call": "f0", "args": ["x"], "out": ["y"]})"), {"nest deeper than 32"});
}

TEST(Check, TextThatIsNoPlan) {
  expect_says("", {"this is not JSON", "plan.json", "line 1 col 1"});
  expect_says("{\"burnish_plan\": 1,\n \"steps\": [}", {"this is not JSON", "line 2"});
  expect_says("[1]", {"an object is wanted"});
  expect_says("{}", {"'burnish_plan' is missing"});
  expect_says(R"({"burnish_plan": 2})", {"version 2"});
  expect_says(R"({"burnish_plan": 1, "inputs": {}, "steps": []})", {"'result' is missing"});
  expect_says(R"({"burnish_plan": 1, "inputs": {}, "steps": {}, "result": null})", {"a list of steps is wanted"});
  expect_says(R"({"burnish_plan": 1, "inputs": {}, "steps": [3], "result": null})",
              {"steps[0]", "a step is an object"});
  expect_says(R"({"burnish_plan": 1, "burnish_plan": 1})", {"stands twice"});
  expect_says(std::string(100'000, '['), {"nested deeper"});
  expect_says("\"\xff\"", {"not JSON"});
  std::string many = R"({"burnish_plan": 1, "inputs": {}, "result": null, "steps": [0)";
  for (int i = 0; i < 100'000; ++i) many += ",0";
  expect_says(many + "]}", {"more than 100000 steps"});
}

}  // namespace
}  // namespace burnish
