"""Templates for CUDA against eager: pooling, scans, depthwise convolution, products with a few vectors.

All cases are one module, so that their kernels are one source: it is compiled once for the host (cuda_on_host.h runs a
block's threads as fibers) and once by NVRTC for each architecture.
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
# A function of inputs and parameters, the inputs' shapes, and the parameters'. Odd sizes, borders, parts of tensors.
CASES: dict[str, tuple[Callable, list[tuple], list[tuple]]] = {
    "max_2d": (lambda x: F.max_pool2d(x, 3, 2, 1), [(2, 3, 17, 23)], []),
    "max_1d": (lambda x: F.max_pool1d(x, 4, 3, padding=2), [(2, 3, 61)], []),
    "max_3d": (lambda x: F.max_pool3d(x, 2), [(2, 3, 6, 8, 10)], []),
    "max_dilated": (lambda x: F.max_pool2d(x, (3, 2), (1, 2), dilation=(2, 3)), [(2, 3, 17, 23)], []),
    "max_ceil": (lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), [(2, 3, 16, 22)], []),
    "max_wide": (lambda x: F.max_pool1d(x, 5, 3, padding=1), [(1, 2, 9001)], []),
    "average": (lambda x: F.avg_pool2d(x, 3, 2, 1), [(2, 3, 17, 23)], []),
    "average_inside": (
        lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False), [(2, 3, 16, 22)], [],
    ),
    "average_3d": (lambda x: F.avg_pool3d(x, 2, divisor_override=3), [(2, 3, 6, 8, 10)], []),
    "average_adaptive": (lambda x: F.adaptive_avg_pool2d(x, (4, 2)), [(2, 3, 16, 22)], []),
    "average_large": (lambda x: F.avg_pool2d(x, 11), [(600, 3, 23, 34)], []),
    "cumsum_short": (lambda x: torch.cumsum(x, 1), [(37, 1000)], []),
    "cumsum_row": (lambda x: torch.cumsum(x, -1), [(2, 1531)], []),
    "cumsum_parts": (lambda x: torch.cumsum(x, 1), [(3, 9001)], []),
    "cumsum_middle": (lambda x: torch.cumsum(x, 1), [(3, 50, 70)], []),
    "cumsum_columns": (lambda x: torch.cumsum(x, 0), [(777, 5)], []),
    "cumprod_row": (lambda x: torch.cumprod(1 + 0.01 * x, -1), [(5, 5000)], []),
    "cumprod_columns": (lambda x: torch.cumprod(1 + 0.01 * x, 0), [(300, 7)], []),
    "depthwise": (lambda x, w, b: F.conv2d(x, w, b, 1, 1, groups=6), [(2, 6, 9, 70)], [(6, 1, 3, 3), (6,)]),
    "depthwise_stride": (lambda x, w: F.conv2d(x, w, None, 2, 1, groups=6), [(2, 6, 15, 33)], [(6, 1, 3, 3)]),
    "depthwise_dilated": (
        lambda x, w, b: F.conv2d(x, w, b, 1, (4, 1), (2, 1), groups=6), [(2, 6, 15, 33)], [(12, 1, 5, 3), (12,)],
    ),
    "depthwise_small": (lambda x, w, b: F.conv2d(x, w, b, 1, 3, groups=40), [(1, 40, 7, 7)], [(40, 1, 7, 7), (40,)]),
    "depthwise_1d": (lambda x, w: F.conv1d(x, w, None, 1, 4, 2, groups=6), [(2, 6, 530)], [(6, 1, 5)]),
    "depthwise_flat": (lambda x, w: F.conv2d(x, w, None, (3, 2), groups=6), [(2, 6, 15, 33)], [(6, 1, 3, 1)]),
    "matrix_vector": (torch.mv, [(1024, 512), (512,)], []),
    "one_column": (torch.matmul, [(300, 2000), (2000, 1)], []),
    "few_columns": (torch.mm, [(8704, 256), (256, 7)], []),
    "few_outputs": (F.linear, [(2, 300, 512)], [(3, 512), (3,)]),
    "few_columns_staged": (torch.mm, [(1501, 1284), (1284, 8)], []),
    "few_columns_unaligned": (lambda x, w: torch.mm(x[1:].view(1100, 516), w), [(1100 * 516 + 1,), (516, 3)], []),
    "few_rows_staged": (F.linear, [(6, 772)], [(2117, 772), (2117,)]),
    "few_rows": (F.linear, [(5, 1028)], [(1030, 1028), (1030,)]),
    "added": (lambda x, w, b: torch.addmm(b, x, w), [(2113, 260)], [(260, 2), (2,)]),
}  # fmt: skip


class All(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        for name, (_, _, shapes) in CASES.items():
            for i, shape in enumerate(shapes):
                setattr(self, f"{name}_{i}", torch.nn.Parameter(R(shape)))

    def forward(self, *inputs: torch.Tensor) -> list[torch.Tensor]:
        left = iter(inputs)
        return [
            f(*(next(left) for _ in shapes), *(getattr(self, f"{name}_{i}") for i in range(len(params))))
            for name, (f, shapes, params) in CASES.items()
        ]


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
    folder = tmp_path_factory.mktemp("templates")
    torch.manual_seed(0)
    module, inputs = All().eval(), [R(shape) for _, shapes, _ in CASES.values() for shape in shapes]
    compiled(module, tuple(inputs), folder, "--target", "cuda", run=False)
    with torch.no_grad():
        got = OnHost(folder / "out", module).run(inputs)
        eager, exact = module(*inputs), module.double()(*[x.double() for x in inputs])
    return folder / "out", dict(zip(CASES, zip(got, eager, exact, strict=True), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_matches_eager(name: str, made: tuple[Path, dict[str, tuple[torch.Tensor, ...]]]) -> None:
    got, eager, exact = made[1][name]
    assert got.shape == eager.shape and got.dtype == eager.dtype and got.is_contiguous()
    rms = exact.square().mean().sqrt()
    mine, theirs = ((t.double() - exact).square().mean().sqrt() / rms for t in (got, eager))
    assert mine <= max(2 * theirs, 2.0**-22), f"error {mine:.3g}, eager's {theirs:.3g}"


def test_every_case_is_a_template(made: tuple[Path, dict[str, tuple[torch.Tensor, ...]]]) -> None:
    plan = json.loads((made[0] / "plan.json").read_text())
    left = {step["op"] for step in plan["steps"] if "op" in step}
    views = {"aten::t", "aten::reshape", "aten::view", "aten::unsqueeze", "aten::squeeze", "aten::slice.Tensor"}
    assert left <= views, left
    kinds = {kernel.rpartition("_")[0] for kernel in plan["kernels"]} - {"fused"}
    assert kinds == {"pooling", "scan", "fold_parts", "depthwise", "few_columns"}


def test_nan_and_infinity_pass_as_in_eager(made: tuple[Path, dict[str, tuple[torch.Tensor, ...]]]) -> None:
    module, inputs = All().eval(), [R(shape) for _, shapes, _ in CASES.values() for shape in shapes]
    plan = OnHost(made[0], module)
    for x in inputs:
        x.view(-1)[3::97], x.view(-1)[50::193] = float("nan"), float("-inf")
    with torch.no_grad():
        for name, got, eager in zip(CASES, plan.run(inputs), module(*inputs), strict=True):
            if name.startswith(("max", "average", "cumsum")):
                assert torch.equal(torch.isnan(got), torch.isnan(eager)), name
                assert torch.equal(torch.isinf(got), torch.isinf(eager)), name


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90a", "sm_100"])
def test_nvrtc_compiles_them(architecture: str, made: tuple[Path, Any], tmp_path: Path) -> None:
    pytest.importorskip("nvidia.cu13", reason="NVRTC is not installed (requirements.txt)")
    for name, facts in nvrtc_kernels(made[0], architecture, tmp_path).items():
        assert facts["spilled_bytes"] == 0 and facts["shared_bytes"] <= 48 << 10, (name, facts)
