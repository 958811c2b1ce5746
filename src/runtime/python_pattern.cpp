#include "runtime/python_pattern.h"

#include "runtime/python_convert.h"

namespace burnish::python {

bool to_leaf(PyObject* object, c10::IValue& leaf) {
  if (THPVariable_CheckExact(object)) {
    leaf = THPVariable_Unpack(object);
    return true;
  }
  if (object == Py_None) {
    leaf = c10::IValue();
    return true;
  }
  if (PyBool_Check(object)) {
    leaf = object == Py_True;
    return true;
  }
  if (PyLong_CheckExact(object)) {
    int overflow = 0;
    const long long value = PyLong_AsLongLongAndOverflow(object, &overflow);
    leaf = static_cast<std::int64_t>(value);
    return overflow == 0;
  }
  if (PyFloat_CheckExact(object)) {
    leaf = PyFloat_AS_DOUBLE(object);
    return true;
  }
  if (!PyUnicode_CheckExact(object)) return false;
  leaf = py::cast<std::string>(object);
  return true;
}

Pattern Pattern::from(const py::handle& spec) {
  Pattern pattern;
  if (spec.is_none()) return pattern;
  if (py::isinstance<py::int_>(spec)) {
    pattern.kind = Kind::leaf;
    pattern.leaf = py::cast<std::size_t>(spec);
    return pattern;
  }
  const auto pair = py::reinterpret_borrow<py::tuple>(spec);
  const bool mapping = py::cast<std::string>(pair[0]) == "map";
  pattern.kind = mapping ? Kind::mapping : Kind::sequence;
  for (const auto& item : py::reinterpret_borrow<py::list>(pair[1])) {
    if (mapping) pattern.keys.push_back(py::reinterpret_borrow<py::object>(item[py::int_(0)]));
    pattern.children.push_back(
        from(mapping ? py::object(item[py::int_(1)]) : py::reinterpret_borrow<py::object>(item)));
  }
  return pattern;
}

const char* Pattern::flatten(PyObject* object, c10::IValue* leaves) const {
  switch (kind) {
    case Kind::leaf:
      return to_leaf(object, leaves[leaf]) ? nullptr : "an argument is of a type that plans do not take";
    case Kind::empty: {
      const Py_ssize_t size = PyObject_Size(object);
      PyErr_Clear();
      return size == 0 ? nullptr : "an argument has parts that the plan does not know";
    }
    case Kind::sequence: {
      if (!PyList_CheckExact(object) && !PyTuple_Check(object)) return "an argument is no list or tuple";
      if (PySequence_Fast_GET_SIZE(object) != static_cast<Py_ssize_t>(children.size()))
        return "a list of arguments has another length";
      for (std::size_t i = 0; i < children.size(); ++i)
        if (const char* misfit =
                children[i].flatten(PySequence_Fast_GET_ITEM(object, static_cast<Py_ssize_t>(i)), leaves))
          return misfit;
      return nullptr;
    }
    case Kind::mapping:
      break;
  }
  if (PyMapping_Size(object) != static_cast<Py_ssize_t>(children.size())) {
    PyErr_Clear();
    return "a dict of arguments has other keys";
  }
  for (std::size_t i = 0; i < children.size(); ++i) {
    const auto item = py::reinterpret_steal<py::object>(PyObject_GetItem(object, keys[i].ptr()));
    if (!item) {
      PyErr_Clear();
      return "a dict of arguments has other keys";
    }
    if (const char* misfit = children[i].flatten(item.ptr(), leaves)) return misfit;
  }
  return nullptr;
}

namespace {
std::size_t count_leaves(const Pattern& pattern) {
  std::size_t leaves = pattern.kind == Pattern::Kind::leaf ? 1 : 0;
  for (const auto& child : pattern.children) leaves += count_leaves(child);
  return leaves;
}
}  // namespace

Arguments::Arguments(const py::list& parameters) {
  bool plain = true;
  for (const auto& item : parameters) {
    const auto row = py::reinterpret_borrow<py::tuple>(item);
    const auto kind = py::cast<std::string>(row[1]);
    Parameter parameter{.name = row[0],
                        .fallback = row[2],
                        .kind = kind == "positional" ? Parameter::Kind::positional
                                : kind == "keyword"  ? Parameter::Kind::keyword
                                : kind == "rest"     ? Parameter::Kind::rest
                                                     : Parameter::Kind::names,
                        .has_default = py::cast<bool>(row[3]),
                        .pattern = Pattern::from(row[4])};
    leaves_ += count_leaves(parameter.pattern);
    plain = plain && parameter.kind == Parameter::Kind::positional && parameter.pattern.kind == Pattern::Kind::leaf;
    if (plain) plain_.push_back(parameter.pattern.leaf);
    parameters_.push_back(std::move(parameter));
  }
  if (!plain) plain_.clear();
}

const char* Arguments::flatten(PyObject* args, PyObject* kwargs, c10::IValue* leaves) const {
  const bool no_names = !kwargs || PyDict_GET_SIZE(kwargs) == 0;
  if (!no_names || plain_.empty() || PyTuple_GET_SIZE(args) != static_cast<Py_ssize_t>(plain_.size()))
    return flatten_slow(args, kwargs, leaves);
  for (std::size_t i = 0; i < plain_.size(); ++i)
    if (!to_leaf(PyTuple_GET_ITEM(args, static_cast<Py_ssize_t>(i)), leaves[plain_[i]]))
      return "an argument is of a type that plans do not take";
  return nullptr;
}

const char* Arguments::flatten_slow(PyObject* args, PyObject* kwargs, c10::IValue* leaves) const {
  const Py_ssize_t given = PyTuple_GET_SIZE(args), named = kwargs ? PyDict_GET_SIZE(kwargs) : 0;
  Py_ssize_t position = 0, names_used = 0;
  for (const auto& parameter : parameters_) {
    py::object value;
    if (parameter.kind == Parameter::Kind::rest) {
      value = py::reinterpret_steal<py::object>(PyTuple_GetSlice(args, position, given));
      position = given;
    } else if (parameter.kind == Parameter::Kind::names) {
      py::dict rest;
      if (kwargs)
        for (const auto& [key, item] : py::reinterpret_borrow<py::dict>(kwargs)) {
          bool known = false;
          for (const auto& other : parameters_) known = known || other.name.equal(key);
          if (!known) rest[key] = item;
        }
      names_used += PyDict_GET_SIZE(rest.ptr());
      value = rest;
    } else if (parameter.kind == Parameter::Kind::positional && position < given) {
      value = py::reinterpret_borrow<py::object>(PyTuple_GET_ITEM(args, position++));
    } else if (PyObject* item = named ? PyDict_GetItemWithError(kwargs, parameter.name.ptr()) : nullptr) {
      value = py::reinterpret_borrow<py::object>(item);
      ++names_used;
    } else if (parameter.has_default) {
      value = parameter.fallback;
    } else {
      return "an argument of forward is missing";
    }
    if (const char* misfit = parameter.pattern.flatten(value.ptr(), leaves)) return misfit;
  }
  return position == given && names_used == named ? nullptr : "the arguments do not fit forward";
}

Results::Results(const py::tuple& spec) {
  const auto kind = py::cast<std::string>(spec[0]);
  kind_ = kind == "leaf"    ? Kind::leaf
          : kind == "tuple" ? Kind::tuple
          : kind == "list"  ? Kind::list
          : kind == "dict"  ? Kind::dict
                            : Kind::tree;
  if (kind_ == Kind::dict)
    for (const auto& key : py::reinterpret_borrow<py::list>(spec[1]))
      keys_.push_back(py::reinterpret_borrow<py::object>(key));
  if (kind_ == Kind::tree) rebuild_ = spec[1];
}

PyObject* Results::build(const std::vector<c10::IValue>& results) const {
  if (kind_ == Kind::leaf) return object_of(results.at(0)).release().ptr();
  if (kind_ == Kind::tuple) {
    py::tuple tuple(results.size());
    for (std::size_t i = 0; i < results.size(); ++i) tuple[i] = object_of(results[i]);
    return tuple.release().ptr();
  }
  if (kind_ == Kind::dict) {
    py::dict dict;
    for (std::size_t i = 0; i < results.size(); ++i) dict[keys_.at(i)] = object_of(results[i]);
    return dict.release().ptr();
  }
  py::list list(results.size());
  for (std::size_t i = 0; i < results.size(); ++i) list[i] = object_of(results[i]);
  if (kind_ == Kind::list) return list.release().ptr();
  return rebuild_(list).release().ptr();
}

}  // namespace burnish::python
