"""What the tests of the exporter share: export a module, run the plan in Python, compare with eager bit for bit."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from burnish.exporter import Exported, export
from burnish.inputs import flatten_inputs
from burnish.interpret import PlanInterpreter


def same(a: Any, b: Any) -> bool:
    """Equal in structure, type of containers, and every bit."""
    if isinstance(a, torch.Tensor):
        return isinstance(b, torch.Tensor) and a.dtype == b.dtype and a.shape == b.shape and a.equal(b)
    if type(a) is not type(b):
        return False
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[k], b[k]) for k in a)
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    return a == b


def run_plan(
    folder: Path, module: torch.nn.Module, args: tuple, kwargs: dict[str, Any] | None = None, **how: Any
) -> Any:
    leaves = flatten_inputs(module.forward, args, kwargs or {})
    return PlanInterpreter(folder, module, **how).run([leaf.value for leaf in leaves])


def check_export(
    module: torch.nn.Module,
    folder: Path,
    args: tuple,
    kwargs: dict[str, Any] | None = None,
    *,
    exact: bool = True,
    **how: Any,
) -> Exported:
    """Exports, and compares the plan's result with eager's on the same input. Returns what was exported.

    `exact=False` where one operator rounds differently from call to call: MKL does, by the alignment of its operands.
    """
    module.eval()
    exported = export(module, args, kwargs, folder, **how)
    with torch.no_grad():
        expected = module(*args, **(kwargs or {}))
    tensors: dict[str, torch.Tensor] = {}
    leaves = [leaf.value for leaf in flatten_inputs(module.forward, args, kwargs or {})]
    got = PlanInterpreter(folder, module).run(leaves, tensors)
    if exact:
        assert same(expected, got)
    else:
        torch.testing.assert_close(got, expected, rtol=1e-6, atol=1e-6)
    if all(m["shape"] is not None and all(isinstance(s, int) for s in m["shape"]) for m in meta_of(exported)):
        check_meta(exported, tensors)
    return exported


def meta_of(exported: Exported) -> list[dict[str, Any]]:
    return list(exported.plan["notes"]["meta"].values())


def check_meta(exported: Exported, tensors: dict[str, torch.Tensor]) -> None:
    """What the plan says of each tensor is true: the compiler relies on it."""
    meta = exported.plan["notes"]["meta"]
    assert set(meta) == set(tensors)
    for name, tensor in tensors.items():
        assert meta[name]["dtype"] == str(tensor.dtype).removeprefix("torch."), name
        assert meta[name]["shape"] == list(tensor.shape), name
        strides = [s for s, n in zip(meta[name]["strides"], tensor.shape, strict=True) if n > 1]
        assert strides == [s for s, n in zip(tensor.stride(), tensor.shape, strict=True) if n > 1], name


def ops(exported: Exported) -> list[str]:
    return [step["op"].removeprefix("aten::") for step in exported.plan["steps"]]
