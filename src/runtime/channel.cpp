#include <pybind11/pybind11.h>
#include <pybind11/stl.h>
#include <unistd.h>

#include "base/sandbox.h"
#include "runtime/python_convert.h"
#include "runtime/remote.h"

/// burnish._runtime.Remote: the judge's end of a worker, for burnish.workers.
namespace burnish {

void bind_worker(pybind11::module_& module);

namespace {

namespace py = pybind11;

/// Tensors stay tensors; everything else arrives as its JSON text.
std::vector<std::vector<Leaf>> slots_of(const py::sequence& slots) {
  std::vector<std::vector<Leaf>> result;
  for (const auto& leaves : slots) {
    auto& slot = result.emplace_back();
    for (const auto& leaf : leaves.cast<py::sequence>()) {
      if (THPVariable_Check(leaf.ptr()))
        slot.emplace_back(THPVariable_Unpack(leaf.ptr()));
      else
        slot.emplace_back(json::parse(leaf.cast<std::string>()));
    }
  }
  return result;
}

std::vector<NamedTensor> params_of(const py::sequence& params) {
  std::vector<NamedTensor> result;
  for (const auto& item : params) {
    const auto tuple = item.cast<py::tuple>();
    result.push_back({tuple[0].cast<std::string>(), python::tensor_of(tuple[1].ptr()), tuple[2].cast<bool>()});
  }
  return result;
}

py::list list_of(const std::vector<at::Tensor>& tensors) {
  py::list list;
  for (const auto& t : tensors) list.append(python::object_of(t));
  return list;
}

/// (ok, reason, message, tensors, structure as JSON, peak bytes, guards broken, inputs, slot, addresses)
py::tuple tuple_of(const Outcome& o) {
  return py::make_tuple(o.ok, o.reason,
                        py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
                            o.message.data(), static_cast<Py_ssize_t>(o.message.size()), "replace")),
                        list_of(o.tensors),
                        py::reinterpret_steal<py::object>(PyUnicode_DecodeUTF8(
                            o.structure.data(), static_cast<Py_ssize_t>(o.structure.size()), "replace")),
                        o.peak_bytes, o.guard_broken, list_of(o.inputs), o.slot, o.addresses);
}

template <class T>
T require(Result<T> result) {
  if (!result) python::raise(result.error());
  if constexpr (!std::is_void_v<T>) return std::move(*result);
}

/// Runs `f` without the interpreter's lock.
template <class F>
auto unlocked(const F& f) {
  const py::gil_scoped_release release;
  return f();
}

protocol::Device device_of(const std::string& name) {
  if (name == "cuda") return protocol::Device::cuda;
  return name == "copied" ? protocol::Device::copied : protocol::Device::cpu;
}

std::string dump(const json& value) {
  return value.dump(-1, ' ', true, json::error_handler_t::replace);
}

}  // namespace

void bind_channel(py::module_& module) {
  bind_worker(module);
  py::class_<Remote>(module, "Remote", "The judge's end of a worker.")
      .def_static(
          "start",
          [](const std::vector<std::string>& argv, const std::vector<std::string>& readable,
             const std::vector<std::pair<std::string, std::string>>& env, bool sandbox, std::uint64_t memory_bytes,
             std::uint64_t tmp_bytes, double start_timeout, int nursery, const std::string& request,
             const std::string& device) {
            const RemoteOptions options{argv,         readable,  env,           sandbox, device_of(device),
                                        memory_bytes, tmp_bytes, start_timeout, nursery, request};
            return require(unlocked([&] { return Remote::start(options); }));
          },
          py::kw_only(), py::arg("argv"), py::arg("readable"), py::arg("env"), py::arg("sandbox"),
          py::arg("memory_bytes"), py::arg("tmp_bytes"), py::arg("start_timeout"), py::arg("nursery") = -1,
          py::arg("request") = "", py::arg("device") = "cpu")
      .def("request",
           [](Remote& r, const std::string& message, double timeout) {
             const auto parsed = json::parse(message);
             return dump(require(unlocked([&] { return r.request(parsed, timeout); })));
           })
      .def("set_params",
           [](Remote& r, const py::sequence& params, double timeout) {
             auto named = params_of(params);
             return dump(require(unlocked([&] { return r.set_params(std::move(named), timeout); })));
           })
      .def("write_params", [](Remote& r, const py::sequence& params) { require(r.write_params(params_of(params))); })
      .def("set_slots",
           [](Remote& r, const py::sequence& slots, double timeout) {
             auto leaves = slots_of(slots);
             require(unlocked([&] { return r.set_slots(std::move(leaves), timeout); }));
           })
      .def("overwrite_slots", [](Remote& r, const py::sequence& slots) { require(r.overwrite_slots(slots_of(slots))); })
      .def("call",
           [](Remote& r, std::uint32_t slot, bool poison, bool keep, bool hoard, double timeout) {
             const std::uint32_t flags =
                 (poison ? protocol::poison : 0U) | (keep ? protocol::keep : 0U) | (hoard ? protocol::hoard : 0U);
             return tuple_of(unlocked([&] { return r.call(slot, flags, timeout); }));
           })
      .def("previous", [](Remote& r) { return tuple_of(unlocked([&] { return r.previous(); })); })
      .def(
          "time",
          [](Remote& r, const std::vector<std::uint32_t>& order, std::uint32_t calls, std::uint32_t batch, bool flush,
             const std::set<std::uint32_t>& sample, const std::vector<std::uint32_t>& vary,
             const std::vector<std::uint32_t>& poke, double timeout) {
            const TimeOptions options{order, calls, std::max(1U, batch), flush, sample, vary, poke, timeout};
            const auto timed = unlocked([&] { return r.time(options); });
            py::dict sampled;
            for (const auto& [number, outcome] : timed.sampled) sampled[py::int_(number)] = tuple_of(outcome);
            return py::make_tuple(timed.seconds, sampled,
                                  timed.failed ? py::object(tuple_of(*timed.failed)) : py::none());
          },
          py::kw_only(), py::arg("order"), py::arg("calls"), py::arg("batch"), py::arg("flush"), py::arg("sample"),
          py::arg("vary"), py::arg("poke"), py::arg("timeout"))
      .def("inputs_changed", &Remote::inputs_changed)
      .def("params_changed", &Remote::params_changed)
      .def("sealed", &Remote::sealed)
      .def("freeze", &Remote::freeze, py::call_guard<py::gil_scoped_release>())
      .def("thaw", &Remote::thaw, py::call_guard<py::gil_scoped_release>())
      .def("alive", &Remote::alive)
      .def("close", &Remote::close, py::call_guard<py::gil_scoped_release>())
      .def("log", &Remote::log)
      .def_property_readonly("pid", &Remote::pid);
  module.def(
      "try_sandbox", [] { require(unlocked([] { return try_sandbox(); })); },
      "Starts a sandboxed program; raises Error with what is wrong.");
}

}  // namespace burnish
