#include <pybind11/pybind11.h>

/// Stands in until channel.cpp (the judge's end of a worker's call loop) is there; that definition overrides this one.
namespace burnish {
__attribute__((weak)) void bind_channel(pybind11::module_&) {}
}  // namespace burnish
