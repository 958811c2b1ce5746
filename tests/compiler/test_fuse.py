"""Fused kernels against the modules that they replace."""

from __future__ import annotations

from pathlib import Path

import harness
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F


class Fn(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, *args):
        return self.f(*args)


R = torch.randn
CASES = {
    "bias_gelu": (lambda x, b: F.gelu(x + b), (R(5, 33), R(33))),
    "broadcast_middle": (lambda x, s: x * torch.sigmoid(s) + 1, (R(3, 7, 5, 6), R(3, 7, 1, 1))),
    "transpose": (lambda x, y: x.transpose(1, 2) + y, (R(3, 5, 9), R(3, 9, 5))),
    "own_transpose": (lambda x: x + x.t(), (R(9, 9),)),
    "reshape_between": (lambda x, w: F.relu(x).reshape(4, 3, 10) * w, (R(12, 10), R(3, 1))),
    "chunks": (lambda x: (lambda a, b: a * torch.sigmoid(b))(*x.chunk(2, -1)), (R(6, 34),)),
    "masked": (lambda x, m: x.masked_fill(m, -1e9) * 2, (R(4, 17), R(4, 17) > 0)),
    "sum_last": (lambda x: (x * x).sum(-1), (R(5, 77),)),
    "sum_last_long": (lambda x: (x * x).sum(-1, keepdim=True), (R(3, 20011),)),
    "sum_middle": (lambda x: (x + 1).sum(1), (R(3, 9, 41),)),
    "sum_middle_long": (lambda x: x.sum(1), (R(2, 1500, 33),)),
    "sum_first": (lambda x: x.sum(0), (R(31, 10),)),
    "sum_all": (lambda x: x.abs().sum(), (R(31, 10),)),
    "sum_two": (lambda x: x.sum((0, 2)), (R(5, 6, 7),)),
    "sum_outer_inner": (lambda x: x.sum((0, 2, 3), keepdim=True), (R(5, 6, 7, 8),)),
    "max_norm": (lambda x: x / x.abs().amax(-1, keepdim=True), (R(6, 50),)),
    "softmax_by_hand": (
        lambda x: (lambda e: e / e.sum(-1, keepdim=True))(torch.exp(x - x.amax(-1, keepdim=True))),
        (R(6, 300) * 5,),
    ),
    "softmax_middle": (
        lambda x: (lambda e: e / e.sum(1, keepdim=True))(torch.exp(x - x.amax(1, keepdim=True))),
        (R(3, 20, 70),),
    ),
    "norm_by_hand": (
        lambda x, w: w * (x - x.sum(-1, keepdim=True) / 64) * torch.rsqrt((x * x).sum(-1, keepdim=True) + 1e-6),
        (R(9, 64), R(64)),
    ),
    "argmax": (lambda x: x.argmax(-1), (torch.randint(0, 5, (7, 100)).float(),)),
    "argmin_keep": (lambda x: torch.argmin(x * 2, 1, keepdim=True), (R(7, 5, 3),)),
    "argmax_middle": (lambda x: x.argmax(1), (torch.randint(0, 5, (3, 40, 70)).float(),)),
    "argmin_first": (lambda x: (x * 2).argmin(0), (torch.randint(0, 5, (40, 70)).float(),)),
    "tiny_rows": (lambda x: (x * x).sum(-1), (R(400, 3),)),
    "scalar": (lambda x: torch.tanh(x) * 2, (R(()),)),
    "one_element": (lambda x: torch.exp(x).sum(-1), (R(1, 1, 3),)),
    "empty": (lambda x: F.gelu(x), (R(0, 5),)),
    "integers": (lambda x: x * 3 + 1, (torch.arange(20),)),
    "mixed": (lambda x, i: x + i, (R(4, 6), torch.arange(6))),
    "compare": (lambda x, y: (x > y) & (x < 1), (R(40), R(40))),
    "where": (lambda x: torch.where(x > 0, x, 0.1 * x), (R(4, 33),)),
    "diamond": (lambda x: (lambda h: h.exp() * h.sum(-1, keepdim=True) + h.sigmoid())(x * 2), (R(4, 33),)),
    "expand": (lambda a, b: (a[:, None, :] - b[None, :, :]).abs(), (R(5, 6), R(7, 6))),
    "pairwise": (lambda a, b: ((a[:, None, :] - b[None, :, :]) ** 2).sum(-1), (R(15, 6), R(17, 6))),
    "slices": (lambda x: torch.cat([-x[..., 8:], x[..., :8]], -1) * 2, (R(3, 16),)),
    "two_outputs": (lambda x: (lambda h: (h, h.sum(-1), h.amax(-1)))(x.sigmoid()), (R(6, 90),)),
    "heads": (lambda x: F.relu(x.reshape(2, 7, 3, 4).permute(0, 2, 1, 3)), (R(2, 7, 12),)),
}


@pytest.mark.parametrize("name", CASES)
def test_matches_eager(name: str, tmp_path: Path) -> None:
    f, args = CASES[name]
    harness.check(Fn(f), args, tmp_path)


class PreNorm(nn.Module):
    """Attention between two norms of one residual, as ViT and BERT have it."""

    def __init__(self) -> None:
        super().__init__()
        self.before, self.after = nn.LayerNorm(32), nn.LayerNorm(32)
        self.q, self.k, self.v, self.o = (nn.Linear(32, 32) for _ in range(4))

    def forward(self, x):
        h = self.before(x)
        q, k, v = (p(h).view(2, 17, 2, 16).transpose(1, 2) for p in (self.q, self.k, self.v))
        a = nn.functional.scaled_dot_product_attention(q, k, v)
        x = x + self.o(a.transpose(1, 2).reshape(2, 17, 32))
        return self.after(x)


def test_what_reads_a_templates_output_waits_for_its_kernel(tmp_path):
    text = harness.check(PreNorm(), (torch.randn(2, 17, 32),), tmp_path)
    assert "launch attention" in text


@torch.no_grad()
def test_a_sum_is_exact_where_few_terms_carry_it(tmp_path):
    """As in a plane whose rows are scaled each by its own factor: every float sum after the large terms rounds at their
    size. Eager's norms sum in double, and the judge holds a plane to what eager does."""
    x = torch.randn(64, 256, 256) * torch.exp2(torch.rand(64, 256, 1) * 24 - 12)
    x = x.reshape(64, -1)
    plan, _ = harness.compiled(Fn(lambda x: x.mean(-1)), (x,), tmp_path)
    error = harness.tensors_of(plan.run([x]))[0].double() - x.double().mean(-1)
    size = x.double().square().sum(-1).sqrt() / x.shape[1]
    worst = (error / size).square().mean().sqrt().item()
    assert worst < 5 * 2.0**-25, f"{worst:.3g}"  # 3.0 to 3.6 of them; with sums of 8192 floats 6.5 to 7.2
