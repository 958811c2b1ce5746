"""Fused kernels for Metal, on the emulator with every access watched, against the modules that they replace."""

from __future__ import annotations

from pathlib import Path

import metal_harness
import pytest
import test_fuse
import torch
import torch.nn.functional as F

R = torch.randn
# What a grid of threadgroups has of its own: fours and their tails, one simdgroup to a row and several, rows that a
# thread takes alone, columns that a threadgroup shares, and values that stay in registers from one stage to the next.
CASES = {
    "fours": (lambda x, b: F.gelu(x + b), (R(5, 32), R(32))),
    "fours_of_a_part": (lambda x: x[:, 1:33] * 2, (R(5, 40),)),
    "fours_beside_strides": (lambda x, y: x + y.t(), (R(8, 12), R(12, 8))),
    "layer_norm": (lambda x, w, b: F.layer_norm(x, (768,), w, b), (R(6, 768) * 3 + 9, R(768), R(768))),
    "layer_norm_odd": (lambda x: F.layer_norm(x, (301,)), (R(3, 301),)),
    "rms_norm": (lambda x, w: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * w, (R(5, 256), R(256))),
    "softmax": (lambda x: torch.softmax(x, -1), (R(4, 1024) * 5,)),
    "log_softmax": (lambda x: torch.log_softmax(x, -1), (R(4, 77) * 5,)),
    "softmax_long": (lambda x: torch.softmax(x, -1), (R(2, 40004) * 5,)),
    "group_norm": (lambda x: F.group_norm(x, 4), (R(2, 8, 5, 6),)),
    "cosine": (lambda x, y: F.cosine_similarity(x, y, dim=-1), (R(5, 200), R(5, 200))),
    "cross_entropy": (lambda x, t: F.cross_entropy(x, t), (R(16, 50), torch.randint(0, 50, (16,)))),
    "smooth_l1": (lambda x, y: F.smooth_l1_loss(x, y), (R(40, 50), R(40, 50))),
    "mean_of_many": (lambda x: x.mean(), (R(300, 1000) + 5,)),
    "columns": (lambda x: x.sum(1), (R(70, 9, 64),)),
    "few_columns": (lambda x: (x - x.mean(0)).square().sum(0), (R(900, 5) + 3,)),
    "nan_in_a_maximum": (lambda x: x.amax(-1), (torch.where(R(4, 300) > 2.5, torch.nan, R(4, 300)),)),
    "place_in_a_long_row": (lambda x: x.argmax(-1), (torch.randint(0, 9, (3, 5000)).float(),)),
    "place_of_integers": (lambda x: x.argmin(-1), (torch.randint(0, 90, (3, 700)),)),
    "sum_of_integers": (lambda x: x.sum(-1), (torch.randint(-(2**40), 2**40, (3, 700)),)),
    "any": (lambda x: (x > 3).any(-1), (R(9, 400),)),
}
SHARED = [
    "broadcast_middle", "transpose", "reshape_between", "chunks", "masked", "sum_middle_long", "sum_two",
    "softmax_middle", "argmax", "argmin_first", "tiny_rows", "scalar", "one_element", "empty", "integers", "mixed",
    "compare", "where", "diamond", "pairwise", "slices", "two_outputs", "heads",
]  # fmt: skip


@pytest.mark.parametrize("name", [*CASES, *SHARED])
def test_matches_eager(name: str, tmp_path: Path) -> None:
    f, args = CASES.get(name) or test_fuse.CASES[name]
    source = metal_harness.check_metal(test_fuse.Fn(f), args, tmp_path)
    assert "kernel void" in source
