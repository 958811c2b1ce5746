"""Transposed convolutions as calls of oneDNN with packed weights: where, and that they give what eager gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
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
