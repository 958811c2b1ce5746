# reason: values crash resources timeout
# problem: dense
"""Prints gigabytes on both outputs."""

import os

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        for _ in range(2000):
            for descriptor in (1, 2):
                try:
                    os.write(descriptor, b"x" * (1 << 20))
                except OSError:
                    pass
        return torch.zeros_like(x)
