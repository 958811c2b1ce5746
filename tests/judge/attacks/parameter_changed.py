# reason: parameter-changed values
# problem: dense
"""Drifts a weight at every call."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        y = nn.functional.gelu(self.linear(x))
        self.linear.weight.data[0, 0] *= 1.001
        return y
