"""Deployed folders for tests, as the orchestrator writes them (docs/deploy.md)."""

from __future__ import annotations

import hashlib
import json
import subprocess
from pathlib import Path
from typing import Any

import torch
from burnish.deployed_folder import processor_flags
from burnish.exporter import export
from burnish.trial import processor_name

KERNEL = """
extern "C" void burnish_entry_scale(long begin, long end, void* const* args) {
  const float* x = (const float*)args[0]; const float* w = (const float*)args[1]; float* y = (float*)args[2];
  for (long i = begin; i < end; ++i) y[i] = x[i] * w[0];
}
extern "C" const char burnish_signature_scale[] = "ppp";
"""


def seal(folder: Path, form: str = "plan", **more: Any) -> Path:
    """Writes burnish.json over the files that lie in the folder."""
    files = {
        path.relative_to(folder).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.rglob("*")
        if path.is_file() and path.name != "burnish.json"
    }
    manifest = {
        "burnish": 1,
        "form": form,
        "files": files,
        "kernels": {},
        "torch": torch.__version__,
        "threads": torch.get_num_threads(),
        "host": {"name": processor_name(), "flags": sorted(processor_flags())},
        "judging": {"mode": "eval"},
    }
    (folder / "burnish.json").write_text(json.dumps(manifest | more))
    return folder


def deploy_export(module: torch.nn.Module, folder: Path, *args: Any, dynamic: Any = None, **kwargs: Any) -> Path:
    export(module, args, kwargs, folder, dynamic=dynamic)
    return seal(folder)


class Scale(torch.nn.Module):
    """What the kernel above computes."""

    def __init__(self) -> None:
        super().__init__()
        self.w = torch.nn.Parameter(torch.tensor([3.0]))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * self.w


def deploy_kernel(folder: Path, **more: Any) -> Path:
    """A plan with a compiled kernel, for Scale."""
    plan = {
        "burnish_plan": 1,
        "inputs": {"x": {"dtype": "float32", "shape": ["n"]}},
        "params": {"w": "w"},
        "kernels": {"scale": {"source": "kernels.cpp"}},
        "steps": [{"empty": "y", "like": "x"}, {"launch": "scale", "range": "n", "args": ["x", "w", "y"]}],
        "result": "y",
    }
    (folder / "kernels").mkdir(parents=True)
    (folder / "plan.json").write_text(json.dumps(plan))
    (folder / "kernels.cpp").write_text(KERNEL)
    objects = folder / "kernels" / "kernels.cpp.so"
    subprocess.run(["g++", "-shared", "-fPIC", "-o", objects, folder / "kernels.cpp"], check=True)
    return seal(folder, kernels={"kernels.cpp": "kernels/kernels.cpp.so"}, **more)
