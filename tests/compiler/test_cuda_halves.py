"""Kernels for CUDA of float16 and bfloat16 modules against eager: they compute in float32 and round what they store.

All cases of both types are one module, so that their kernels are one source: compiled once for the host (cuda_on_host.h
runs a block's threads as fibers) and once by NVRTC for each architecture. Eager rounds each step of a chain, a kernel
only what it stores: ours must be at least as exact, and what is decided (comparisons, places, whole numbers) the same.
"""

from __future__ import annotations

import ctypes
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.nn.functional as F
from cuda_host import build_on_host, nvrtc_kernels
from harness import CompiledPlan, compiled

R = torch.randn
TYPES = {"float16": torch.float16, "bfloat16": torch.bfloat16}
# A function of inputs and parameters, the inputs' shapes, and the parameters'. Odd sizes, parts of tensors, strides.
CASES: dict[str, tuple[Callable, list[tuple], list[tuple]]] = {
    "chain": (lambda x, y: F.gelu(x) * y + 1, [(37, 64), (37, 64)], []),
    "chain_odd": (lambda x, y: torch.tanh(x - y) / 3, [(7, 13), (7, 13)], []),
    "chain_in_fours": (lambda x: F.silu(x) * 0.3, [(3, 20)], []),
    "part_of_a_tensor": (lambda x: torch.relu(x[1:, 3:]) + 1, [(9, 67)], []),
    "transposed": (lambda x, y: torch.sigmoid(x + y.t()), [(24, 40), (40, 24)], []),
    "by_channel": (lambda x, w: x * torch.sigmoid(w.view(1, -1, 1, 1)), [(2, 5, 6, 8)], [(5,)]),
    "mixed": (lambda x: (x.float() * 2).exp().to(x.dtype), [(5, 48)], []),
    "to_float": (lambda x: torch.erf(x).float() + 1, [(5, 48)], []),
    "softmax": (lambda x: torch.softmax(x, -1), [(70, 130)], []),
    "rows_of_threads": (lambda x: torch.softmax(x, -1), [(301, 8)], []),
    "rows_of_part_warps": (lambda x: torch.softmax(x, -1), [(301, 64)], []),
    "rows_of_part_warps_uneven": (lambda x: F.layer_norm(x, (24,)), [(77, 24)], []),
    "softmax_wide": (lambda x: torch.softmax(x, -1), [(9, 2048)], []),
    "softmax_few": (lambda x: F.log_softmax(x, -1), [(700, 10)], []),
    "softmax_columns": (lambda x: torch.softmax(x, 1), [(3, 40, 70)], []),
    "softmax_long": (lambda x: torch.softmax(x * 4, -1), [(2, 65536)], []),
    "layer_norm": (lambda x, w, b: F.layer_norm(x + 5, (256,), w, b), [(33, 256)], [(256,), (256,)]),
    "layer_norm_long": (lambda x: F.layer_norm(x, (8, 64, 64)), [(2, 8, 64, 64)], []),
    "rms_norm": (lambda x, w: F.rms_norm(x, (96,), w, 1e-5), [(19, 96)], [(96,)]),
    "rms_norm_by_hand": (
        lambda x, w: w * (x.float() * torch.rsqrt(x.float().pow(2).mean(-1, keepdim=True) + 1e-6)).to(x.dtype),
        [(19, 96)], [(96,)],
    ),
    "group_norm": (lambda x, w, b: F.group_norm(x, 3, w, b), [(2, 12, 5, 7)], [(12,), (12,)]),
    "sum_overflows_in_halves": (lambda x: (x + 40).mean(-1), [(4, 8192)], []),
    "sum": (lambda x: x.sum(-1), [(33, 257)], []),
    "sum_of_all": (lambda x: x.sum(), [(300, 304)], []),
    "mean_columns": (lambda x: x.mean(0), [(300, 37)], []),
    "variance": (lambda x: x.var(1), [(33, 200)], []),
    "largest": (lambda x: x.amax(0), [(3000, 8)], []),
    "norm": (lambda x: torch.linalg.vector_norm(x, dim=1), [(33, 200)], []),
    "squared_error": (F.mse_loss, [(128, 300), (128, 300)], []),
    "place": (lambda x: (x * 3 + 1).argmax(-1), [(50, 900)], []),
    "place_columns": (lambda x: (x * 0.1 + 9).argmin(0), [(600, 9)], []),
    "compared": (lambda x, y: (x * 3 + y) > (y + 0.1), [(64, 65), (64, 65)], []),
    "compared_with_a_number": (lambda x: (x * 0.37 + 0.1) >= 0.1, [(64, 65)], []),
    "equal": (lambda x: (x / 3) == (x * 0.3333), [(64, 65)], []),
    "whole": (lambda x: (x * 7.3).to(torch.int64), [(33, 41)], []),
    "is_nothing": (lambda x: torch.logical_not(x * 6e-8 * 0.3), [(33, 41)], []),
    "chosen": (lambda x, y: torch.where(x > 0.1, x * y, y), [(33, 41), (33, 41)], []),
    "max_2d": (lambda x: F.max_pool2d(x, 3, 2, 1), [(2, 3, 17, 23)], []),
    "average_2d": (lambda x: F.avg_pool2d(x, 3, 2, 1), [(2, 3, 17, 23)], []),
    "average_adaptive": (lambda x: F.adaptive_avg_pool2d(x, (4, 2)), [(2, 3, 16, 22)], []),
    "cumsum_short": (lambda x: torch.cumsum(x, 1), [(37, 1000)], []),
    "cumsum_row": (lambda x: torch.cumsum(x * 0.1, -1), [(2, 3531)], []),
    "cumsum_parts": (lambda x: torch.cumsum(x * 0.1, 1), [(3, 17001)], []),
    "cumsum_columns": (lambda x: torch.cumsum(x, 0), [(777, 5)], []),
    "cumprod_row": (lambda x: torch.cumprod(1 + 0.01 * x, -1), [(5, 500)], []),
    "depthwise": (lambda x, w, b: F.conv2d(x, w, b, 1, 1, groups=6), [(2, 6, 9, 70)], [(6, 1, 3, 3), (6,)]),
    "depthwise_1d": (lambda x, w: F.conv1d(x, w, None, 1, 4, 2, groups=6), [(2, 6, 530)], [(6, 1, 5)]),
}  # fmt: skip
NAMES = [f"{case}_{dtype}" for dtype in TYPES for case in CASES]
TEMPLATES = ("max_", "average_", "cumsum", "cumprod", "depthwise")


class All(torch.nn.Module):
    """Every case of one type after those of the other."""

    def __init__(self) -> None:
        super().__init__()
        for name in NAMES:
            case, dtype = split(name)
            for i, shape in enumerate(CASES[case][2]):
                setattr(self, f"{name}_{i}", torch.nn.Parameter(R(shape).to(TYPES[dtype])))

    def forward(self, *inputs: torch.Tensor) -> list[torch.Tensor]:
        left = iter(inputs)
        made = []
        for name in NAMES:
            f, shapes, params = CASES[split(name)[0]]
            weights = (getattr(self, f"{name}_{i}") for i in range(len(params)))
            made.append(f(*(next(left) for _ in shapes), *weights))
        return made


def split(name: str) -> tuple[str, str]:
    case, _, dtype = name.rpartition("_")
    return case, dtype


def drawn() -> list[torch.Tensor]:
    return [R(shape).to(TYPES[dtype]) for dtype in TYPES for _, shapes, _ in CASES.values() for shape in shapes]


class OnHost(CompiledPlan):
    def _load(self, source: Path) -> Any:
        return build_on_host(source.read_text(), source.with_name("host.so"))

    def _launch(self, step: dict[str, Any], scope: Any) -> None:
        args: list[Any] = []
        for a in step["args"]:
            tensor = scope.env.get(a) if isinstance(a, str) else None
            args.append(ctypes.c_void_p(None if a is None else tensor.data_ptr()))
        grid, block = (ctypes.c_int64(scope.evaluate(step[key][0])) for key in ("grid", "block"))
        getattr(self.libraries[step["launch"]], f"run_{step['launch']}")(grid, block, *args)
        for raw in self.guards:
            assert bool((raw[:64] == 0xFF).all() and (raw[-64:] == 0xFF).all()), f"{step['launch']} wrote beside"


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, tuple[torch.Tensor, ...]]]:
    """The folder of the plan, and for each case what its kernels, eager, and eager in float64 say."""
    folder = tmp_path_factory.mktemp("halves")
    torch.manual_seed(0)
    module, inputs = All().eval(), drawn()
    compiled(module, tuple(inputs), folder, "--target", "cuda", run=False)
    with torch.no_grad():
        got = OnHost(folder / "out", module).run(inputs)
        eager, exact = module(*inputs), module.double()(*[x.double() for x in inputs])
    return folder / "out", dict(zip(NAMES, zip(got, eager, exact, strict=True), strict=True))


@pytest.mark.parametrize("name", NAMES)
def test_at_least_as_exact_as_eager(name: str, made: tuple[Path, dict[str, tuple[torch.Tensor, ...]]]) -> None:
    got, eager, exact = made[1][name]
    assert got.shape == eager.shape and got.dtype == eager.dtype and got.is_contiguous()
    if not eager.is_floating_point():
        assert torch.equal(got, eager)
        return
    finite = torch.isfinite(exact) & torch.isfinite(eager)
    assert bool(finite.any()) and bool(torch.isfinite(got[finite]).all())
    exact = exact.double()
    mine, theirs = ((t.double() - exact)[finite].square().mean().sqrt() for t in (got, eager))
    ulp = torch.finfo(eager.dtype).eps * exact[finite].square().mean().sqrt()
    assert mine <= max(1.02 * theirs, 0.02 * ulp), f"error {mine:.3g}, eager's {theirs:.3g}"


def test_every_case_is_kernels(made: tuple[Path, dict[str, tuple[torch.Tensor, ...]]]) -> None:
    plan = json.loads((made[0] / "plan.json").read_text())
    left = {step["op"] for step in plan["steps"] if "op" in step}
    views = ["broadcast_tensors", "t", "reshape", "view", "unsqueeze", "squeeze", "slice.Tensor"]
    assert left <= {f"aten::{view}" for view in views}, left
    kinds = {kernel.rpartition("_")[0] for kernel in plan["kernels"]}
    assert kinds == {"fused", "pooling", "scan", "fold_parts", "depthwise"}


def test_what_is_kept_between_kernels_is_float32(made: tuple[Path, dict[str, tuple[torch.Tensor, ...]]]) -> None:
    """A long row's sums and largest elements would lose digits as halves, or overflow."""
    plan = json.loads((made[0] / "plan.json").read_text())
    names = ("amax_", "sum_", "mean_")
    between = [step for step in plan["steps"] if step.get("empty", "").startswith(names)]
    between = [step for step in between if step["empty"] not in plan["result"]]
    assert between and {step["dtype"] for step in between} == {"float32"}, between


def test_a_thread_takes_eight_halves(made: tuple[Path, dict[str, tuple[torch.Tensor, ...]]]) -> None:
    text = (made[0] / "kernels.cu").read_text()
    assert "b_load<8>(" in text and "const b_half* __restrict__" in text and "const b_bfloat* __restrict__" in text


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90a", "sm_100"])
def test_nvrtc_compiles_them(architecture: str, made: tuple[Path, Any], tmp_path: Path) -> None:
    pytest.importorskip("nvidia.cu13", reason="NVRTC is not installed (requirements.txt)")
    for name, facts in nvrtc_kernels(made[0], architecture, tmp_path).items():
        assert facts["spilled_bytes"] == 0 and facts["shared_bytes"] <= 48 << 10, (name, facts)


def test_nan_and_infinity_pass_as_in_eager(made: tuple[Path, dict[str, tuple[torch.Tensor, ...]]]) -> None:
    module, inputs = All().eval(), drawn()
    plan = OnHost(made[0], module)
    for x in inputs:
        x.view(-1)[3::97], x.view(-1)[50::193] = float("nan"), float("-inf")
    with torch.no_grad():
        for name, got, eager in zip(NAMES, plan.run(inputs), module(*inputs), strict=True):
            if name.startswith(("chain_odd", "softmax", "largest", "max_", "average_", "cumsum", "compared")):
                assert torch.equal(torch.isnan(got), torch.isnan(eager)), name


class Layers(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.third = (torch.nn.Linear(24, 24) for _ in range(3))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.gelu(self.third(F.gelu(self.second(torch.relu(self.first(x))), approximate="tanh")))


@pytest.mark.parametrize("dtype", TYPES)
def test_an_activation_goes_inside_a_product_where_the_library_has_it(dtype: str, tmp_path: Path) -> None:
    """ReLU and GELU's tanh form; GELU by erf, and products of float32, stay as they are."""
    module, x = Layers().to(TYPES[dtype]).eval(), R(2, 5, 24).to(TYPES[dtype])
    compiled(module, (x,), tmp_path, "--target", "cuda", run=False)
    plan = json.loads((tmp_path / "out" / "plan.json").read_text())
    ops = [step["op"] for step in plan["steps"] if "op" in step]
    assert ops.count("aten::_addmm_activation") == 2 and "aten::linear" in ops, ops
    assert len([step for step in plan["steps"] if "launch" in step]) == 1
    with torch.no_grad():
        got, eager = OnHost(tmp_path / "out", module).run([x]), module(x)
        exact = module.double()(x.double())
    mine, theirs = ((t.double() - exact).square().mean().sqrt() for t in (got, eager))
    assert got.dtype == eager.dtype and mine <= 1.1 * theirs
    compiled(module.float(), (x.float(),), tmp_path / "float", "--target", "cuda", run=False)
    assert "_addmm_activation" not in (tmp_path / "float" / "out" / "plan.json").read_text()
