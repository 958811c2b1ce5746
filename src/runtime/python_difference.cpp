#include <pybind11/stl.h>

#include "runtime/difference.h"
#include "runtime/python_convert.h"

namespace burnish {
namespace {

namespace py = pybind11;

std::optional<at::Tensor> optional_tensor(const py::object& object) {
  if (object.is_none()) return std::nullopt;
  return python::tensor_of(object.ptr());
}

py::tuple measured(const py::object& values, const py::object& target, const py::object& valid,
                   const std::vector<std::vector<std::int64_t>>& cuts) {
  const at::Tensor& a = python::tensor_of(values.ptr());
  const auto b = optional_tensor(target), mask = optional_tensor(valid);
  Difference found;
  {
    py::gil_scoped_release released;
    found = difference(a, b, mask, cuts);
  }
  py::list parts;
  for (const PartSums& p : found.parts)
    parts.append(
        py::make_tuple(python::object_of(p.squares), python::object_of(p.fourths), python::object_of(p.counts)));
  return py::make_tuple(found.finite, found.count, found.worst, found.squares, found.fourths, parts);
}

}  // namespace

void bind_difference(py::module_& module) {
  module.def(
      "difference", &measured, py::arg("values"), py::arg("target"), py::arg("valid"), py::arg("cuts"),
      "(finite, count, worst, squares, fourths, [(squares, fourths, counts) of each cut's parts]) of values - target, "
      "in double. float32 or float64 in host memory; ValueError for anything else.");
}

}  // namespace burnish
