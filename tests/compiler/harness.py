"""Exports a module, compiles its plan with burnish-compiler-tool, and runs the result without the C++ runtime.

Kernels are called through ctypes, their range cut in uneven pieces, on memory filled with NaN between guard zones: what
a kernel leaves out, writes twice at a border or writes outside its tensors is seen here.
"""

from __future__ import annotations

import ctypes
import hashlib
import itertools
import os
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from burnish.exporter import export
from burnish.interpret import PlanInterpreter
from burnish.plan_files import read_safetensors  # noqa: F401  (the interpreter's constants)

ROOT = Path(__file__).resolve().parents[2]
FLAGS = [
    "-std=c++20",
    "-O3",
    "-march=native",
    "-mprefer-vector-width=512",
    "-fno-math-errno",
    "-fno-trapping-math",
    "-ffp-contract=fast",
    "-fopenmp-simd",
    "-fno-exceptions",
    "-fno-rtti",
    "-Werror=aggressive-loop-optimizations",  # undefined behaviour that g++ sees
    "-shared",
    "-fPIC",
]
CACHE = Path(tempfile.gettempdir()) / f"burnish-compiler-tests-{os.getuid()}"
GUARD = 64


def tool() -> Path | None:
    for build in ("release", "debug"):
        path = ROOT / "build" / build / "burnish-compiler-tool"
        if path.exists():
            return path
    return None


class CompiledPlan(PlanInterpreter):
    """A plan with kernels; ATen steps run as the parent runs them."""

    def __init__(self, folder: Path, module: torch.nn.Module, flags: Sequence[str] = ()) -> None:
        super().__init__(folder, module)
        self.flags = flags
        self.guards: list[torch.Tensor] = []
        kernels = self.plan.get("kernels", {})
        loaded = {source: self._load(folder / source) for source in {entry["source"] for entry in kernels.values()}}
        self.libraries = {kernel: loaded[entry["source"]] for kernel, entry in kernels.items()}

    def _load(self, source: Path) -> Any:
        return build(source, self.flags)

    def _step(self, step: dict[str, Any], scope: Any) -> None:
        if "empty" in step or "zero" in step:
            name = step.get("empty") or step.get("zero")
            shape = (
                [scope.evaluate(s) for s in step["shape"]] if "shape" in step else list(scope.env[step["like"]].shape)
            )
            dtype = getattr(torch, step["dtype"]) if "dtype" in step else scope.env[step["like"]].dtype
            scope.env[name] = self._guarded(shape, dtype, "zero" in step, step.get("strides", "contiguous"))
        elif "layout" in step:
            tensor = scope.env[step["of"]]
            formats = {
                "contiguous": torch.contiguous_format,
                "channels_last": torch.channels_last,
                "channels_last_3d": torch.channels_last_3d,
            }
            scope.env[step["layout"]] = tensor.contiguous(memory_format=formats[step.get("strides", "contiguous")])
        elif "launch" in step:
            self._launch(step, scope)
        elif step["op"].startswith("mkldnn::"):
            name, _, overload = step["op"].removeprefix("mkldnn::").partition(".")
            op = getattr(getattr(torch.ops.mkldnn, name), overload or "default")
            out = op(*[self._value(a, scope) for a in step.get("args", [])])
            scope.env[step["out"][0]] = out
        else:
            super()._step(step, scope)

    def _guarded(self, shape: list[int], dtype: torch.dtype, zero: bool, strides: str) -> torch.Tensor:
        numel = 1
        for s in shape:
            numel *= s
        size = numel * dtype.itemsize
        raw = torch.full((size + 2 * GUARD,), 0xFF, dtype=torch.uint8)
        self.guards.append(raw)
        flat = raw[GUARD : GUARD + size].view(dtype)
        if zero:
            flat.zero_()
        if strides == "channels_last":
            n, c, h, w = shape
            return flat.view(n, h, w, c).permute(0, 3, 1, 2)
        return flat.view(shape)

    def _launch(self, step: dict[str, Any], scope: Any) -> None:
        args: list[Any] = []
        for a in step["args"]:
            if isinstance(a, dict) and "of" in a:
                tensor = scope.env[a["of"]]
                args.append(ctypes.c_void_p(tensor.data_ptr() + tensor.element_size() * scope.evaluate(a["offset"])))
            elif isinstance(a, str) and a in scope.env:
                args.append(ctypes.c_void_p(scope.env[a].data_ptr()))
            elif isinstance(a, float):
                args.append(ctypes.c_float(a))
            elif a is None:
                args.append(ctypes.c_void_p(0))
            else:
                args.append(ctypes.c_int64(scope.evaluate(a)))
        total = scope.evaluate(step["range"])
        cuts = sorted({0, total // 3, total // 3 + (total > 1), total})
        for begin, end in itertools.pairwise(cuts):
            kernel = getattr(self.libraries[step["launch"]], step["launch"])
            kernel(ctypes.c_int64(begin), ctypes.c_int64(end), *args)
        for raw in self.guards:
            assert bool((raw[:GUARD] == 0xFF).all() and (raw[-GUARD:] == 0xFF).all()), (
                f"{step['launch']} wrote outside its tensors"
            )

    def run(self, leaves: Sequence[Any]) -> Any:
        self.guards = []
        return super().run(leaves)


def build(source: Path, flags: Sequence[str] = ()) -> ctypes.CDLL:
    text = source.read_bytes()
    key = hashlib.sha256(text + " ".join([*FLAGS, *flags]).encode()).hexdigest()[:24]
    CACHE.mkdir(exist_ok=True)
    library = CACHE / f"{key}.so"
    if not library.exists():
        partial = CACHE / f"{key}.{os.getpid()}.so"
        subprocess.run(["g++", *FLAGS, *flags, "-x", "c++", str(source), "-o", str(partial)], check=True, timeout=120)
        partial.rename(library)
    return ctypes.CDLL(str(library))


def compiled(
    module: torch.nn.Module, args: tuple, folder: Path, *options: str, dynamic: Any = None, run: bool = True
) -> tuple[CompiledPlan | None, str]:
    """The compiled plan of a module (nothing without `run`), and the tool's text."""
    module.eval()
    export(module, args, {}, folder / "in", dynamic=dynamic)
    program = tool()
    assert program is not None, "build burnish-compiler-tool first (make test does)"
    done = subprocess.run(
        [str(program), str(folder / "in"), str(folder / "out"), *options], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    constants = folder / "in" / "constants.safetensors"
    if constants.exists():
        (folder / "out" / "constants.safetensors").write_bytes(constants.read_bytes())
    return CompiledPlan(folder / "out", module) if run else None, done.stdout


def tensors_of(tree: Any) -> list[torch.Tensor]:
    if isinstance(tree, torch.Tensor):
        return [tree]
    if isinstance(tree, dict):
        tree = list(tree.values())
    if isinstance(tree, list | tuple):
        return [t for item in tree for t in tensors_of(item)]
    return []


@torch.no_grad()
def check(module: torch.nn.Module, args: tuple, folder: Path, *options: str) -> str:
    """Compares the compiled plan with the module at the given input, by the judge's measure; gives the plan."""
    plan, text = compiled(module, args, folder, *options)
    compare(plan, module, args)
    return text


@torch.no_grad()
def compare(plan: CompiledPlan, module: torch.nn.Module, args: tuple) -> None:
    got = tensors_of(plan.run(list(leaves_of(args))))
    eager = tensors_of(module(*args))
    double = module.double()
    exact = tensors_of(
        double(*[a.double() if isinstance(a, torch.Tensor) and a.is_floating_point() else a for a in args])
    )
    module.float()
    assert len(got) == len(eager)
    for g, e, x in zip(got, eager, exact, strict=True):
        assert g.shape == e.shape and g.dtype == e.dtype, (g.shape, e.shape, g.dtype, e.dtype)
        if not e.is_floating_point():
            assert torch.equal(g, e)
            continue
        same = torch.isfinite(e) & torch.isfinite(x)
        assert torch.equal(torch.isfinite(g)[same], same[same]), "not finite where eager is"
        rms = x[same].pow(2).mean().sqrt().item() if same.any() else 0.0
        mine = (g.double() - x)[same].pow(2).mean().sqrt().item() if same.any() else 0.0
        theirs = (e.double() - x)[same].pow(2).mean().sqrt().item() if same.any() else 0.0
        assert mine <= max(4 * theirs, 2.0**-19 * rms), f"error {mine:.3g}, eager {theirs:.3g}, rms {rms:.3g}"


def leaves_of(args: Any) -> list[Any]:
    out: list[Any] = []
    for a in args:
        out.extend(leaves_of(a) if isinstance(a, list | tuple) else [a])
    return out
