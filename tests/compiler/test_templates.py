"""Kernels from templates against the operators that they replace."""

from __future__ import annotations

from pathlib import Path

import harness
import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from test_canonical import Fn, randomise

R = torch.randn
CASES = {
    "attention": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v),
        (R(2, 3, 37, 16), R(2, 3, 29, 16), R(2, 3, 29, 8)),
    ),
    "attention_causal": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        (R(1, 2, 70, 16),) * 3,
    ),
    "attention_scale": (lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=0.3), (R(1, 2, 33, 12),) * 3),
    "attention_bool": (
        lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m),
        (R(2, 2, 33, 8), R(2, 2, 21, 8), R(2, 2, 21, 8), torch.rand(2, 1, 33, 21) > 0.4),
    ),
    "attention_added": (
        lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m),
        (R(2, 2, 33, 8), R(2, 2, 21, 8), R(2, 2, 21, 8), R(33, 21)),
    ),
    "attention_heads": (
        lambda x: (lambda q, k, v: F.scaled_dot_product_attention(q, k, v).transpose(1, 2).reshape(2, 40, 24))(
            *x.reshape(2, 40, 3, 3, 8).permute(2, 0, 3, 1, 4).unbind(0)
        ),
        (R(2, 40, 72),),
    ),
    "bmm": (torch.bmm, (R(3, 37, 50), R(3, 50, 65))),
    "bmm_transposed": (lambda a, b: torch.bmm(a.transpose(1, 2), b.transpose(1, 2)), (R(3, 50, 37), R(3, 65, 50))),
    "matmul_broadcast": (torch.matmul, (R(2, 3, 17, 64), R(3, 64, 40))),
    "matmul_deep": (torch.matmul, (R(2, 9, 1500), R(2, 1500, 20))),
    "max_pool2d": (lambda x: F.max_pool2d(x, 3, 2, 1), (R(2, 3, 17, 23),)),
    "max_pool1d": (lambda x: F.max_pool1d(x, 4, 3, padding=2, dilation=1), (R(2, 3, 61),)),
    "max_pool3d": (lambda x: F.max_pool3d(x, 2), (R(2, 3, 6, 8, 10),)),
    "max_pool_dilated": (lambda x: F.max_pool2d(x, (3, 2), (1, 2), dilation=(2, 3)), (R(2, 3, 17, 23),)),
    "max_pool_ceil": (lambda x: F.max_pool2d(x, 3, 2, ceil_mode=True), (R(2, 3, 16, 22),)),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, 2, 1), (R(2, 3, 17, 23),)),
    "avg_pool_inside": (
        lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True, count_include_pad=False),
        (R(2, 3, 16, 22),),
    ),
    "avg_pool3d": (lambda x: F.avg_pool3d(x, 2, divisor_override=3), (R(2, 3, 6, 8, 10),)),
    "adaptive": (lambda x: F.adaptive_avg_pool2d(x, (4, 2)), (R(2, 3, 16, 22),)),
    "cumsum": (lambda x: torch.cumsum(x, 1), (R(5, 1000),)),
    "cumsum_middle": (lambda x: torch.cumsum(x, 1), (R(3, 50, 70),)),
    "cumprod": (lambda x: torch.cumprod(x, -1), (torch.rand(5, 100) + 0.5,)),
}

# Attention as people write it: each must become the template's kernel.
BY_HAND = {
    "scaled": (lambda q, k, v: F.softmax(q @ k.transpose(-2, -1) * 0.25, -1) @ v, (R(2, 3, 37, 16),) * 3),
    "divided": (lambda q, k, v: F.softmax(q @ k.transpose(2, 3) / 4.0, dim=-1) @ v, (R(2, 3, 37, 16),) * 3),
    "scaled_before": (lambda q, k, v: F.softmax((q * 0.25) @ k.transpose(-1, -2), dim=3) @ v, (R(2, 3, 37, 16),) * 3),
    "rank_three": (lambda q, k, v: F.softmax(q @ k.transpose(1, 2) / 4.0, dim=-1) @ v, (R(3, 37, 16),) * 3),
    "causal": (
        lambda q, k, v, m: F.softmax((q @ k.transpose(-2, -1) * 0.25).masked_fill(m == 0, float("-inf")), -1) @ v,
        (R(2, 3, 37, 16), R(2, 3, 37, 16), R(2, 3, 37, 16), torch.tril(torch.ones(1, 1, 37, 37))),
    ),
    "bias": (
        lambda q, k, v, b: F.softmax(q @ k.transpose(-2, -1) / 4 + b, -1) @ v,
        (R(2, 3, 37, 16), R(2, 3, 37, 16), R(2, 3, 37, 16), R(3, 37, 37)),
    ),
    "bias_scaled_before": (
        lambda q, k, v, b: F.softmax((q * 0.25) @ k.transpose(-2, -1) + b.unsqueeze(0), -1) @ v,
        (R(2, 3, 37, 16), R(2, 3, 37, 16), R(2, 3, 37, 16), R(3, 37, 37)),
    ),
}
MODULES = {
    "depthwise": (nn.Conv2d(6, 6, 3, padding=1, groups=6), (R(2, 6, 9, 70),)),
    "depthwise_stride": (nn.Conv2d(6, 6, 3, stride=2, padding=1, groups=6, bias=False), (R(2, 6, 15, 33),)),
    "depthwise_dilated": (nn.Conv2d(6, 12, (5, 3), padding=(4, 1), dilation=(2, 1), groups=6), (R(2, 6, 15, 33),)),
    "depthwise_large": (nn.Conv2d(4, 4, 7, padding=3, groups=4), (R(1, 4, 14, 14),)),
    "depthwise_1d": (nn.Conv1d(6, 6, 5, padding=4, dilation=2, groups=6), (R(2, 6, 130),)),
    "depthwise_no_rows": (nn.Conv2d(6, 6, (3, 1), stride=(3, 2), groups=6), (R(2, 6, 15, 33),)),
}
# Recurrent cells: odd sizes, remainders of rows, layers, directions, with and without a state.
RECURRENT = {
    "lstm": (nn.LSTM(24, 40), (R(6, 5, 24),)),
    "lstm_state": (nn.LSTM(24, 40, num_layers=3, batch_first=True), (R(5, 6, 24), R(3, 5, 40), R(3, 5, 40))),
    "lstm_both": (nn.LSTM(24, 32, bidirectional=True, bias=False), (R(6, 7, 24),)),
    "lstm_unbatched": (nn.LSTM(8, 16), (R(9, 8),)),
    "gru": (nn.GRU(24, 33, batch_first=True), (R(13, 4, 24), R(1, 13, 33))),
    "gru_both": (nn.GRU(24, 32, num_layers=2, bidirectional=True), (R(6, 5, 24),)),
    "rnn_tanh": (nn.RNN(24, 40), (R(6, 11, 24),)),
    "rnn_relu": (nn.RNN(24, 17, nonlinearity="relu", bidirectional=True), (R(6, 5, 24), R(2, 5, 17))),
    "lstm_cell": (nn.LSTMCell(24, 40), (R(5, 24),)),
    "gru_cell": (nn.GRUCell(24, 40), (R(7, 24), R(7, 40))),
    "rnn_cell": (nn.RNNCell(24, 40, bias=False), (R(3, 24), R(3, 40))),
}


class Call(nn.Module):
    """A module called with the arguments that are given: those left out are no inputs of the plan."""

    def __init__(self, module: nn.Module):
        super().__init__()
        self.module = module

    def forward(self, x, *state):
        return self.module(x, *((state,) if len(state) == 2 else state))


@pytest.mark.parametrize("name", RECURRENT)
def test_recurrent_cells_match_eager(name: str, tmp_path: Path) -> None:
    module, args = RECURRENT[name]
    text = harness.check(Call(module), args, tmp_path)
    assert "launch recurrent" in text and "panels" in text, text


def test_a_projection_after_the_cell_stays_with_aten(tmp_path: Path) -> None:
    text = harness.check(Call(nn.LSTM(8, 16, proj_size=12)), (R(9, 2, 8),), tmp_path)
    assert "launch recurrent" not in text and "aten::lstm" in text, text


def test_one_set_of_weights_is_packed_once(tmp_path: Path) -> None:
    cell = nn.GRUCell(24, 40)
    module = Fn(lambda x, h: cell(x, cell(x, h)))
    module.cell = cell
    text = harness.check(module, (R(7, 24), R(7, 40)), tmp_path)
    assert text.count("launch recurrent_cell_1") == 2 and text.count("aten::permute") == 1, text


@pytest.mark.parametrize("name", [*CASES, *MODULES])
def test_matches_eager(name: str, tmp_path: Path) -> None:
    if name in CASES:
        f, args = CASES[name]
        module: nn.Module = Fn(f)
    else:
        module, args = MODULES[name]
        randomise(module)
    text = harness.check(module, args, tmp_path)
    assert "launch" in text, text


@pytest.mark.parametrize("name", BY_HAND)
def test_attention_written_by_hand_becomes_one_kernel(name: str, tmp_path: Path) -> None:
    f, args = BY_HAND[name]
    text = harness.check(Fn(f), args, tmp_path)
    assert "launch attention" in text and "aten::" not in text.replace("aten::logical_not", "").replace(
        "aten::eq", ""
    ), text


def test_attention_gives_zeros_for_a_row_that_is_masked_whole(tmp_path: Path) -> None:
    mask = torch.ones(33, 21, dtype=torch.bool)
    mask[5] = False
    q, k, v = R(1, 2, 33, 8), R(1, 2, 21, 8), R(1, 2, 21, 8)
    module = Fn(lambda q, k, v, m: F.scaled_dot_product_attention(q, k, v, attn_mask=m))
    plan, _ = harness.compiled(module, (q, k, v, mask), tmp_path)
    got, eager = plan.run([q, k, v, mask]), module(q, k, v, mask)
    torch.testing.assert_close(got, eager, equal_nan=True)
