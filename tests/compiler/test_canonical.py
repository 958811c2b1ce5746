"""Composite operators, taken apart and fused, against PyTorch's own."""

from __future__ import annotations

from pathlib import Path

import harness
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F

R = torch.randn


class Fn(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, *args):
        return self.f(*args)


class Then(nn.Module):
    """A module and what is done with its result."""

    def __init__(self, module, f):
        super().__init__()
        self.module, self.f = module, f

    def forward(self, x):
        return self.f(self.module(x))


def positive(*shape):
    return torch.rand(*shape) * 0.98 + 0.01


CLASSES = torch.randint(0, 11, (9,))
CASES = {
    "softmax": (lambda x: F.softmax(x, -1), (R(7, 130) * 4,)),
    "softmax_middle": (lambda x: F.softmax(x, 1), (R(3, 19, 40) * 4,)),
    "softmax_long": (lambda x: F.softmax(x, -1), (R(3, 9001) * 4,)),
    "softmax_first": (lambda x: F.softmax(x, 0), (R(19, 40) * 4,)),
    "log_softmax": (lambda x: F.log_softmax(x, -1), (R(7, 130) * 4,)),
    "logsumexp": (lambda x: torch.logsumexp(x, 1), (R(7, 130) * 4,)),
    "logsumexp_keep": (lambda x: torch.logsumexp(x, -1, keepdim=True), (R(7, 13, 5) * 4,)),
    "masked_softmax": (lambda x, m: F.softmax(x.masked_fill(m, float("-inf")), -1), (R(5, 60), (R(5, 60) > 1))),
    "mean": (lambda x: x.mean(), (R(7, 13),)),
    "mean_dims": (lambda x: x.mean((2, 3)), (R(2, 3, 7, 5),)),
    "mean_middle": (lambda x: x.mean(1, keepdim=True), (R(4, 37, 50),)),
    "var": (lambda x: x.var(1), (R(4, 37, 5),)),
    "std_all": (lambda x: x.std(), (R(4, 37),)),
    "norm": (lambda x: x.norm(dim=-1), (R(8, 33),)),
    "norm_all": (lambda x: x / torch.norm(x, p="fro"), (R(8, 33),)),
    "norm_1": (lambda x: F.normalize(x, p=1.0, dim=1), (R(8, 33),)),
    "normalize": (lambda x: F.normalize(x, dim=-1), (R(8, 33),)),
    "max_values": (lambda x: torch.max(x, 1)[0], (R(4, 30, 5),)),
    "max_indices": (lambda x: torch.max(x, -1)[1], (R(4, 30),)),
    "min_all": (lambda x: x.min(), (R(4, 30),)),
    "cosine": (lambda a, b: F.cosine_similarity(a, b, dim=-1), (R(9, 70), R(9, 70))),
    "cosine_middle": (lambda a, b: F.cosine_similarity(a, b, dim=1), (R(3, 16, 20), R(3, 16, 20))),
    "pairwise_distance": (lambda a, b: F.pairwise_distance(a, b), (R(9, 70), R(9, 70))),
    "mse": (lambda a, b: F.mse_loss(a, b), (R(64, 31), R(64, 31))),
    "l1": (lambda a, b: F.l1_loss(a, b, reduction="sum"), (R(4, 31), R(4, 31))),
    "smooth_l1": (lambda a, b: F.smooth_l1_loss(a, b), (R(64, 31), R(64, 31))),
    "huber": (lambda a, b: F.huber_loss(a, b, delta=0.7), (R(64, 31), R(64, 31))),
    "kl": (lambda a, b: F.kl_div(torch.log(a), b, reduction="batchmean"), (positive(8, 20), positive(8, 20))),
    "bce_logits": (lambda a, b: F.binary_cross_entropy_with_logits(a, b), (R(8, 20), positive(8, 20))),
    "bce": (lambda a, b: F.binary_cross_entropy(a, b), (positive(8, 20), positive(8, 20))),
    "triplet": (lambda a, p, n: F.triplet_margin_loss(a, p, n), (R(8, 20), R(8, 20), R(8, 20))),
    "cross_entropy": (lambda x, t: F.cross_entropy(x, t), (R(9, 11), CLASSES)),
    "cross_entropy_smooth": (lambda x, t: F.cross_entropy(x, t, label_smoothing=0.1), (R(9, 11), CLASSES)),
    "cross_entropy_image": (
        lambda x, t: F.cross_entropy(x, t, ignore_index=3),
        (R(2, 11, 3, 5), torch.randint(0, 11, (2, 3, 5))),
    ),
    "nll": (lambda x, t: F.nll_loss(F.log_softmax(x, 1), t), (R(9, 11), CLASSES)),
    "hinge": (lambda x, t: torch.clamp(1 - x * t, min=0).mean(), (R(90), torch.sign(R(90)))),
    "softmax_of_one": (lambda x: F.softmax(x, 1), (torch.cat([R(5, 1, 3), torch.full((1, 1, 3), torch.inf)]),)),
    "log_softmax_of_one": (lambda x: F.log_softmax(x, -1), (torch.cat([R(5, 1), -torch.full((1, 1), torch.inf)]),)),
    "logsumexp_of_one": (
        lambda x: torch.logsumexp(x, 1),
        (torch.cat([R(5, 1, 3), torch.full((1, 1, 3), -torch.inf)]),),
    ),
    "reductions_of_one": (
        lambda x: (x.sum(1, keepdim=True).sum(1), x.mean((1, 2), keepdim=True).mean((1, 2)), x[:, :1].amax(1)),
        (R(4, 7, 5),),
    ),
    "glu": (lambda x: F.glu(x, 1), (R(3, 8, 5),)),
    "powers": (lambda x: x**2 + x**3 - (x.abs() + 0.1) ** -0.5, (R(3, 8, 5),)),
    "activations": (
        lambda x: (
            F.gelu(x)
            + F.silu(x)
            + F.mish(x)
            + F.softplus(x)
            + F.elu(x)
            + F.selu(x)
            + F.hardswish(x)
            + F.hardsigmoid(x)
            + F.leaky_relu(x, 0.2)
            + F.softsign(x)
            + F.tanhshrink(x)
            + F.relu6(x)
            + F.logsigmoid(x)
            + F.gelu(x, approximate="tanh")
            + torch.clamp(x, -1, 0.5)
            + F.hardtanh(x)
            + F.celu(x, 0.7)
            + F.softshrink(x)
            + F.threshold(x, 0.1, 0.3)
        ),
        (R(300) * 3,),
    ),
    "einsum_outer": (lambda a, b: torch.einsum("bd,bn->bdn", a, b), (R(3, 7), R(3, 5))),
    "einsum_rows": (lambda a, b: torch.einsum("bdn,bn->bd", a, b), (R(3, 7, 16), R(3, 16))),
    "einsum_batched": (lambda a, b: torch.einsum("bhqd,bkhd->bqhk", a, b), (R(2, 3, 20, 8), R(2, 17, 3, 8))),
    "einsum_product": (lambda a, b: torch.einsum("bijl,lk->bijk", a, b), (R(2, 3, 4, 40), R(40, 24))),
    "mean_of_many": (lambda a, b: ((a - b) ** 2).mean(), (R(40, 50, 70), R(40, 50, 70))),
    "max_of_many": (lambda a: a.amax((0, 1), keepdim=True) * 2, (R(400, 500),)),
    "global_pool": (lambda x: F.adaptive_avg_pool2d(F.relu(x), 1), (R(2, 5, 7, 7),)),
    "diagonal": (lambda a, b: torch.diag(a) @ b, (R(9), R(9, 14))),
    "diagonal_mm": (lambda a, b: torch.mm(torch.diag(a), b), (R(9), R(9, 14))),
    "diagonal_vector": (lambda a, b: torch.diag(a) @ b, (R(9), R(9))),
    "diagonal_right": (lambda a, b: torch.matmul(b, torch.diag(a)), (R(9), R(2, 5, 9))),
    "diagonal_right_mm": (lambda a, b: torch.mm(b, torch.diag(a)).relu(), (R(9), R(5, 9))),
    "diagonal_batches": (lambda a, b: torch.diag_embed(a) @ b, (R(3, 9), R(3, 9, 14))),
    "diagonal_batches_right": (lambda a, b: b @ torch.diag_embed(a), (R(3, 9), R(3, 5, 9))),
    # Look alike and are none: the diagonal of a matrix, one beside the main diagonal, one that is read elsewhere too.
    "diagonal_of_matrix": (lambda a, b: torch.diag(a) @ b, (R(9, 9), R(9, 14))),
    "diagonal_beside": (lambda a, b: torch.diag(a, 1) @ b, (R(9), R(10, 14))),
    "diagonal_embedded_beside": (lambda a, b: torch.diag_embed(a, 1) @ b, (R(3, 9), R(3, 10, 14))),
    "diagonal_read_twice": (lambda a, b: (lambda d: d @ b + d.sum())(torch.diag(a)), (R(9), R(9, 14))),
    "rms_by_hand": (lambda x, w: x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * w, (R(5, 6, 96), R(96))),
}
MODULES = {
    "layer_norm": (nn.LayerNorm(48), (R(5, 7, 48),)),
    "layer_norm_2d": (nn.LayerNorm((6, 8), elementwise_affine=False), (R(5, 7, 6, 8),)),
    "layer_norm_no_bias": (nn.LayerNorm(48, bias=False), (R(5, 48),)),
    "rms_norm": (nn.RMSNorm(48), (R(5, 48),)),
    "group_norm": (nn.GroupNorm(3, 12), (R(2, 12, 5, 7),)),
    "group_norm_silu": (nn.Sequential(nn.GroupNorm(3, 12), nn.SiLU()), (R(2, 12, 5, 7),)),
    "instance_norm": (nn.InstanceNorm2d(6, affine=True), (R(2, 6, 5, 7),)),
    "instance_norm_plain": (nn.InstanceNorm1d(6), (R(2, 6, 35),)),
    "batch_norm": (nn.Sequential(nn.BatchNorm2d(6), nn.ReLU()), (R(2, 6, 5, 7),)),
    "batch_norm_plain": (nn.BatchNorm1d(6, affine=False), (R(9, 6),)),
    "conv_batch_norm": (nn.Sequential(nn.Conv2d(3, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU()), (R(2, 3, 9, 9),)),
    "conv_batch_norm_no_bias": (
        nn.Sequential(nn.Conv2d(4, 8, 3, stride=2, groups=2, bias=False), nn.BatchNorm2d(8)),
        (R(2, 4, 9, 9),),
    ),
    "transposed_batch_norm": (
        nn.Sequential(nn.ConvTranspose2d(3, 8, 3, stride=2), nn.BatchNorm2d(8)),
        (R(2, 3, 9, 9),),
    ),
    "linear_batch_norm": (nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8)), (R(6, 12),)),
    "linear_sum": (Then(nn.Linear(12, 8), lambda y: y.sum(-1)), (R(6, 5, 12),)),
    "linear_mean": (Then(nn.Linear(12, 8), lambda y: y.mean(1, keepdim=True)), (R(6, 12),)),
    # The same words over another dimension: no rule may take these for the above.
    "linear_mean_of_steps": (Then(nn.Linear(12, 8), lambda y: y.mean(1, keepdim=True)), (R(6, 5, 12),)),
    "linear_batch_norm_of_steps": (nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8)), (R(6, 8, 12),)),
    "prelu": (nn.PReLU(6), (R(2, 6, 5),)),
    "dropout": (nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.ReLU()), (R(3, 4),)),
}
# A kernel for each of these, and nothing of ATen beside it.
WHOLE = [
    "softmax",
    "softmax_middle",
    "log_softmax",
    "logsumexp",
    "mean_dims",
    "var",
    "norm",
    "normalize",
    "cosine",
    "cosine_middle",
    "layer_norm",
    "rms_norm",
    "group_norm_silu",
    "instance_norm",
    "activations",
    "rms_by_hand",
    "glu",
    "global_pool",
    "diagonal",
    "diagonal_right",
    "diagonal_batches",
]
# What must fire for these, and nothing that changes rounding for those that only look alike.
FIRES = {
    "linear_sum": "sum of a product's outputs",
    "linear_mean": "mean of a product's outputs",
    "softmax_of_one": "softmax over one element",
    "log_softmax_of_one": "log softmax over one element",
    "logsumexp_of_one": "logsumexp of one element",
    "reductions_of_one": "largest of one element",
    "diagonal": "diagonal matrix times a matrix",
    "diagonal_mm": "diagonal matrix times a matrix, mm",
    "diagonal_vector": "diagonal matrix times a vector",
    "diagonal_right": "matrix times a diagonal matrix",
    "diagonal_right_mm": "matrix times a diagonal matrix, mm",
    "diagonal_batches": "diagonal matrices times matrices",
    "diagonal_batches_right": "matrices times diagonal matrices",
}


def randomise(module: nn.Module) -> None:
    for name, buffer in module.named_buffers():
        if buffer.is_floating_point():
            buffer.copy_(torch.rand_like(buffer) + 0.5 if "var" in name else torch.randn_like(buffer))
    for p in module.parameters():
        p.data.copy_(torch.randn_like(p) * 0.5)


@pytest.mark.parametrize("name", [*CASES, *MODULES])
def test_matches_eager(name: str, tmp_path: Path) -> None:
    if name in CASES:
        f, args = CASES[name]
        module: nn.Module = Fn(f)
    else:
        module, args = MODULES[name]
        randomise(module)
    text = harness.check(module, args, tmp_path)
    if name in FIRES:
        assert f"fired: {FIRES[name]}\n" in text, text
    elif name.startswith("diagonal"):
        assert "diagonal" not in text.partition("fired: ")[2], text
    if name.endswith("_of_steps"):
        assert "of a product's outputs" not in text and "into a product" not in text, text
    if name in WHOLE:
        steps = text[text.index("\nsteps") :] if "\nsteps" in text else text
        assert "aten::" not in steps.replace("aten::reshape", ""), text


@pytest.mark.parametrize(("columns", "library"), [(1, False), (64, True)])
def test_a_matrix_times_a_vector_stays_with_aten(columns: int, library: bool, tmp_path: Path) -> None:
    """It reads the matrix once, so nothing is won by another product, and its set-up costs (measured: 0.86x)."""
    text = harness.check(Fn(torch.matmul), (R(256, 4096), R(4096, columns)), tmp_path)
    assert ("mkldnn::_linear_pointwise" in text) == library
