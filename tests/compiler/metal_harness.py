"""Runs what burnish-compiler-tool makes for Metal: its kernels on the emulator, every access watched."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import burnish.metal
import torch
from harness import CompiledPlan, compare, compiled, leaves_of, tensors_of  # noqa: F401


class MetalPlan(CompiledPlan):
    """A plan with Metal kernels; ATen steps run on the CPU as the parent runs them."""

    def __init__(self, folder: Path, module: torch.nn.Module, checked: bool = True) -> None:
        self.checked = checked
        super().__init__(folder, module)

    def _load(self, source: Path) -> Any:
        return burnish.metal.compile_shader(source.read_text(), checked=self.checked)

    def _argument(self, a: Any, scope: Any) -> Any:
        if isinstance(a, dict) and "of" in a:  # a tensor from an element on
            return scope.env[a["of"]].view(-1)[scope.evaluate(a["offset"]) :]
        return scope.env[a] if isinstance(a, str) and a in scope.env else scope.evaluate(a)

    def _launch(self, step: dict[str, Any], scope: Any) -> None:
        args = [self._argument(a, scope) for a in step["args"]]
        groups = [scope.evaluate(g) for g in step["grid"]]
        size = [scope.evaluate(b) for b in step["block"]]
        if 0 in groups:
            return
        threads = [g * s for g, s in zip(groups, size, strict=True)]
        getattr(self.libraries[step["launch"]], step["launch"])(*args, threads=threads, group_size=size)
        for raw in self.guards:
            assert bool((raw[:64] == 0xFF).all() and (raw[-64:] == 0xFF).all())


@torch.no_grad()
def check_metal(module: torch.nn.Module, args: tuple, folder: Path, *options: str, checked: bool = True) -> str:
    """Compares the plan for Metal with the module at the given input, by the judge's measure; gives its source."""
    compiled(module, args, folder, "--target", "metal-emulated", *options, run=False)
    plan = MetalPlan(folder / "out", module, checked)
    compare(plan, module, args)
    source = folder / "out" / "kernels.metal"
    return source.read_text() if source.exists() else ""
