# reason: input-changed
# problem: dense
"""Zeroes one element of its input after use."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        y = nn.functional.gelu(self.linear(x))
        x[63, 255] = 0
        return y
