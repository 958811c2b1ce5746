# reason: parameters
# problem: dense
"""A parameter of Model in another shape."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, 2 * features)

    def forward(self, x):
        return nn.functional.gelu(self.linear(x)[:, :256])
