"""One exported graph on its way to a plan: guarded inputs, parameters by path, constants by value, steps, result."""

from __future__ import annotations

import inspect
import json
import math
import operator
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.export.graph_signature import ConstantArgument, InputKind, InputSpec, SymIntArgument
from torch.fx import Node
from torch.utils import _pytree as pytree

from burnish.errors import BurnishError
from burnish.functional import line_of
from burnish.inputs import Call, Leaf, Names
from burnish.symbols import Symbols

DTYPES = {
    torch.float16: "float16",
    torch.bfloat16: "bfloat16",
    torch.float32: "float32",
    torch.float64: "float64",
    torch.uint8: "uint8",
    torch.int8: "int8",
    torch.int16: "int16",
    torch.int32: "int32",
    torch.int64: "int64",
    torch.bool: "bool",
    torch.complex64: "complex64",
    torch.complex128: "complex128",
}
_MEMORY_FORMATS = {
    torch.contiguous_format: "contiguous",
    torch.channels_last: "channels_last",
    torch.channels_last_3d: "channels_last_3d",
    torch.preserve_format: "preserve",
}


class Translation:
    """One exported graph on its way to a plan."""

    def __init__(
        self, module: torch.nn.Module, program: torch.export.ExportedProgram, leaves: list[Leaf], call: Call
    ) -> None:
        self.module, self.program, self.leaves, self.call = module, program, leaves, call
        self.names = Names()
        self.values: dict[Node, Any] = {}  # node -> name of a tensor, list of names, or a literal
        self.symbols = Symbols(self.names.new)
        self.inputs: dict[str, Any] = {}
        self.params: dict[str, str] = {}
        self.constants: dict[str, str] = {}
        self.constant_values: dict[str, torch.Tensor] = {}
        self.steps: list[dict[str, Any]] = []
        self.meta: dict[str, Any] = {}
        self.used = {n for n in program.graph.nodes if n.users}

    def plan(self, ranges: dict, guards: list) -> tuple[dict[str, Any], dict[str, torch.Tensor]]:
        """The plan as JSON, and its constants."""
        self._placeholders()
        for node in self.program.graph.nodes:
            if node.op == "call_function":
                self._call(node)
            elif node.op == "get_attr":
                self._constant(node, getattr(self.program.graph_module, str(node.target)))
        result = self._result()
        where = self.symbols.ranges(ranges)
        for guard in guards:
            where += [text for text in self.symbols.conditions(guard) if text not in where]
        plan: dict[str, Any] = {
            "burnish_plan": 1,
            "target": self._target(),
            "inputs": self.inputs,
            "where": where,
            "params": self.params,
            "constants": self.constants,
            "steps": self.steps,
            "result": result,
        }
        spec = self.program.call_spec.out_spec
        if not spec.is_leaf():
            try:
                plan["result_type"] = json.loads(pytree.treespec_dumps(spec))
            except Exception as error:  # a class registered without a serialised name
                raise BurnishError(
                    "unsupported",
                    f"forward returns a class that cannot be written down: {error}",
                    source_of(self.module),
                    "return a tensor, list, tuple or dict",
                ) from None
        plan["notes"] = {"torch": torch.__version__, "meta": self.meta}
        return plan, self.constant_values

    def _target(self) -> str:
        """Where the module's tensors, or else its inputs, lie."""
        tensors = [*self.module.parameters(), *self.module.buffers()]
        tensors += [leaf.value for leaf in self.leaves if isinstance(leaf.value, torch.Tensor)]
        return "cuda" if tensors and tensors[0].device.type == "cuda" else "cpu"

    def _placeholders(self) -> None:
        nodes = [n for n in self.program.graph.nodes if n.op == "placeholder"]
        specs = self.program.graph_signature.input_specs
        by_id = {id(t): node for t, node in self._user_tensors(nodes, specs)}
        for leaf in self.leaves:
            self._input(leaf, by_id)
        state = _named_state(self.module)
        for node, spec in zip(nodes, specs, strict=False):
            if spec.kind is InputKind.USER_INPUT:
                if node not in self.values and node in self.used:
                    raise self._unsupported(node, "an argument of forward is of a class that Burnish cannot take apart")
            elif node in self.used:
                self._state(node, spec, state)

    def _user_tensors(self, nodes: list[Node], specs: list[InputSpec]) -> Iterator[tuple[torch.Tensor, Node]]:
        """Which placeholder stands for which tensor of the call: torch.export flattens the call as pytree does."""
        user = [(node, spec) for node, spec in zip(nodes, specs, strict=False) if spec.kind is InputKind.USER_INPUT]
        flat = pytree.tree_leaves(self.call)
        if len(flat) != len(user):
            raise BurnishError(
                "unsupported",
                f"torch.export sees {len(user)} inputs where the call has {len(flat)}",
                source_of(self.module),
                "pass tensors, numbers, and lists and dicts of them",
            )
        for value, (node, spec) in zip(flat, user, strict=False):
            if isinstance(value, torch.Tensor):
                yield value, node
            elif isinstance(spec.arg, ConstantArgument | SymIntArgument) or node not in self.used:
                self.values[node] = value

    def _input(self, leaf: Leaf, by_id: dict[int, Node]) -> None:
        name = self.names.new(leaf.name)
        entry: dict[str, Any]
        if isinstance(leaf.value, torch.Tensor):
            node = by_id.get(id(leaf.value))
            if node is None:
                raise BurnishError(
                    "unsupported",
                    f"the argument {leaf.path!r} is not seen by torch.export",
                    source_of(self.module),
                    "pass tensors, numbers, and lists and dicts of them",
                )
            value = node.meta["val"]
            shape = [self._bound(size) for size in value.shape]
            entry = {"dtype": _dtype(value, leaf.path), "shape": shape, "strides": self._strides(value)}
            self.values[node] = name
            self._note(name, value)
        elif _is_plain(leaf.value):
            entry = {"value": leaf.value}
        else:
            raise BurnishError(
                "unsupported",
                f"the argument {leaf.path!r} is {type(leaf.value).__name__}",
                source_of(self.module),
                "pass tensors, numbers, strings, None, and lists and dicts of them",
            )
        if leaf.path != name:
            entry["path"] = leaf.path
        self.inputs[name] = entry

    def _bound(self, size: int | torch.SymInt) -> int | str:
        if isinstance(size, torch.SymInt) and size.node.expr.is_Symbol:
            return self.symbols.bind(size.node.expr)
        return self.symbols.size(size)

    def _strides(self, value: torch.Tensor) -> str | list[int | str]:
        if value.is_contiguous():
            return "contiguous"
        if value.dim() == 4 and value.is_contiguous(memory_format=torch.channels_last):
            return "channels_last"
        if value.dim() == 5 and value.is_contiguous(memory_format=torch.channels_last_3d):
            return "channels_last_3d"
        return [self.symbols.size(stride) for stride in value.stride()]

    def _state(self, node: Node, spec: InputSpec, state: dict[int, str]) -> None:
        """A parameter or buffer by its path (the first, where it has several), or a constant by value."""
        if spec.kind in (InputKind.PARAMETER, InputKind.BUFFER):
            assert spec.target is not None
            tensor = _at(self.module, spec.target)
            path = state.get(id(tensor), spec.target)
            found = next((name for name, p in self.params.items() if p == path), None)
            if found is None:
                found = self.names.new(path.replace(".", "_"))
                self.params[found] = path
                self._note(found, node.meta["val"])
            self.values[node] = found
        elif spec.kind is InputKind.CONSTANT_TENSOR:
            self._constant(node, self.program.constants[spec.target])
        else:
            raise self._unsupported(node, f"the graph has an input of kind {spec.kind.name}")

    def _constant(self, node: Node, value: Any) -> None:
        if not isinstance(value, torch.Tensor):
            raise self._unsupported(node, f"the graph holds a {type(value).__name__}")
        value = value.detach()
        for tensor in [*self.module.parameters(), *self.module.buffers()]:
            if tensor.numel() and value.untyped_storage().data_ptr() == tensor.untyped_storage().data_ptr():
                raise self._unsupported(
                    node, "the module keeps a tensor that shares memory with a parameter, outside of its parameters"
                )
        name = self.names.new(node.name)
        _dtype(value, name)
        self.constants[name] = name
        self.constant_values[name] = value
        self.values[node] = name
        self._note(name, value.contiguous())

    def _call(self, node: Node) -> None:
        value = node.meta.get("val")
        if isinstance(value, int | float | torch.SymInt | torch.SymFloat | torch.SymBool) and not isinstance(
            node.target, torch._ops.HigherOrderOperator
        ):
            return  # sizes: written as expressions where they are used
        if node.target is operator.getitem:
            self.values[node] = self.values[node.args[0]][node.args[1]]
            return
        if not isinstance(node.target, torch._ops.OpOverload):
            raise self._unsupported(node, f"{getattr(node.target, '__name__', node.target)} is no ATen operator")
        if node.target.namespace != "aten":
            raise self._unsupported(node, f"the operator {node.target._schema.name} is not one of PyTorch's own")
        _refuse_random(node)
        target, args = self._by_schema(node)
        step: dict[str, Any] = {"op": f"aten::{target._schema.name.split('::')[1]}"}
        if target._schema.overload_name:
            step["op"] += f".{target._schema.overload_name}"
        step["args"] = [self._argument(node, a) for a in args]
        if node.kwargs:
            step["kwargs"] = {key: self._argument(node, a) for key, a in node.kwargs.items()}
        step["out"] = self._outputs(node, value)
        self.steps.append(step)

    def _outputs(self, node: Node, value: Any) -> list[str]:
        """Names for what an operator returns; "" for what nothing reads."""
        if isinstance(value, torch.Tensor):
            name = self.names.new(node.name)
            self.values[node] = name
            self._note(name, value)
            return [name]
        if not isinstance(value, list | tuple):
            raise self._unsupported(node, f"{node.target} returns {type(value).__name__}")
        read = {user.args[1]: user for user in node.users if user.target is operator.getitem and user.users}
        whole = any(user.target is not operator.getitem for user in node.users)
        out = []
        for i, item in enumerate(value):
            if not isinstance(item, torch.Tensor) and (i in read or whole):
                raise self._unsupported(node, f"{node.target} returns {type(item).__name__}")
            name = self.names.new(read[i].name if i in read else f"{node.name}_{i}") if i in read or whole else ""
            if name:
                self._note(name, item)
            out.append(name)
        self.values[node] = out
        return out

    def _by_schema(self, node: Node) -> tuple[torch._ops.OpOverload, tuple]:
        """Python lets a number stand for a tensor (`mul.Tensor(x, 2)`); here the overload for numbers is named."""
        target = node.target
        numbers = [
            i
            for i, (argument, value) in enumerate(zip(target._schema.arguments, node.args, strict=False))
            if str(argument.type) == "Tensor" and isinstance(value, int | float)
        ]
        if numbers and numbers[-1] > 0:
            wanted = target._schema.overload_name.replace("Tensor", "Scalar", 1)
            if wanted != target._schema.overload_name and wanted in target._overloadpacket.overloads():
                return getattr(target._overloadpacket, wanted), node.args
        return target, node.args

    def _argument(self, node: Node, value: Any) -> Any:
        if isinstance(value, Node):
            found = self.values.get(value)
            if found is not None or value in self.values:
                return found
            size = value.meta.get("val")
            if isinstance(size, int | torch.SymInt):
                return self.symbols.size(size)
            source = "read from a tensor" if _is_read(value) else "computed from sizes"
            raise self._unsupported(value, f"{node.target} takes a decimal number {source}")
        if isinstance(value, list | tuple):
            return [self._argument(node, v) for v in value]
        if isinstance(value, bool | int) or value is None:
            return value
        if isinstance(value, float):
            return value if value - value == 0 else {"float": str(value)}
        if isinstance(value, torch.dtype):
            if value not in DTYPES:
                raise self._unsupported(node, f"{node.target} uses {value}")
            return {"dtype": DTYPES[value]}
        if isinstance(value, torch.memory_format):
            return {"memory_format": _MEMORY_FORMATS[value]}
        if isinstance(value, torch.layout):
            return {"layout": str(value).removeprefix("torch.")}
        if isinstance(value, torch.device):
            return {"device": value.type}  # of several GPUs, the one that inputs lie on
        if isinstance(value, str):
            return {"str": value}
        raise self._unsupported(node, f"{node.target} takes a {type(value).__name__}")

    def _result(self) -> Any:
        output = next(n for n in self.program.graph.nodes if n.op == "output")
        kinds = self.program.graph_signature.output_specs
        wrong = [spec for spec in kinds if spec.kind.name != "USER_OUTPUT"]
        if wrong:
            raise BurnishError(
                "stateful",
                f"forward writes to {wrong[0].target!r}",
                source_of(self.module),
                "modules that change their inputs or keep state between calls are not supported yet",
            )
        leaves = iter([self._result_leaf(output, value) for value in output.args[0]])
        return _tree(self.program.call_spec.out_spec, leaves)

    def _result_leaf(self, output: Node, value: Any) -> Any:
        if isinstance(value, Node) and isinstance(value.meta.get("val"), torch.SymInt):
            return self.symbols.size(value.meta["val"])
        if isinstance(value, str):
            return {"str": value}
        return self._argument(output, value)

    def _note(self, name: str, value: torch.Tensor) -> None:
        if value.layout is not torch.strided:
            raise BurnishError(
                "unsupported",
                f"{name!r} is a tensor of layout {value.layout}",
                source_of(self.module),
                "use dense tensors",
            )
        self.symbols.bind_to_output(name, value)
        known = all(self.symbols.knows(s) for s in (*value.shape, *value.stride()))
        self.meta[name] = {
            "dtype": DTYPES.get(value.dtype, str(value.dtype)),
            "shape": [self.symbols.size(s) for s in value.shape] if known else None,
            "strides": [self.symbols.size(s) for s in value.stride()] if known else None,
        }

    def _unsupported(self, node: Node, what: str) -> BurnishError:
        return BurnishError(
            "unsupported",
            what,
            line_of(node),
            "write that part of forward with PyTorch's own operators on dense tensors",
        )


def _is_plain(value: Any) -> bool:
    """Whether JSON can say the value, so that a plan can guard it."""
    if isinstance(value, float):
        return math.isfinite(value)
    if isinstance(value, int):
        return -(2**63) <= value < 2**63
    return value is None or isinstance(value, str)


def _is_read(node: Node) -> bool:
    """Whether a number comes out of `.item()`."""
    return "item" in str(node.target) or any(
        _is_read(n) for n in node.all_input_nodes if "val" in n.meta and not isinstance(n.meta["val"], torch.Tensor)
    )


def _refuse_random(node: Node) -> None:
    """Operators that draw numbers make no fixed function. Some do so only where a probability is above zero."""
    if torch.Tag.nondeterministic_seeded not in node.target.tags:
        return
    drawn = {a.name: v for a, v in zip(node.target._schema.arguments, node.args, strict=False)} | dict(node.kwargs)
    quiet = drawn.get("training", drawn.get("train")) is False or drawn.get("dropout_p", drawn.get("dropout")) == 0.0
    names = {a.name for a in node.target._schema.arguments}
    if quiet or ("dropout_p" in names and "dropout_p" not in drawn):
        return
    raise BurnishError(
        "random",
        f"forward draws random numbers with {node.target}",
        line_of(node),
        "pass noise as an input; judge dropout with --mode eval",
    )


def _named_state(module: torch.nn.Module) -> dict[int, str]:
    """The first path of every parameter and buffer: tied ones stay one."""
    found: dict[int, str] = {}
    for name, tensor in [
        *module.named_parameters(remove_duplicate=False),
        *module.named_buffers(remove_duplicate=False),
    ]:
        found.setdefault(id(tensor), name)
    return found


def _at(module: torch.nn.Module, path: str) -> Any:
    for part in path.split("."):
        module = getattr(module, part)
    return module


def _dtype(value: torch.Tensor, where: str) -> str:
    if value.dtype not in DTYPES:
        raise BurnishError(
            "unsupported",
            f"tensors of {value.dtype} are not supported",
            where,
            "use one of " + ", ".join(DTYPES.values()),
        )
    return DTYPES[value.dtype]


def _tree(spec: pytree.TreeSpec, leaves: Iterator[Any]) -> Any:
    """The result as JSON in forward's own structure: objects for all kinds of dicts, lists for everything else."""
    if spec.is_leaf():
        return next(leaves)
    children = [_tree(child, leaves) for child in spec.children()]
    keys = _keys(spec)
    return children if keys is None else {str(key): child for key, child in zip(keys, children, strict=True)}


def _keys(spec: pytree.TreeSpec) -> list[Any] | None:
    """The keys of a dict, an OrderedDict, a defaultdict or a class derived from them, as pytree keeps them."""
    if not (isinstance(spec.type, type) and issubclass(spec.type, Mapping)):
        return None
    contexts = spec.context[-1:] if spec.type is defaultdict else [spec.context]
    keys = next((c for c in contexts if isinstance(c, list) and len(c) == len(spec.children())), None)
    return keys if keys is not None and len({str(key) for key in keys}) == len(keys) else None


def source_of(module: torch.nn.Module) -> str:
    try:
        return inspect.getsourcefile(type(module)) or type(module).__qualname__
    except (TypeError, OSError):
        return type(module).__qualname__
