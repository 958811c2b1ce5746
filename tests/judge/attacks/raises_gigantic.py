# reason: crash protocol memory resources
# problem: dense
"""Raises an exception whose text has 300 MB of escape codes and broken characters."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        raise RuntimeError('\x1b[2J\udcff\0' * 50_000_000)
