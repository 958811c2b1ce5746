#include <c10/core/GradMode.h>
#include <c10/util/SmallVector.h>
#include <pybind11/pybind11.h>

#include "runtime/bound.h"
#include "runtime/python_convert.h"
#include "runtime/python_pattern.h"

/// burnish._runtime.Caller: the deployed call, in C all the way from forward's arguments to forward's result. It checks
/// that the module is as it was, flattens the arguments, checks the guards, runs the plan without the GIL, and builds
/// the result; whatever does not fit goes to the original module.
namespace burnish::python {
namespace {

/// A dict's entry that must stay the same object: a submodule, a `training` flag, a parameter.
struct Watched {
  py::object dict, key, expected;
  bool same() const {
    return PyDict_GetItemWithError(dict.ptr(), key.ptr()) == expected.ptr();  // borrowed; null if it went
  }
};

/// A dict whose number of entries must stay: hooks.
struct Counted {
  py::object dict;
  Py_ssize_t size;
};

class Caller {
 public:
  explicit Caller(const py::dict& spec)
      : bound_(py::cast<std::shared_ptr<Bound>>(spec["bound"])),
        arguments_(py::reinterpret_borrow<py::list>(spec["parameters"])),
        results_(py::reinterpret_borrow<py::tuple>(spec["result"])),
        original_(spec["original"]),
        missed_(spec["missed"]),
        rebind_(spec["rebind"]) {
    for (const auto& item : py::reinterpret_borrow<py::list>(spec["watched"])) watched_.push_back(watched(item));
    for (const auto& item : py::reinterpret_borrow<py::list>(spec["params"])) params_.push_back(watched(item));
    for (const auto& item : py::reinterpret_borrow<py::list>(spec["counted"])) {
      const auto pair = py::reinterpret_borrow<py::tuple>(item);
      counted_.push_back({pair[0], py::cast<Py_ssize_t>(pair[1])});
    }
  }

  /// The plan's result, or the original's.
  PyObject* call(PyObject* args, PyObject* kwargs) {
    std::string reason;
    if (PyObject* result = attempt(args, kwargs, reason)) return result;
    if (PyErr_Occurred()) return nullptr;
    if (!std::exchange(warned_, true)) missed_(reason);
    return PyObject_Call(original_.ptr(), args, kwargs);
  }

  /// The plan's result, or null and the reason. Null with a Python error set if that was raised.
  PyObject* attempt(PyObject* args, PyObject* kwargs, std::string& reason) {
    if (const char* changed = find_change(reason)) reason = changed;
    if (!reason.empty()) return nullptr;
    c10::SmallVector<c10::IValue, 8> leaves;
    leaves.resize(arguments_.leaves());
    if (const char* misfit = arguments_.flatten(args, kwargs, leaves.data())) {
      reason = misfit;
      return nullptr;
    }
    if (c10::GradMode::is_enabled() && requires_grad(leaves)) {
      reason = "grad mode is on and an input or parameter requires grad (call it under torch.no_grad())";
      return nullptr;
    }
    std::vector<c10::IValue> results;
    Bound::Outcome outcome;
    {
      const py::gil_scoped_release release;
      outcome = bound_->run({leaves.data(), leaves.size()}, results);
    }
    if (const auto* missed = std::get_if<Bound::Missed>(&outcome)) reason = missed->guard;
    if (const auto* error = std::get_if<Error>(&outcome)) reason = "the plan failed: " + to_text(*error);
    return reason.empty() ? results_.build(results) : nullptr;
  }

 private:
  static Watched watched(const py::handle& item) {
    const auto triple = py::reinterpret_borrow<py::tuple>(item);
    return {triple[0], triple[1], triple[2]};
  }

  bool requires_grad(const c10::SmallVector<c10::IValue, 8>& leaves) const {
    for (const auto& leaf : leaves)
      if (leaf.isTensor() && leaf.toTensor().requires_grad()) return true;
    return bound_->any_param_requires_grad();
  }

  /// Looks whether the module is as it was; takes over parameters that were replaced.
  const char* find_change(std::string& reason) {
    for (const auto& entry : watched_)
      if (!entry.same()) return "the module or a submodule is in training mode or was replaced";
    for (const auto& entry : counted_)
      if (PyDict_Size(entry.dict.ptr()) != entry.size) return "the module's hooks have changed";
    for (const auto& entry : params_)
      if (!entry.same()) {
        take_over(reason);
        return nullptr;
      }
    reason = unfit_;
    return nullptr;
  }

  /// `rebind()` gives the parameters of now, or a sentence that says why the plan does not hold for them.
  void take_over(std::string& reason) {
    const py::tuple now = rebind_();
    const auto expected = py::reinterpret_borrow<py::list>(now[0]);
    for (std::size_t i = 0; i < params_.size(); ++i) params_[i].expected = expected[i];
    reason = unfit_ = py::cast<std::string>(now[1]);
  }

  std::shared_ptr<Bound> bound_;
  Arguments arguments_;
  Results results_;
  py::object original_, missed_, rebind_;
  std::vector<Watched> watched_, params_;
  std::vector<Counted> counted_;
  std::string unfit_;  ///< why the parameters of now do not fit the plan
  bool warned_ = false;
};

/// The Python object: a type of our own, since a call through pybind11 costs more than all guards together.
struct CallerObject {
  PyObject_HEAD Caller* caller;
};

/// Calls `f`, which may throw, at a border where Python wants null and an error.
template <class F>
PyObject* guarded(const F& f) {
  try {
    return f();
  } catch (py::error_already_set& error) {
    error.restore();
  } catch (const std::exception& error) {
    PyErr_SetString(PyExc_RuntimeError, error.what());
  }
  return nullptr;
}

PyObject* call(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&] { return reinterpret_cast<CallerObject*>(self)->caller->call(args, kwargs); });
}

/// attempt(*args, **kwargs) -> result, or a str that says why the plan did not run.
PyObject* attempt(PyObject* self, PyObject* args, PyObject* kwargs) {
  return guarded([&]() -> PyObject* {
    std::string reason;
    if (PyObject* result = reinterpret_cast<CallerObject*>(self)->caller->attempt(args, kwargs, reason))
      return Py_BuildValue("(N)", result);
    return PyErr_Occurred() ? nullptr : PyUnicode_FromString(reason.c_str());
  });
}

PyObject* create(PyTypeObject* type, PyObject* args, PyObject*) {
  return guarded([&]() -> PyObject* {
    PyObject* spec = nullptr;
    if (!PyArg_ParseTuple(args, "O!", &PyDict_Type, &spec)) return nullptr;
    auto made = std::make_unique<Caller>(py::reinterpret_borrow<py::dict>(spec));
    PyObject* self = type->tp_alloc(type, 0);
    if (self) reinterpret_cast<CallerObject*>(self)->caller = made.release();
    return self;
  });
}

void destroy(PyObject* self) {
  PyTypeObject* type = Py_TYPE(self);
  delete reinterpret_cast<CallerObject*>(self)->caller;
  type->tp_free(self);
  Py_DECREF(type);
}

PyMethodDef methods[] = {
    {"attempt", reinterpret_cast<PyCFunction>(reinterpret_cast<void (*)()>(&attempt)), METH_VARARGS | METH_KEYWORDS,
     "(result,) of the plan, or a str that says why it did not run."},
    {nullptr, nullptr, 0, nullptr}};

PyType_Slot slots[] = {
    {Py_tp_new, reinterpret_cast<void*>(&create)},
    {Py_tp_call, reinterpret_cast<void*>(&call)},
    {Py_tp_dealloc, reinterpret_cast<void*>(&destroy)},
    {Py_tp_methods, methods},
    {Py_tp_doc, const_cast<char*>("Runs a bound plan for forward's arguments, or the original module.")},
    {0, nullptr}};
PyType_Spec type_spec = {"burnish._runtime.Caller", sizeof(CallerObject), 0, Py_TPFLAGS_DEFAULT, slots};

}  // namespace
}  // namespace burnish::python

namespace burnish {

void bind_call(pybind11::module_& module) {
  const auto type = pybind11::reinterpret_steal<pybind11::object>(PyType_FromSpec(&python::type_spec));
  if (!type) throw pybind11::error_already_set();
  module.attr("Caller") = type;
}

}  // namespace burnish
