# reason: aliasing
# problem: dense
"""Two output buffers in turn."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.out, self.calls = None, 0

    def forward(self, x):
        y = nn.functional.gelu(self.linear(x))
        self.out = self.out or [torch.empty_like(y), torch.empty_like(y)]
        self.calls += 1
        return self.out[self.calls % 2].copy_(y)
