# reason: crash
# problem: dense
"""Right nine times, then it aborts."""

import os

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        if self.calls > 9:
            os.abort()
        return nn.functional.gelu(self.linear(x))
