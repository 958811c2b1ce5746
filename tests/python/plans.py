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
    module: torch.nn.Module, folder: Path, args: tuple, kwargs: dict[str, Any] | None = None, **how: Any
) -> Exported:
    """Exports, and compares the plan's result with eager's on the same input. Returns what was exported."""
    module.eval()
    exported = export(module, args, kwargs, folder, **how)
    with torch.no_grad():
        expected = module(*args, **(kwargs or {}))
    assert same(expected, run_plan(folder, module, args, kwargs))
    return exported


def ops(exported: Exported) -> list[str]:
    return [step["op"].removeprefix("aten::") for step in exported.plan["steps"]]
