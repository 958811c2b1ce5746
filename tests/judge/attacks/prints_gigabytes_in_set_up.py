# reason: values crash resources timeout
# problem: dense
"""Prints gigabytes from the constructor."""

import os

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        for _ in range(2000):
            for descriptor in (1, 2):
                try:
                    os.write(descriptor, b"x" * (1 << 20))
                except OSError:
                    pass

    def forward(self, x):
        return torch.zeros_like(x)
