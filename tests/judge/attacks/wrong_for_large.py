# reason: contract values
# problem: dense
"""Clamps its input at 100, which the generator never reaches."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        return nn.functional.gelu(self.linear(x.clamp(-100, 100)))
