"""Equal regions are compiled once: twelve layers cost the kernels, and the seconds of the C++ compiler, of one.

`python tests/compiler/test_equal_regions.py` prints what is measured.
"""

from __future__ import annotations

import json
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

import harness
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F


class Decoder(nn.Module):
    """A decoder's layer as people write it, its norms before, its attention causal."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.before, self.after = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(nn.Linear(width, 4 * width), nn.GELU(approximate="tanh"), nn.Linear(4 * width, width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        n, t, c = x.shape
        q, k, v = (
            part.view(n, t, self.heads, c // self.heads).transpose(1, 2)
            for part in self.qkv(self.before(x)).split(c, -1)
        )
        y = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(n, t, c)
        x = x + self.out(y)
        return x + self.mlp(self.after(x))


class Residual(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.one, self.two = (nn.Conv2d(channels, channels, 3, padding=1) for _ in range(2))
        self.norm_one, self.norm_two = nn.BatchNorm2d(channels), nn.GroupNorm(4, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.silu(x + self.norm_two(self.two(F.relu(self.norm_one(self.one(x))))))


# A layer, the shape of its input, and how many layers have all kernels. Where a layer ends in what joins the next one's
# first kernel, the first, the others and the last differ.
LAYERS = {
    "encoder": (lambda: nn.TransformerEncoderLayer(64, 4, 128, activation="gelu", batch_first=True), (2, 32, 64), 1),
    "decoder": (lambda: Decoder(64, 4), (2, 32, 64), 1),
    "residual": (lambda: Residual(8), (2, 8, 16, 16), 1),
    "joined": (lambda: nn.Sequential(nn.LayerNorm(32), nn.Linear(32, 32), nn.Tanh()), (4, 9, 32), 3),
}


def kernels_of(name: str, layers: int, folder: Path, *options: str) -> tuple[str, dict[str, Any]]:
    """The kernels' source and the plan for a stack of so many layers."""
    make, shape, _ = LAYERS[name]
    module = nn.Sequential(*(make() for _ in range(layers)))
    harness.compiled(module, (torch.randn(*shape),), folder, *options, run=False)
    return (folder / "out" / "kernels.cpp").read_text(), json.loads((folder / "out" / "plan.json").read_text())


@pytest.mark.parametrize("options", [(), ("--channels-last",), ("--no-library",), ("--rules", "same")], ids=" ".join)
@pytest.mark.parametrize("name", LAYERS)
def test_layers_share_their_kernels(name: str, options: tuple[str, ...], tmp_path: Path) -> None:
    least = LAYERS[name][2]
    few, few_plan = kernels_of(name, least, tmp_path / "few", *options)
    many, many_plan = kernels_of(name, 12, tmp_path / "many", *options)
    assert many == few
    assert many_plan["kernels"].keys() == few_plan["kernels"].keys()
    launches = [sum("launch" in step for step in plan["steps"]) for plan in (few_plan, many_plan)]
    assert (
        launches[1] > launches[0] >= len(few_plan["kernels"]) - sum("launch" in s for s in few_plan.get("prepare", []))
    )


def measure(name: str, layers: int) -> str:
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        source, plan = kernels_of(name, layers, folder)
        start = time.perf_counter()
        subprocess.run(
            [str(harness.tool()), str(folder / "in"), str(folder / "again")], check=True, capture_output=True
        )
        passes = time.perf_counter() - start
        fresh = folder / "fresh.cpp"
        fresh.write_text(f"{source}// {folder}\n")  # the cache of built kernels has not seen it
        start = time.perf_counter()
        harness.build(fresh)
        compiler = time.perf_counter() - start
    launches = sum("launch" in step for step in plan["steps"])
    return f"{name:9}{layers:7}{len(plan['kernels']):8}{launches:9}{passes:12.3f} s{compiler:9.2f} s"


if __name__ == "__main__":
    print(f"{'':9} layers kernels launches  passes      g++")
    for which in LAYERS:
        for number in (1, 12):
            print(measure(which, number), flush=True)
