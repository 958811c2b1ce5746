# reason: structure no-win
# problem: dense
"""A parameter, which is a plain tensor to everybody who computes with it."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        return nn.Parameter(nn.functional.gelu(self.linear(x)))
