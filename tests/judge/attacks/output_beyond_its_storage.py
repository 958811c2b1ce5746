# reason: protocol crash values nan out-of-bounds structure
# problem: dense
"""A tensor whose storage is shorter than it says."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        y = nn.functional.gelu(self.linear(x))
        y.untyped_storage().resize_(64)
        return y
