#include <pybind11/pybind11.h>

#include "runtime/arguments.h"
#include "runtime/bound.h"
#include "runtime/python_convert.h"
#include "runtime/python_pattern.h"

/// Program and Bound for Python: burnish._runtime.load, schema, Program, Bound, Error, GuardMiss.
namespace burnish {
namespace python {
namespace {

PyObject* error_type = nullptr;
PyObject* miss_type = nullptr;

c10::IValue leaf_of(PyObject* object) {
  c10::IValue leaf;
  if (to_leaf(object, leaf)) return leaf;
  if (THPVariable_Check(object)) return THPVariable_Unpack(object);
  return c10::IValue(std::string("\0an object of type ", 19) + Py_TYPE(object)->tp_name);  // equals no guard
}

std::vector<c10::IValue> leaves_of(const py::sequence& list) {
  std::vector<c10::IValue> leaves;
  for (const auto& item : list) leaves.push_back(leaf_of(item.ptr()));
  return leaves;
}

[[noreturn]] void raise_miss(const std::string& guard) {
  PyErr_SetString(miss_type, guard.c_str());
  throw py::error_already_set();
}

void require(const Bound::Outcome& outcome) {
  if (const auto* missed = std::get_if<Bound::Missed>(&outcome)) raise_miss(missed->guard);
  if (const auto* error = std::get_if<Error>(&outcome)) raise(*error);
}

py::list result_list(const std::vector<c10::IValue>& results) {
  py::list list;
  for (const auto& result : results) list.append(object_of(result));
  return list;
}

py::list run(Bound& bound, const py::sequence& inputs) {
  const auto leaves = leaves_of(inputs);
  std::vector<c10::IValue> results;
  Bound::Outcome outcome;
  {
    const py::gil_scoped_release release;
    outcome = bound.run(leaves, results);
  }
  require(outcome);
  return result_list(results);
}

py::list profile(Bound& bound, const py::sequence& inputs, int calls) {
  const auto leaves = leaves_of(inputs);
  std::vector<StepProfile> rows;
  Bound::Outcome outcome;
  {
    const py::gil_scoped_release release;
    for (int i = 0; i < calls; ++i) {
      std::vector<c10::IValue> results;
      outcome = bound.profile(leaves, results, rows);
    }
  }
  require(outcome);
  py::list list;
  for (std::size_t i = 0; i < rows.size(); ++i) {
    py::dict row;
    row["step"] = bound.program().steps.instructions[i].where;
    row["seconds"] = rows[i].calls ? rows[i].seconds / static_cast<double>(rows[i].calls) : 0.0;
    row["bytes_in"] = rows[i].calls ? rows[i].bytes_in / rows[i].calls : 0;
    row["bytes_out"] = rows[i].calls ? rows[i].bytes_out / rows[i].calls : 0;
    row["calls"] = rows[i].calls;
    list.append(row);
  }
  return list;
}

std::shared_ptr<const Program> load(const std::string& folder, const py::dict& kernels) {
  std::map<std::string, std::string> files;
  for (const auto& [name, path] : kernels) files[py::cast<std::string>(name)] = py::cast<std::string>(py::str(path));
  Result<std::shared_ptr<const Program>> program = fail("");
  {
    const py::gil_scoped_release release;
    program = load_program(folder, files);
  }
  if (!program) raise(program.error());
  return *program;
}

std::shared_ptr<Bound> bind_params(const std::shared_ptr<const Program>& program, const py::sequence& params) {
  auto tensors = tensors_of(params);
  Result<std::shared_ptr<Bound>> bound = fail("");
  {
    const py::gil_scoped_release release;
    bound = Bound::make(program, std::move(tensors));
  }
  if (!bound) raise(bound.error());
  return *bound;
}

void set_params(Bound& bound, const py::sequence& params) {
  auto tensors = tensors_of(params);
  Status done;
  {
    const py::gil_scoped_release release;
    done = bound.set_params(std::move(tensors));
  }
  if (!done) raise(done.error());
}

void refresh(Bound& bound) {
  Status done;
  {
    const py::gil_scoped_release release;
    done = bound.refresh();
  }
  if (!done) raise(done.error());
}

py::list inputs_of(const Program& program) {
  py::list list;
  for (const auto& input : program.plan.inputs)
    list.append(std::visit([](const auto& i) { return py::make_tuple(i.name, i.path); }, input));
  return list;
}

py::list params_of(const Program& program) {
  py::list list;
  for (const auto& [name, path] : program.params) list.append(py::make_tuple(name, path));
  return list;
}

}  // namespace

void raise(const Error& error) {
  const py::object text = py::str(to_text(error));
  const py::object made = py::reinterpret_steal<py::object>(PyObject_CallOneArg(error_type, text.ptr()));
  made.attr("reason") = error.reason;
  made.attr("what") = error.what;
  made.attr("where") = error.where;
  made.attr("todo") = error.todo;
  PyErr_SetObject(error_type, made.ptr());
  throw py::error_already_set();
}

py::object object_of(const c10::IValue& value) {
  if (value.isTensor()) return object_of(value.toTensor());
  if (value.isBool()) return py::bool_(value.toBool());
  if (value.isInt()) return py::int_(value.toInt());
  if (value.isDouble()) return py::float_(value.toDouble());
  if (value.isString()) return py::str(value.toStringRef());
  return py::none();
}

}  // namespace python

void bind_program(py::module_& module) {
  using namespace python;
  error_type = PyErr_NewException("burnish._runtime.Error", PyExc_RuntimeError, nullptr);
  miss_type = PyErr_NewException("burnish._runtime.GuardMiss", PyExc_Exception, nullptr);
  module.attr("Error") = py::handle(error_type);
  module.attr("GuardMiss") = py::handle(miss_type);
  module.def("load", &load, py::arg("dir"), py::arg("kernels") = py::dict(), "Loads a plan's folder; raises Error.");
  module.def(
      "schema",
      [](const std::string& op) {
        auto text = schema_text(op);
        if (!text) raise(text.error());
        return *text;
      },
      py::arg("op"), "The schema of an operator.");
  py::class_<Program, std::shared_ptr<Program>>(module, "Program")
      .def_property_readonly("inputs", &inputs_of, "(name, path) of each input")
      .def_property_readonly("params", &params_of, "(name, path) of each parameter, in the order that bind takes")
      .def_property_readonly(
          "result", [](const Program& p) { return p.plan.result.dump(); }, "JSON: the result's structure")
      .def_property_readonly(
          "result_type", [](const Program& p) { return p.plan.result_type.is_null() ? "" : p.plan.result_type.dump(); })
      .def(
          "bind", [](const std::shared_ptr<Program>& p, const py::sequence& params) { return bind_params(p, params); },
          py::arg("params"));
  py::class_<Bound, std::shared_ptr<Bound>>(module, "Bound")
      .def("run", &run, py::arg("leaves"), "Runs the plan; raises GuardMiss or Error.")
      .def("profile", &profile, py::arg("leaves"), py::arg("calls") = 1, "Seconds and bytes of each step.")
      .def("refresh", &refresh, "Prepares again.")
      .def("set_params", &set_params, py::arg("params"), "Other parameters from the next call on.")
      .def_property_readonly("recorded", &Bound::recorded, "How many recordings (CUDA graphs) there are.")
      .def_property_readonly("not_recorded", &Bound::not_recorded, "Why runs are not recorded as the plan asks.")
      .def_property_readonly("prepare_seconds", [](const Bound& b) { return b.prepared().seconds; })
      .def_property_readonly("prepare_bytes", [](const Bound& b) { return b.prepared().bytes; })
      .def_property_readonly("prepare_times", [](const Bound& b) { return b.prepared().times; });
}

}  // namespace burnish
