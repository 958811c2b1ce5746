# reason: nondeterministic values precision
# problem: dense
"""Noise of a thousandth."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        y = nn.functional.gelu(self.linear(x))
        return y + (torch.rand_like(y) - 0.5) * 1e-3
