#pragma once
#include <ATen/core/ivalue.h>
#include <pybind11/pybind11.h>

#include <string>
#include <vector>

/// Forward's arguments to the plan's inputs, and the plan's results to forward's result, as patterns that are made
/// once.
namespace burnish::python {

namespace py = pybind11;

/// A Python value as an input of a plan: an exact tensor, None, a boolean, a number or a string. False for anything
/// else.
bool to_leaf(PyObject* object, c10::IValue& leaf);

/// What an argument looks like. From Python: an int is the number of a leaf, ("seq", [patterns]) a list or tuple,
/// ("map", [(key, pattern)]) a dict, None an empty container.
struct Pattern {
  enum class Kind { leaf, sequence, mapping, empty } kind = Kind::empty;
  std::size_t leaf = 0;
  std::vector<Pattern> children;
  std::vector<py::object> keys;

  static Pattern from(const py::handle& spec);
  /// Null, or what does not fit.
  const char* flatten(PyObject* object, c10::IValue* leaves) const;
};

/// Forward's parameters. From Python: a list of (name, kind, default or None, has_default, pattern), kind one of
/// "positional", "keyword", "rest" (*args), "names" (**kwargs).
class Arguments {
 public:
  explicit Arguments(const py::list& parameters);
  std::size_t leaves() const { return leaves_; }
  /// Fills `leaves` (of leaves() values) from a call's arguments. Null, or why they do not fit the plan.
  const char* flatten(PyObject* args, PyObject* kwargs, c10::IValue* leaves) const;

 private:
  struct Parameter {
    py::object name, fallback;
    enum class Kind { positional, keyword, rest, names } kind;
    bool has_default;
    Pattern pattern;
  };
  const char* flatten_slow(PyObject* args, PyObject* kwargs, c10::IValue* leaves) const;

  std::vector<Parameter> parameters_;
  std::vector<std::size_t> plain_;  ///< leaf of each positional argument; empty where an argument is nested
  std::size_t leaves_ = 0;
};

/// The result's structure. From Python: ("leaf",), ("tuple",), ("list",), ("dict", [keys]) of leaves, or ("tree",
/// callable) that gets the list of leaves.
class Results {
 public:
  explicit Results(const py::tuple& spec);
  PyObject* build(const std::vector<c10::IValue>& results) const;

 private:
  enum class Kind { leaf, tuple, list, dict, tree } kind_;
  std::vector<py::object> keys_;
  py::object rebuild_;
};

}  // namespace burnish::python
