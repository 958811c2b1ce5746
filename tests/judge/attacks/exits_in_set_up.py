# reason: crash model import
# problem: dense
"""sys.exit in the constructor."""

import sys

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        sys.exit(0)

    def forward(self, x):
        return nn.functional.gelu(self.linear(x))
