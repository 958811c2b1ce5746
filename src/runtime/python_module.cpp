#include <pybind11/pybind11.h>

/// The extension module burnish._runtime: what python_*.cpp and channel.cpp bind.
namespace py = pybind11;

namespace burnish {
void bind_program(py::module_& module);
void bind_call(py::module_& module);
void bind_channel(py::module_& module);
void bind_difference(py::module_& module);
}  // namespace burnish

PYBIND11_MODULE(_runtime, module) {
  module.doc() = "Burnish's runtime: runs plans on PyTorch's own operators and on compiled kernels";
  burnish::bind_program(module);
  burnish::bind_call(module);
  burnish::bind_channel(module);
  burnish::bind_difference(module);
}
