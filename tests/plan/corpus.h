#pragma once
#include <array>
#include <string_view>

/// Valid plans that cover every step kind, for tests that round-trip, inline, cut and mutate them.
namespace burnish::corpus {

inline constexpr std::string_view bias_gelu = R"json({
 "burnish_plan": 1, "target": "cpu",
 "inputs": {"x": {"dtype": "float32", "shape": ["n", 256], "strides": "contiguous"}},
 "where": ["n % 8 == 0", "n > 0"],
 "params": {"w": "linear.weight", "b": "linear.bias"},
 "kernels": {"bias_gelu": {"source": "kernels.cpp"}},
 "prepare": [{"op": "aten::t", "args": ["w"], "out": ["wt"]}],
 "steps": [
  {"op": "aten::mm", "args": ["x", "wt"], "out": ["h"]},
  {"empty": "y", "like": "h"},
  {"launch": "bias_gelu", "range": "size(h, 0)", "grain": 16, "args": ["h", "b", "y", "size(h, -1)"]}],
 "result": "y"})json";

inline constexpr std::string_view cuda = R"json({
 "burnish_plan": 1, "target": "cuda", "graph": true,
 "inputs": {"x": {"dtype": "float16", "shape": ["n", "m"]}},
 "kernels": {"k": {"text": "extern \"C\" __global__ void k(half* x) {}\n"}},
 "steps": [
  {"zero": "y", "dtype": "float32", "shape": ["n", "2 * m"]},
  {"launch": "k", "grid": ["cdiv(numel(x), 1024)", 1, 1], "block": [256, 1, 1], "cluster": [2, 1, 1], "shared_bytes": 4096,
   "cooperative": true, "args": [{"of": "x", "offset": "n * 4"}, "y", null, 7, 0.5, {"float": "-inf"}, "min(n, m, 3)"]}],
 "result": "y"})json";

inline constexpr std::string_view layers = R"json({
 "burnish_plan": 1,
 "inputs": {"x": {"dtype": "float32", "shape": [4, 64]}, "mask": {"dtype": "bool", "shape": [4, 64], "path": "kwargs['mask']"},
            "mode": {"value": "fast", "path": "mode"}},
 "params": {"head": "head.weight"},
 "functions": {
  "block": {"args": ["h", "mask"], "params": {"w": "weight", "b": "bias"},
            "prepare": [{"op": "aten::t", "args": ["w"], "out": ["wt"]}],
            "steps": [{"op": "aten::addmm", "args": ["b", "h", "wt"], "out": ["y"]},
                      {"call": "act", "args": ["y"], "out": ["z"]},
                      {"op": "aten::masked_fill.Scalar", "args": ["z", "mask", 0], "out": ["r"]}],
            "result": ["r"]},
  "act": {"args": ["h"], "steps": [{"op": "aten::gelu", "args": ["h"], "kwargs": {"approximate": {"str": "tanh"}}, "out": ["y"]}], "result": ["y"]},
  "plain": {"args": ["h"], "steps": [{"op": "aten::mul.Scalar", "args": ["h", 2.0], "out": ["y"]}], "result": ["y"]},
  "exact": {"args": ["h"], "steps": [{"op": "aten::add.Tensor", "args": ["h", "h"], "kwargs": {"alpha": 1}, "out": ["y"]}], "result": ["y"]}},
 "steps": [
  {"call": "block", "args": ["x", "mask"], "out": ["h"], "params": "layers.{i}.", "for": "i", "in": [0, 3]},
  {"op": "aten::all", "args": ["mask"], "out": ["flag"]},
  {"if": "flag", "then": "plain", "else": "exact", "args": ["h"], "out": ["c"]},
  {"layout": "cl", "of": "c", "strides": [1, 4]},
  {"op": "aten::linear", "args": ["cl", "head", null], "out": ["logits"]},
  {"op": "aten::topk", "args": ["logits", 3, -1, true, false], "out": ["values", ""]}],
 "result": {"logits": "logits", "top": ["values", null, 3, {"str": "done"}, {"float": "-inf"}], "rows": "size(x, 0)"},
 "result_type": {"kind": "dict"}, "notes": {"by": "hand"}})json";

inline constexpr std::string_view buffers = R"json({
 "burnish_plan": 1,
 "inputs": {"a": {"dtype": "float32", "shape": ["n", 8]}, "b": {"dtype": "float32", "shape": ["n", 8], "strides": ["s + 8", 1]},
            "c": {"dtype": "int64", "shape": ["s"], "strides": "any"}},
 "constants": {"table": "tensor_0"},
 "steps": [
  {"empty": "out", "dtype": "float32", "shape": ["n", 16]},
  {"op": "aten::narrow", "args": ["out", 1, 0, 8], "out": ["left"]},
  {"op": "aten::copy_", "args": ["left", "a"]},
  {"op": "aten::narrow", "args": ["out", 1, 8, 8], "out": ["right"]},
  {"op": "aten::mul.out", "args": ["b", "table"], "kwargs": {"out": "right"}},
  {"op": "aten::cat", "args": [["out", "out"], 1], "out": ["wide"]},
  {"op": "aten::full", "args": [["n", 2], {"float": "inf"}], "kwargs": {"dtype": {"dtype": "float32"}, "device": {"device": "cpu"}}, "out": ["f"]}],
 "result": ["wide", "f"]})json";

/// Nested loops and prefixes, results that are arguments, a choice inside a loop, own memory inside functions.
inline constexpr std::string_view nested = R"json({
 "burnish_plan": 1,
 "inputs": {"x": {"dtype": "float32", "shape": ["n", 64]}},
 "params": {"w3": "outer.1.inner.0.weight"},
 "kernels": {"scale": {"source": "k.cpp"}},
 "functions": {
  "outer": {"args": ["h", "k"], "params": {"g": "gain"},
            "prepare": [{"call": "packed", "args": ["g"], "out": ["gp"]}],
            "steps": [{"call": "inner", "args": ["h"], "out": ["a"], "params": "inner.{j}.", "for": "j", "in": [0, 2]},
                      {"op": "aten::mul.Tensor", "args": ["a", "gp"], "out": ["b"]},
                      {"call": "plus", "args": ["b"], "out": ["c"], "for": "l", "in": ["i", "2 * i + 1"]}],
            "result": ["c", "h"]},
  "plus": {"args": ["h"], "steps": [{"op": "aten::add.Scalar", "args": ["h", "l * n"], "out": ["y"]}], "result": ["y"]},
  "packed": {"args": ["g"], "steps": [{"op": "aten::neg", "args": ["g"], "out": ["p"]}], "result": ["p"]},
  "inner": {"args": ["h"], "params": {"w": "weight"},
            "prepare": [{"op": "aten::t", "args": ["w"], "out": ["wt"]}],
            "steps": [{"op": "aten::mm", "args": ["h", "wt"], "out": ["m"]},
                      {"op": "aten::any", "args": ["m"], "out": ["flag"]},
                      {"if": "flag", "then": "fast", "else": "same", "args": ["m"], "out": ["r"], "params": "post."},
                      {"empty": "y", "like": "r"},
                      {"launch": "scale", "range": "size(y, 0) * (i + 1)", "args": ["r", "y", "i * 2 + n"]}],
            "result": ["y"]},
  "fast": {"args": ["h"], "params": {"b": "bias"}, "steps": [{"op": "aten::add.Tensor", "args": ["h", "b"], "out": ["y"]}], "result": ["y"]},
  "same": {"args": ["h"], "steps": [], "result": ["h"]}},
 "steps": [
  {"call": "outer", "args": ["x", "x"], "out": ["p", "q"], "params": "outer.{i}.", "for": "i", "in": [0, 3]},
  {"op": "aten::mm", "args": ["p", "w3"], "out": ["z"]},
  {"call": "same", "args": ["z"], "out": ["zz"]}],
 "result": [["p", "q"], "zz", "size(zz, 0) + n"]})json";

inline constexpr std::array<std::string_view, 5> plans = {bias_gelu, cuda, layers, buffers, nested};

}  // namespace burnish::corpus
