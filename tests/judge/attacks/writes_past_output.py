# reason: out-of-bounds crash
# problem: dense
"""One element past the end of its output."""

import ctypes

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        y = nn.functional.gelu(self.linear(x))
        ctypes.memset(y.data_ptr() + y.nbytes, 0, 4)
        return y
