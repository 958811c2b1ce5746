# reason: parameters
# problem: dense
"""A parameter of Model is missing."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features, bias=False)

    def forward(self, x):
        return nn.functional.gelu(self.linear(x))
