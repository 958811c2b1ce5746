"""Smaller copies of problems: what is halved, what stays, and that the copy is still a module that runs."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "bench"))
from reduced import Cost, cost_of, reduce

HEADS = """
import torch

class Model(torch.nn.Module):
    def __init__(self, width, groups):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)
        self.norm = torch.nn.GroupNorm(groups, width)
        self.scale = 640

    def forward(self, x):
        return self.norm(self.linear(x)) * self.scale

batch, width = 4096, 1536  # größer als nötig
groups = 12

def get_inputs():
    return [torch.randn(batch, width)]

def get_init_inputs():
    return [width, groups]
"""
READS_VALUES = """
import torch

class Model(torch.nn.Module):
    def forward(self, x):
        return x[: int(x.shape[0] + x.abs().max().item() * 0)] * 2

def get_inputs():
    return [torch.randn(2048, 64)]
"""


def test_sizes_are_halved_until_they_fit() -> None:
    limit = Cost(1 << 16, 1 << 22)
    made = reduce(HEADS, limit)
    assert made.was == cost_of(HEADS) and made.was.elements == 4096 * 1536
    assert made.cost.fits(limit) and made.cost == cost_of(made.source)
    assert made.changed == 2
    # A number of groups that no longer divides the width would not run, and halving it makes nothing cheaper.
    assert "groups = 12" in made.source and "self.scale = 640" in made.source and "größer" in made.source


def test_what_fits_stays_as_it_is() -> None:
    assert reduce(HEADS, Cost(1 << 40, 1 << 60)).source == HEADS


def test_a_module_that_reads_values_is_measured_for_real() -> None:
    made = reduce(READS_VALUES, Cost(1 << 12, 1 << 20))
    assert made.cost.fits(Cost(1 << 12, 1 << 20)) and made.changed >= 1


def test_what_cannot_run_at_all_says_why() -> None:
    with pytest.raises(NameError):
        reduce(HEADS.replace("self.norm(", "missing("), Cost(1, 1))
