# reason: memory crash resources timeout
# problem: dense
"""Allocates and touches all memory."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.kept = []

    def forward(self, x):
        while True:
            self.kept.append(torch.ones(1 << 26))
