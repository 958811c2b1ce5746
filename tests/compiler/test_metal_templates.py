"""Templates for Metal against eager, on the emulator with every access watched: the cases of CUDA's templates, in one
module, so that their kernels are one source."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch
from harness import compiled
from metal_harness import MetalPlan
from test_cuda_templates import CASES as ALL

R = torch.randn


def heads(x: torch.Tensor) -> torch.Tensor:
    q, k = x.view(2, 40, 2, 3, 20).permute(2, 0, 3, 1, 4).unbind()
    return q @ k.transpose(-2, -1)


PRODUCTS = {
    "product": (torch.bmm, [(3, 70, 50), (3, 50, 90)], []),
    "product_of_turned": (lambda x, y: x.transpose(1, 2) @ y.transpose(1, 2), [(3, 50, 70), (3, 90, 50)], []),
    "product_of_heads": (heads, [(2, 40, 120)], []),
    "product_broadcast": (torch.matmul, [(5, 1, 33, 20), (4, 20, 65)], []),
    "product_in_whole_tiles": (torch.bmm, [(40, 64, 48), (40, 48, 64)], []),
    "product_in_large_tiles": (torch.bmm, [(20, 100, 36), (20, 36, 130)], []),
}
CASES = PRODUCTS | {
    name: case for name, case in ALL.items() if name.startswith(("max", "average", "cumsum", "depthwise"))
}


class Cases(torch.nn.Module):
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


def drawn() -> list[torch.Tensor]:
    return [R(shape) for _, shapes, _ in CASES.values() for shape in shapes]


Made = tuple[Path, dict[str, tuple[torch.Tensor, torch.Tensor, torch.Tensor]]]


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """The folder of the plan, and for each case what its kernels, eager, and eager in float64 say."""
    folder = tmp_path_factory.mktemp("templates")
    torch.manual_seed(0)
    module, inputs = Cases().eval(), drawn()
    compiled(module, tuple(inputs), folder, "--target", "metal-emulated", run=False)
    with torch.no_grad():
        got = MetalPlan(folder / "out", module).run(inputs)
        eager, exact = module(*inputs), module.double()(*[x.double() for x in inputs])
    return folder / "out", dict(zip(CASES, zip(got, eager, exact, strict=True), strict=True))


@pytest.mark.parametrize("name", CASES)
def test_matches_eager(name: str, made: Made) -> None:
    got, eager, exact = made[1][name]
    assert got.shape == eager.shape and got.dtype == eager.dtype and got.is_contiguous()
    rms = exact.square().mean().sqrt()
    mine, theirs = ((t.double() - exact).square().mean().sqrt() / rms for t in (got, eager))
    assert mine <= max(2 * theirs, 2.0**-22), f"error {mine:.3g}, eager's {theirs:.3g}"


def test_every_case_is_a_template(made: Made) -> None:
    plan = json.loads((made[0] / "plan.json").read_text())
    left = {step["op"] for step in plan["steps"] if "op" in step}
    assert left <= {"aten::t", "aten::reshape", "aten::view", "aten::unsqueeze", "aten::squeeze"}, left
    kinds = {kernel.rpartition("_")[0] for kernel in plan["kernels"]} - {"fused"}
    assert kinds == {"pooling", "scan", "fold_parts", "depthwise", "product"}


def test_nan_and_infinity_pass_as_in_eager(made: Made) -> None:
    module, inputs = Cases().eval(), drawn()
    plan = MetalPlan(made[0], module, checked=False)
    for x in inputs:
        x.view(-1)[3::97], x.view(-1)[50::193] = float("nan"), float("-inf")
    with torch.no_grad():
        for name, got, eager in zip(CASES, plan.run(inputs), module(*inputs), strict=True):
            if name.startswith(("max", "average", "cumsum")):
                assert torch.equal(torch.isnan(got), torch.isnan(eager)), name
                assert torch.equal(torch.isinf(got), torch.isinf(eager)), name
