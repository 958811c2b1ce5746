# reason: protocol values crash timeout resources memory
# problem: dense
"""Writes without end on the control socket."""

import os

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        line = b'{' * (1 << 20)
        for _ in range(4000):
            os.write(3, line)
        return torch.zeros_like(x)
