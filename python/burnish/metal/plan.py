"""Runs a plan with Metal kernels in Python: on a Mac by torch.mps.compile_shader, elsewhere by the emulator."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from burnish.interpret import _MEMORY_FORMATS, PlanInterpreter


class MetalPlan(PlanInterpreter):
    """A plan bound to a module; its tensors lie where the module's do. `checked` is for the emulator."""

    def __init__(self, folder: str | Path, module: torch.nn.Module, *, checked: bool = False) -> None:
        super().__init__(folder, module)
        self._device = next((t.device for t in [*module.parameters(), *module.buffers()]), None)
        kernels = self.plan.get("kernels", {})
        sources = {entry["source"] for entry in kernels.values()}
        libraries = {source: self._compile((Path(folder) / source).read_text(), checked) for source in sources}
        self._kernels = {name: getattr(libraries[entry["source"]], name) for name, entry in kernels.items()}
        self._once = {id(step) for step in self.plan.get("prepare", [])}
        self._prepared: dict[str, Any] = {}

    @staticmethod
    def _compile(source: str, checked: bool) -> Any:
        if torch.backends.mps.is_available():
            return torch.mps.compile_shader(source)
        from burnish.metal import compile_shader

        return compile_shader(source, checked=checked)

    def run(self, leaves: Any, env: dict[str, Any] | None = None) -> Any:
        if self._device is None:
            self._device = next((x.device for x in leaves if isinstance(x, torch.Tensor)), torch.device("cpu"))
        self._constants = {name: value.to(self._device) for name, value in self._constants.items()}
        return super().run(leaves, env)

    def _step(self, step: Any, scope: Any) -> None:
        if id(step) in self._once and self._prepared.keys() >= (made := self._made(step)):
            scope.env.update({name: self._prepared[name] for name in made})
            return
        if "launch" in step:
            self._launch(step, scope)
        elif "empty" in step or "zero" in step:
            self._allocate(step, scope)
        elif "layout" in step:
            form = _MEMORY_FORMATS[step.get("strides", "contiguous")]
            scope.env[step["layout"]] = scope.env[step["of"]].contiguous(memory_format=form)
        else:
            super()._step(step, scope)
        if id(step) in self._once:
            self._prepared.update({name: scope.env[name] for name in self._made(step)})

    @staticmethod
    def _made(step: Any) -> set[str]:
        return {n for n in step.get("out", []) if n} | {step[k] for k in ("empty", "zero", "layout") if k in step}

    def _allocate(self, step: Any, scope: Any) -> None:
        name = step.get("empty") or step["zero"]
        like = scope.env[step["like"]] if "like" in step else None
        shape = [scope.evaluate(s) for s in step["shape"]] if "shape" in step else list(like.shape)
        dtype = getattr(torch, step["dtype"]) if "dtype" in step else like.dtype
        form = _MEMORY_FORMATS[step.get("strides", "contiguous")]
        tensor = torch.empty(shape, dtype=dtype, device=self._device, memory_format=form)
        scope.env[name] = tensor.zero_() if "zero" in step else tensor

    def _launch(self, step: Any, scope: Any) -> None:
        groups = [scope.evaluate(g) for g in step["grid"]]
        size = [scope.evaluate(b) for b in step["block"]]
        if 0 in groups:
            return
        args = [self._argument(a, scope) for a in step["args"]]
        threads = [g * s for g, s in zip(groups, size, strict=True)]
        self._kernels[step["launch"]](*args, threads=threads, group_size=size)

    def _argument(self, arg: Any, scope: Any) -> Any:
        if isinstance(arg, dict) and "of" in arg:
            return scope.env[arg["of"]].flatten()[scope.evaluate(arg["offset"]) :]
        if isinstance(arg, str) and arg in scope.env:
            return scope.env[arg]
        return arg if isinstance(arg, float) else scope.evaluate(arg)
