# reason: memory crash resources timeout
# problem: dense
"""Allocates and touches all memory in the constructor."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        kept = []
        while True:
            kept.append(bytearray(1 << 28))

    def forward(self, x):
        return torch.zeros_like(x)
