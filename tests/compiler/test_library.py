"""Transposed convolutions and products as calls of oneDNN: where, and that they give what eager gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
import torch.nn.functional as F
from harness import check
from torch import nn

CHANNELS_LAST = ("--channels-last",)
CALL = "mkldnn::_convolution_transpose_pointwise"
CASES = {
    "plain": (nn.ConvTranspose2d(3, 16, 3), (4, 3, 9, 11)),
    "strides": (nn.ConvTranspose2d(8, 5, (3, 4), stride=(2, 3), padding=1, output_padding=(1, 0)), (2, 8, 7, 6)),
    "no_bias": (nn.ConvTranspose2d(8, 16, 4, stride=2, padding=1, bias=False), (1, 8, 5, 5)),
    "space": (nn.ConvTranspose3d(3, 8, 3, stride=2, padding=1, output_padding=1), (2, 3, 4, 6, 5)),
    "space_uneven": (nn.ConvTranspose3d(4, 6, (3, 5, 2)), (1, 4, 5, 4, 3)),
}
OTHERS = {
    "dilated": (nn.ConvTranspose2d(3, 8, 3, dilation=2), (2, 3, 8, 8)),
    "groups": (nn.ConvTranspose2d(4, 8, 3, groups=2), (2, 4, 8, 8)),
}


class Then(nn.Module):
    def __init__(self, layer: nn.Module, *after: nn.Module) -> None:
        super().__init__()
        self.layer, self.after = layer, nn.Sequential(*after)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.after(self.layer(x))


def written(folder: Path) -> str:
    return (folder / "out" / "plan.json").read_text()


@pytest.mark.parametrize("after", [(), (nn.ReLU(),), (nn.Tanh(), nn.Softmax(1))], ids=["alone", "relu", "chain"])
@pytest.mark.parametrize("name", CASES)
def test_gives_what_eager_gives(name: str, after: tuple[nn.Module, ...], tmp_path: Path) -> None:
    layer, shape = CASES[name]
    check(Then(layer, *after), (torch.randn(shape),), tmp_path, *(() if name.startswith("space") else CHANNELS_LAST))
    plan = written(tmp_path)
    assert CALL in plan and "aten::conv_transpose" not in plan
    if after and isinstance(after[0], nn.ReLU):
        assert '"relu"' in plan and "aten::relu" not in plan, "it goes into the call"


def test_in_space_with_the_rest_in_channels_last(tmp_path: Path) -> None:
    layer, shape = CASES["space"]
    check(Then(layer, nn.Hardswish()), (torch.randn(shape),), tmp_path, *CHANNELS_LAST)
    assert CALL in written(tmp_path)


def test_in_a_plane_only_with_neighbours_in_channels_last(tmp_path: Path) -> None:
    layer, shape = CASES["plain"]
    check(Then(layer, nn.ReLU()), (torch.randn(shape),), tmp_path)
    assert CALL not in written(tmp_path)


@pytest.mark.parametrize("name", OTHERS)
def test_what_stays_atens(name: str, tmp_path: Path) -> None:
    layer, shape = OTHERS[name]
    check(Then(layer, nn.ReLU()), (torch.randn(shape),), tmp_path, *CHANNELS_LAST)
    assert CALL not in written(tmp_path)


class Product(nn.Module):
    """A product whose second operand is what `part` makes of it."""

    def __init__(self, part: Callable[[torch.Tensor], torch.Tensor], linear: bool = False) -> None:
        super().__init__()
        self.part, self.linear = part, linear

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        b = self.part(b)
        return torch.relu(F.linear(a, b) if self.linear else a @ b)


PARTS = {
    "columns": (lambda b: b[:, :96], (80, 130)),
    "turned columns": (lambda b: b[:, 3:83].t(), (96, 130)),
    "every second": (lambda b: b[:, ::2], (80, 192)),
    "one of two": (lambda b: b.view(80, 2, 96)[:, 1], (80, 192)),
    "a row for all": (lambda b: b.expand(80, 96), (1, 96)),
    "a column for all": (lambda b: b.expand(80, 96), (80, 1)),
}
WHOLES = {
    "whole": (lambda b: b, (80, 96)),
    "turned": (lambda b: b.t(), (96, 80)),
    "rows": (lambda b: b[5:85], (90, 96)),
}


@pytest.mark.parametrize("name", PARTS)
def test_leaves_a_product_with_gaps_in_its_second_operand_to_aten(name: str, tmp_path: Path) -> None:
    part, shape = PARTS[name]
    check(Product(part), (torch.randn(90, 80), torch.randn(shape)), tmp_path)
    assert "mkldnn::_linear_pointwise" not in written(tmp_path), "oneDNN takes seconds for such a one"
    turned = Product(lambda b: part(b).t(), linear=True)
    check(turned, (torch.randn(90, 80), torch.randn(shape)), tmp_path)
    assert "mkldnn::_linear_pointwise" not in written(tmp_path)


@pytest.mark.parametrize("name", WHOLES)
def test_takes_a_product_whose_second_operand_lies_whole(name: str, tmp_path: Path) -> None:
    part, shape = WHOLES[name]
    check(Product(part), (torch.randn(90, 80), torch.randn(shape)), tmp_path)
    assert "mkldnn::_linear_pointwise" in written(tmp_path)


def test_packs_a_part_of_a_parameter(tmp_path: Path) -> None:
    class Part(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight = nn.Parameter(torch.randn(96, 130))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return F.linear(x, self.weight[:, 11:91])

    check(Part(), (torch.randn(90, 80),), tmp_path)
    assert "_reorder_linear_weight" in written(tmp_path)


def test_a_product_as_large_as_a_gpu_would_split(tmp_path: Path) -> None:
    """Passes for a GPU are off where the kernels are for a CPU, in the tests' tool too."""
    text = check(Product(lambda b: b), (torch.randn(512, 1024), torch.randn(1024, 512)), tmp_path)
    assert "split product" not in text
