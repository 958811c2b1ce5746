"""Products in fp32 class by split halves, in plans for CUDA: which products get them, and NVRTC takes the kernels.

What the kernels compute is seen on a GPU alone (bench/cuda_products.py): nothing here emulates wgmma.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from burnish.exporter import export
from harness import ROOT, tool


class Net(torch.nn.Module):
    def __init__(self, features: int, hidden: int) -> None:
        super().__init__()
        self.up, self.down = torch.nn.Linear(features, hidden), torch.nn.Linear(hidden, features, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down(torch.nn.functional.gelu(self.up(x)))


def plan_of(folder: Path, module: torch.nn.Module, x: torch.Tensor, *options: str) -> dict:
    program = tool()
    assert program is not None, "build burnish-compiler-tool first (make test does)"
    export(module.eval(), (x,), {}, folder / "in")
    command = [str(program), str(folder / "in" / "plan.json"), str(folder / "out"), "--target", "cuda", *options]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return json.loads((folder / "out" / "plan.json").read_text())


def launches(steps: list[dict]) -> list[str]:
    return [step["launch"] for step in steps if "launch" in step]


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("large")
    return folder / "out", plan_of(folder, Net(1024, 2048), torch.randn(2, 256, 1024))


def test_weights_are_split_once_and_activations_in_each_call(large: tuple[Path, dict]) -> None:
    plan = large[1]
    assert launches(plan["prepare"]) == ["split_rows", "split_rows"]
    first, second, third, fourth = launches(plan["steps"])
    assert (first, third) == ("split_rows", "split_rows")
    assert second.startswith("split_product_") and second.endswith("_gelu"), "GELU goes into the product"
    assert fourth.startswith("split_product_") and "gelu" not in fourth
    assert not any("op" in step and step["op"] in ("aten::linear", "aten::mm", "aten::gelu") for step in plan["steps"])


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90a", "sm_100"])
def test_nvrtc_compiles_them(architecture: str, large: tuple[Path, dict], tmp_path: Path) -> None:
    """On other GPUs the kernels are there but never chosen."""
    pytest.importorskip("nvidia.cu13", reason="NVRTC is not installed (requirements.txt)")
    command = os.environ.get("BURNISH") or str(ROOT / "build" / "release" / "burnish")
    done = subprocess.run(
        [command, "compile", str(large[0]), "--json", "--arch", architecture, "--store", str(tmp_path)],
        capture_output=True, text=True, timeout=120, env={**os.environ, "BURNISH_PYTHON": sys.executable}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    for source in json.loads(done.stdout)["sources"].values():
        assert all(facts["spilled_bytes"] == 0 for facts in source["kernels"].values()), source


@pytest.mark.parametrize(
    ("features", "rows", "options"), [(64, 256, ()), (1024, 8, ()), (1024, 512, ("--rules", "same"))]
)
def test_small_products_and_careful_rules_keep_the_library(
    features: int, rows: int, options: tuple[str, ...], tmp_path: Path
) -> None:
    plan = plan_of(tmp_path, Net(features, 2 * features), torch.randn(rows, features), *options)
    assert not any(name.startswith("split_") for name in launches(plan["steps"]))
