#pragma once
#include <pybind11/pybind11.h>
#include <torch/csrc/autograd/python_variable.h>

#include <vector>

#include "base/error.h"

/// Tensors and errors across the border to Python, without PyTorch's heavy pybind headers.
namespace burnish::python {

namespace py = pybind11;

/// The tensor in a Python object; raises TypeError for anything else.
inline const at::Tensor& tensor_of(PyObject* object) {
  if (!THPVariable_Check(object))
    throw py::type_error(std::string("a tensor is wanted, here is ") + Py_TYPE(object)->tp_name);
  return THPVariable_Unpack(object);
}

/// None where the tensor is undefined.
inline py::object object_of(const at::Tensor& tensor) {
  if (!tensor.defined()) return py::none();
  return py::reinterpret_steal<py::object>(THPVariable_Wrap(tensor));
}

inline std::vector<at::Tensor> tensors_of(const py::sequence& list) {
  std::vector<at::Tensor> tensors;
  for (const auto& item : list) tensors.push_back(tensor_of(item.ptr()));
  return tensors;
}

/// Raises _runtime.Error: a RuntimeError whose text is the sentence, with .reason, .what, .where and .todo.
[[noreturn]] void raise(const Error& error);

/// The Python object of a result: a tensor, an integer, or a literal of the plan.
py::object object_of(const c10::IValue& value);

}  // namespace burnish::python
