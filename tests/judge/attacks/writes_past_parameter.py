# reason: out-of-bounds parameter-changed crash no-win
# problem: dense
"""One element past the end of a parameter."""

import ctypes

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        y = nn.functional.gelu(self.linear(x))
        weight = self.linear.weight
        ctypes.memset(weight.data_ptr() + weight.nbytes, 1, 4)
        return y
