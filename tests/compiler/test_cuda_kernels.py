"""Fused kernels in CUDA C++: all compile with NVRTC for three architectures, and compute what eager does.

No GPU is needed: the kernels' own text is compiled by g++ with cuda_on_host.h, which runs a block's threads as fibers.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import test_fuse
import test_metal_kernels
import torch
import torch.nn.functional as F
from cuda_host import KERNEL, build_on_host, nvrtc_kernels
from harness import CompiledPlan, compare, compiled

R = torch.randn
# What CUDA's grid has of its own: several rows to a block, columns side by side, and long rows in two kernels.
CASES: dict[str, tuple[Callable, tuple]] = {
    "rows_of_warps": (lambda x: torch.softmax(x, -1), (R(2213, 130),)),
    "rows_of_warps_in_fours": (lambda x: F.layer_norm(x, (128,)), (R(2114, 128) + 3,)),
    "rows_of_threads": (lambda x: F.log_softmax(x, -1), (R(1301, 8),)),
    "rows_of_threads_odd": (lambda x: torch.softmax(x, -1) * x.amax(-1, keepdim=True), (R(301, 10),)),
    "rows_of_threads_place": (lambda x: (x * 2).argmax(-1), (torch.randint(0, 9, (301, 12)).float(),)),
    "rows_of_part_warps": (lambda x: torch.softmax(x, -1), (R(301, 64),)),
    "rows_of_part_warps_uneven": (lambda x: F.layer_norm(x, (24,)), (R(77, 24) + 2,)),
    "rows_of_part_warps_place": (lambda x: x.argmax(-1), (torch.randint(0, 9, (51, 40)).float(),)),
    "columns_few": (lambda x: x.sum(0), (R(70000, 8),)),
    "columns_beside": (lambda x: torch.softmax(x, 1), (R(3, 40, 70),)),
    "columns_uneven": (lambda x: (x - x.mean(0)).square().sum(0), (R(300, 37) + 3,)),
    "columns_place": (lambda x: x.argmin(1), (torch.randint(0, 9, (2, 200, 33)).float(),)),
    "columns_kept": (lambda x: x / x.square().mean(1, keepdim=True).sqrt(), (R(2, 100, 33),)),
    "columns_alone": (lambda x: x.sum(1), (R(9, 6, 5000),)),
    "long_layer_norm": (lambda x: F.layer_norm(x, (8, 64, 64)), (R(2, 8, 64, 64) + 5,)),
    "long_softmax": (lambda x: torch.softmax(x, -1), (R(2, 65536) * 4,)),
    "long_batch": (lambda x: x.sum((0, 2, 3), keepdim=True), (R(4, 3, 80, 80),)),
    "long_columns": (lambda x: x.amax(0), (R(20000, 3),)),
    "mean_squared": (lambda x, y: (x - y).square().mean(), (R(128, 300), R(128, 300))),
    "nothing_divides": (lambda x: x.sum(), (R(16411),)),
    "part_of_a_tensor": (lambda x: torch.relu(x[1:]).sum(-1), (R(9, 256),)),
}
SHARED = ["fours", "fours_of_a_part", "fours_beside_strides", "layer_norm", "layer_norm_odd", "softmax_long",
          "group_norm", "cosine", "cross_entropy", "nan_in_a_maximum", "place_in_a_long_row", "place_of_integers",
          "sum_of_integers", "any", "transpose", "reshape_between", "masked", "two_outputs", "empty",
          "mixed"]  # fmt: skip


def case(name: str) -> tuple[Callable, tuple]:
    return CASES.get(name) or test_metal_kernels.CASES.get(name) or test_fuse.CASES[name]


class CudaPlan(CompiledPlan):
    """A plan whose kernels stand in one library for all cases, each with the case's name."""

    def __init__(self, folder: Path, module: torch.nn.Module, name: str, library: ctypes.CDLL) -> None:
        self.name, self.library = name, library
        super().__init__(folder, module)

    def _load(self, source: Path) -> Any:
        return self.library

    def _launch(self, step: dict[str, Any], scope: Any) -> None:
        args: list[Any] = []
        for a in step["args"]:
            tensor = scope.env.get(a) if isinstance(a, str) else None
            args.append(ctypes.c_int64(scope.evaluate(a)) if tensor is None else ctypes.c_void_p(tensor.data_ptr()))
        grid, block = ([ctypes.c_int64(scope.evaluate(n)) for n in step[key]] for key in ("grid", "block"))
        getattr(self.library, f"run_{self.name}_{step['launch']}")(grid[0], block[0], *args)
        for raw in self.guards:
            assert bool((raw[:64] == 0xFF).all() and (raw[-64:] == 0xFF).all())


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ctypes.CDLL]:
    """All cases' plans, and their kernels in one source and one library."""
    folder = tmp_path_factory.mktemp("cuda")
    prelude, kernels = "", ""
    for name in [*CASES, *SHARED]:
        f, args = case(name)
        compiled(test_fuse.Fn(f), args, folder / name, "--target", "cuda", run=False)
        text = (folder / name / "out" / "kernels.cu").read_text()
        prelude, own = text[: (at := text.index('extern "C"'))], text[at:]
        kernels += own.replace("fused_", f"{name}_fused_")
    all_of_them = folder / "all"
    all_of_them.mkdir()
    (all_of_them / "kernels.cu").write_text(prelude + kernels)
    return folder, build_on_host(prelude + kernels, folder / "host.so")


@pytest.mark.parametrize("name", [*CASES, *SHARED])
def test_matches_eager(name: str, made: tuple[Path, ctypes.CDLL]) -> None:
    folder, library = made
    f, args = case(name)
    module = test_fuse.Fn(f)
    compare(CudaPlan(folder / name / "out", module, name, library), module, args)


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90a", "sm_100"])
def test_nvrtc_compiles_every_kernel(architecture: str, made: tuple[Path, ctypes.CDLL], tmp_path: Path) -> None:
    pytest.importorskip("nvidia.cu13", reason="NVRTC is not installed (requirements.txt)")
    folder = made[0] / "all"
    names = [head[1] for head in KERNEL.finditer((folder / "kernels.cu").read_text())]
    assert len(names) >= len(CASES) + len(SHARED)
    launches = [{"launch": name, "grid": [1, 1, 1], "block": [32, 1, 1], "args": ["x", "y"]} for name in names]
    plan = {
        "burnish_plan": 1, "target": "cuda", "inputs": {"x": {"dtype": "float32", "shape": ["n"]}},
        "kernels": {name: {"source": "kernels.cu"} for name in names},
        "steps": [{"empty": "y", "like": "x"}, *launches], "result": "y",
    }  # fmt: skip
    (folder / "plan.json").write_text(json.dumps(plan))
    kernels = nvrtc_kernels(folder, architecture, tmp_path)
    assert set(kernels) == set(names)
    for name, facts in kernels.items():
        assert facts["spilled_bytes"] == 0 and facts["shared_bytes"] <= 48 << 10, (name, facts)


def test_few_long_rows_fill_the_gpu(made: tuple[Path, ctypes.CDLL]) -> None:
    """Two rows of 32,768 elements are reduced by more than a hundred blocks, then by one for each row."""
    plan = json.loads((made[0] / "long_layer_norm" / "out" / "plan.json").read_text())
    launches = [step for step in plan["steps"] if "launch" in step]
    assert [step["grid"][0] >= 64 for step in launches] == [True, False, True, False, True], launches


def test_what_is_cheap_is_computed_again(made: tuple[Path, ctypes.CDLL]) -> None:
    """A long row's softmax writes nothing of the row's size but its result."""
    plan = json.loads((made[0] / "long_softmax" / "out" / "plan.json").read_text())
    assert [step["empty"] for step in plan["steps"] if step.get("shape") == [2, 65536]] == [plan["result"]]


def test_a_loss_reads_its_operands_once(made: tuple[Path, ctypes.CDLL]) -> None:
    """Difference, square and the partial sums are one kernel; what they leave for the second is small."""
    plan = json.loads((made[0] / "mean_squared" / "out" / "plan.json").read_text())
    assert not any("op" in step for step in plan["steps"])
    assert len([step for step in plan["steps"] if "launch" in step]) == 2
