# reason: values crash resources timeout
# problem: dense
"""A fork bomb in forward."""

import os

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        for _ in range(100000):
            try:
                os.fork()
            except OSError:
                pass
        return torch.zeros_like(x)
