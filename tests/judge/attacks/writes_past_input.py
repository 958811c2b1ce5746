# reason: out-of-bounds input-changed crash
# problem: dense
"""One element past the end of its input."""

import ctypes

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        y = nn.functional.gelu(self.linear(x))
        ctypes.memset(x.data_ptr() + x.nbytes, 1, 4)
        return y
