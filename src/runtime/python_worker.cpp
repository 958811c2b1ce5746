#include <fmt/format.h>
#include <pybind11/pybind11.h>

#include "base/seccomp.h"
#include "runtime/allocator.h"
#include "runtime/python_convert.h"
#include "runtime/worker_loop.h"

/// The Python form of a worker: burnish.worker prepares a callable and its arguments, the call loop is the one of
/// plans.
namespace burnish {
namespace {

using python::py::handle;
namespace py = pybind11;

/// The pending Python exception as an error; clears it.
Error take_exception() {
  PyObject *type = nullptr, *value = nullptr, *trace = nullptr;
  PyErr_Fetch(&type, &value, &trace);
  PyErr_NormalizeException(&type, &value, &trace);
  const auto t = py::reinterpret_steal<py::object>(type), v = py::reinterpret_steal<py::object>(value),
             b = py::reinterpret_steal<py::object>(trace);
  const std::string name = type ? reinterpret_cast<PyTypeObject*>(type)->tp_name : "exception";
  std::string text = "(its text cannot be had)", reason = "crash";
  if (PyObject* s = v ? PyObject_Str(v.ptr()) : nullptr) {
    const auto owned = py::reinterpret_steal<py::object>(s);
    Py_ssize_t size = 0;
    if (const char* utf8 = PyUnicode_AsUTF8AndSize(s, &size)) text.assign(utf8, static_cast<std::size_t>(size));
  }
  PyErr_Clear();
  // An exception with a word of ours in `reason` says it itself (burnish.errors.BurnishError).
  if (PyObject* r = v ? PyObject_GetAttrString(v.ptr(), "reason") : nullptr) {
    const auto owned = py::reinterpret_steal<py::object>(r);
    if (PyUnicode_Check(r) && name.find("Burnish") != std::string::npos) reason = PyUnicode_AsUTF8(r);
  }
  PyErr_Clear();
  if (name == "MemoryError" || name.find("OutOfMemoryError") != std::string::npos ||
      text.find("can't allocate memory") != std::string::npos)
    reason = "memory";
  text = text.substr(0, text.find('\n'));
  return {name + ": " + text.substr(0, 2000), "", "", reason};
}

void put_string(std::string& out, const std::string& text) {
  out += json(text).dump(-1, ' ', true, json::error_handler_t::replace);
}

/// Flattens a result: tensors in order, and its structure as burnish.judge.trees.flatten_result writes it.
class Flattener {
 public:
  Flattener(std::vector<at::Tensor>& tensors, std::string& text) : tensors_(tensors), text_(text) {}

  Status add(PyObject* node, int depth = 0) {
    if (depth > 50) return fail("the result is nested too deeply", "result", "", "structure");
    if (THPVariable_Check(node)) return add_tensor(node);
    if (node == Py_None) return literal("null");
    if (PyBool_Check(node)) return literal(node == Py_True ? "true" : "false");
    if (PyLong_CheckExact(node) || PyFloat_CheckExact(node)) return add_number(node);
    if (PyUnicode_Check(node)) {
      put_string(text_, py::cast<std::string>(py::reinterpret_borrow<py::object>(node)));
      return {};
    }
    if (PyTuple_CheckExact(node) || PyList_CheckExact(node)) return add_sequence(node, depth);
    if (PyDict_Check(node)) return add_dict(node, depth);
    return add_class(node, depth);
  }

 private:
  Status literal(const char* text) {
    text_ += text;
    return {};
  }

  Status add_tensor(PyObject* node) {
    // Tensor or Parameter themselves: a subclass may compute its values when somebody looks at them.
    if (!THPVariable_CheckExact(node))
      return fail(std::string("an output is a ") + Py_TYPE(node)->tp_name + ", a subclass of Tensor", "result",
                  "return plain tensors", "structure");
    text_ += "{\"tensor\": ";
    text_ += std::to_string(tensors_.size());
    text_ += '}';
    tensors_.push_back(THPVariable_Unpack(node));
    return {};
  }

  Status add_number(PyObject* node) {
    const auto text = py::reinterpret_steal<py::object>(PyObject_Repr(node));
    std::string number = text ? py::cast<std::string>(text) : "null";
    if (number == "inf") number = "Infinity";  // as Python's json writes and reads them
    if (number == "-inf") number = "-Infinity";
    if (number == "nan") number = "NaN";
    text_ += number;
    return {};
  }

  Status add_sequence(PyObject* node, int depth) {
    text_ += '[';
    const Py_ssize_t n = PySequence_Fast_GET_SIZE(node);
    for (Py_ssize_t i = 0; i < n; ++i) {
      if (i) text_ += ", ";
      if (auto ok = add(PySequence_Fast_GET_ITEM(node, i), depth + 1); !ok) return ok;
    }
    text_ += ']';
    return {};
  }

  Status add_dict(PyObject* node, int depth) {
    text_ += '{';
    PyObject *key = nullptr, *value = nullptr;
    bool first = true;
    for (Py_ssize_t at = 0; PyDict_Next(node, &at, &key, &value); first = false) {
      if (!first) text_ += ", ";
      put_string(text_, py::cast<std::string>(py::str(handle(key))));
      text_ += ": ";
      if (auto ok = add(value, depth + 1); !ok) return ok;
    }
    text_ += '}';
    return {};
  }

  /// A named tuple, dataclass or the like: its leaves by PyTorch's pytree registry.
  Status add_class(PyObject* node, int depth) {
    const auto leaves = py::module_::import("torch.utils._pytree").attr("tree_leaves")(handle(node)).cast<py::list>();
    if (leaves.size() == 1 && leaves[0].ptr() == node) {
      text_ += "{\"value\": ";
      put_string(text_, py::cast<std::string>(py::repr(handle(node))).substr(0, 200));
      text_ += '}';
      return {};
    }
    text_ += "{\"class\": ";
    put_string(text_, py::cast<std::string>(py::type::of(handle(node)).attr("__name__")));
    text_ += ", \"leaves\": ";
    if (auto ok = add_sequence(leaves.ptr(), depth); !ok) return ok;
    text_ += '}';
    return {};
  }

  std::vector<at::Tensor>& tensors_;
  std::string& text_;
};

/// `host` has control(request: str) -> str (JSON), `callable`, and `slots`: a list of (args, kwargs).
class PythonCallee : public Callee {
 public:
  explicit PythonCallee(py::object host) : host_(std::move(host)) {}

  Result<json> control(const json& request, SharedMemory&) override {
    try {
      result_ = py::none();
      calls_.clear();
      const auto reply = py::cast<std::string>(host_.attr("control")(request.dump()));
      callable_ = host_.attr("callable");
      for (const auto& slot : host_.attr("slots").cast<py::list>()) {
        const auto pair = slot.cast<py::tuple>();
        calls_.emplace_back(pair[0].cast<py::tuple>(), pair[1].cast<py::dict>());
      }
      return json::parse(reply);
    } catch (py::error_already_set& e) {
      e.restore();
      return std::unexpected(take_exception());
    } catch (const std::exception& e) {
      return fail(e.what(), request.value("do", ""), "", "crash");
    }
  }

  Status call(std::uint32_t slot, std::vector<at::Tensor>& outputs, const std::string*& structure) override {
    if (slot >= calls_.size() || !callable_ || callable_.is_none())
      return fail("no such slot", std::to_string(slot), "", "protocol");
    outputs.clear();
    const auto& [args, kwargs] = calls_[slot];
    PyObject* made = PyObject_Call(callable_.ptr(), args.ptr(), kwargs.size() ? kwargs.ptr() : nullptr);
    if (!made) return std::unexpected(take_exception());
    result_ = py::reinterpret_steal<py::object>(made);
    structure_.clear();
    try {
      if (auto ok = Flattener(outputs, structure_).add(made); !ok) return ok;
    } catch (py::error_already_set& e) {
      e.restore();
      return std::unexpected(take_exception());
    }
    result_ = py::none();  // the tensors live on in `outputs`
    structure = &structure_;
    return {};
  }

 private:
  py::object host_, callable_, result_;
  std::vector<std::pair<py::tuple, py::dict>> calls_;
  std::string structure_;
};

std::unique_ptr<SharedMemory> map_memory() {
  auto memory = SharedMemory::map(protocol::block_fd, protocol::arena_fd);
  if (!memory) python::raise(memory.error());
  return std::move(*memory);
}

py::object tensor_in_arena(SharedMemory& memory, const std::string& description) {
  auto tensor = memory.tensor(json::parse(description));
  if (!tensor) python::raise(tensor.error());
  return python::object_of(*tensor);
}

void take_filter() {
  if (auto ok = install_filter(Filter::running_model); !ok) python::raise(ok.error());
}

}  // namespace

void bind_worker(py::module_& module) {
  py::class_<SharedMemory>(module, "SharedMemory", "A worker's view of the memory that it shares with the judge.")
      .def(py::init(&map_memory))
      .def_property_readonly("on_gpu", &SharedMemory::on_gpu)
      .def("tensor", &tensor_in_arena, py::arg("description"), "A tensor that lies in the arena (JSON).");
  module.def(
      "serve",
      [](py::object host, SharedMemory& memory, const std::string& hello) {
        PythonCallee callee(std::move(host));
        return serve(callee, memory, json::parse(hello));
      },
      py::arg("host"), py::arg("memory"), py::arg("hello"), "A worker's call loop; returns when the judge has closed.");
  module.def("warm_up", &warm_up_torch, py::arg("threads"));
  module.def("install_watched_allocator", &install_watched_allocator);
  module.def("take_filter", &take_filter, "No process or thread may be started from here on.");
}

}  // namespace burnish
