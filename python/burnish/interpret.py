"""Runs a plan of ATen steps in Python: slow, simple, and independent of the C++ executor that it checks.

No kernel launches. `widen=True` computes in float64, with dtype arguments widened too: references of high accuracy.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils import _pytree as pytree

from burnish.plan_files import read_safetensors

_WIDE = {
    torch.float16: torch.float64,
    torch.bfloat16: torch.float64,
    torch.float32: torch.float64,
    torch.complex64: torch.complex128,
}
_MEMORY_FORMATS = {
    "contiguous": torch.contiguous_format,
    "channels_last": torch.channels_last,
    "channels_last_3d": torch.channels_last_3d,
    "preserve": torch.preserve_format,
}


class PlanInterpreter:
    """A plan bound to a module's parameters and buffers."""

    def __init__(self, folder: str | Path, module: torch.nn.Module, *, widen: bool = False) -> None:
        folder = Path(folder)
        self.plan = json.loads((folder / "plan.json").read_text())
        self.widen = widen
        constants = read_safetensors(folder / "constants.safetensors") if self.plan.get("constants") else {}
        self._constants = {name: constants[key] for name, key in self.plan.get("constants", {}).items()}
        self._module = module

    @torch.no_grad()
    def run(self, leaves: Sequence[Any], env: dict[str, Any] | None = None) -> Any:
        """The result, in forward's own structure, for the leaves of a call in the order of the plan's inputs.

        An `env` that is given is filled with every named tensor.
        """
        env = {} if env is None else env
        symbols: dict[str, int] = {}
        for (name, entry), value in zip(self.plan["inputs"].items(), leaves, strict=True):
            if "dtype" in entry:
                symbols |= {
                    s: n
                    for s, n in zip(entry["shape"], value.shape, strict=False)
                    if isinstance(s, str) and s.isidentifier()
                }
                env[name] = self._widened(value)
        for name, path in self.plan.get("params", {}).items():
            env[name] = self._widened(_at(self._module, path).detach())
        env |= {name: self._widened(value) for name, value in self._constants.items()}
        scope = _Scope(env, symbols)
        for condition in self.plan.get("where", []):
            if not scope.evaluate(condition):
                raise ValueError(f"the plan does not hold for these sizes: {condition}")
        for step in [*self.plan.get("prepare", []), *self.plan["steps"]]:
            self._step(step, scope)
        result = _results(self.plan["result"], scope)
        if "result_type" in self.plan:
            spec = pytree.treespec_loads(json.dumps(self.plan["result_type"]))
            return pytree.tree_unflatten(_flat(result), spec)
        return result

    def _step(self, step: Mapping[str, Any], scope: _Scope) -> None:
        name, _, overload = step["op"].removeprefix("aten::").partition(".")
        op = getattr(getattr(torch.ops.aten, name), overload or "default")
        args = [self._value(a, scope) for a in step.get("args", [])]
        kwargs = {k: self._value(a, scope) for k, a in step.get("kwargs", {}).items()}
        out = op(*args, **kwargs)
        results = out if isinstance(out, list | tuple) else [out]
        for target, value in zip(step["out"], results, strict=True):
            if target:
                scope.env[target] = value

    def _value(self, arg: Any, scope: _Scope) -> Any:
        if isinstance(arg, str):
            return scope.env[arg] if arg in scope.env else scope.evaluate(arg)
        if isinstance(arg, list):
            return [self._value(a, scope) for a in arg]
        if not isinstance(arg, dict):
            return arg
        ((kind, text),) = arg.items()
        if kind == "dtype":
            dtype = getattr(torch, text)
            return _WIDE.get(dtype, dtype) if self.widen else dtype
        if kind == "memory_format":
            return _MEMORY_FORMATS[text]
        if kind == "layout":
            return getattr(torch, text)
        return {"device": torch.device, "float": float, "str": str}[kind](text)

    def _widened(self, tensor: torch.Tensor) -> torch.Tensor:
        return tensor.to(_WIDE[tensor.dtype]) if self.widen and tensor.dtype in _WIDE else tensor


class _Scope:
    """Tensors and symbols; evaluates the plan's integer expressions."""

    def __init__(self, env: dict[str, Any], symbols: dict[str, int]) -> None:
        self.env, self.symbols = env, symbols

    def evaluate(self, text: str | int) -> Any:
        if isinstance(text, int):
            return text
        if not re.fullmatch(r"[A-Za-z0-9_.,()+\-*/% <>=!]*", text):
            raise ValueError(f"{text!r} is no expression")
        scope: dict[str, Any] = {
            "__builtins__": {},
            "min": min,
            "max": max,
            "cdiv": lambda a, b: -(-a // b),
            "numel": lambda t: t.numel(),
            "size": lambda t, d: t.shape[d],
            "stride": lambda t, d: t.stride(d),
        }
        return eval(re.sub(r"(?<!/)/(?!/)", "//", text), scope | self.symbols | self.env)  # our own grammar only


def _at(module: torch.nn.Module, path: str) -> torch.Tensor:
    found: Any = module
    for part in path.split("."):
        found = getattr(found, part)
    return found


def _results(tree: Any, scope: _Scope) -> Any:
    env = scope.env
    if isinstance(tree, str):
        return env[tree] if tree in env else scope.evaluate(tree)
    if isinstance(tree, list):
        return [_results(t, scope) for t in tree]
    if isinstance(tree, dict):
        if set(tree) == {"float"} and isinstance(tree["float"], str) and tree["float"] not in env:
            return float(tree["float"])
        if set(tree) == {"str"} and isinstance(tree["str"], str) and tree["str"] not in env:
            return tree["str"]
        return {k: _results(t, scope) for k, t in tree.items()}
    return tree


def _flat(tree: Any) -> list[Any]:
    if isinstance(tree, list):
        return [leaf for t in tree for leaf in _flat(t)]
    if isinstance(tree, dict):
        return [leaf for t in tree.values() for leaf in _flat(t)]
    return [tree]
