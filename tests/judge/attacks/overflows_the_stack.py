# reason: crash
# problem: dense
"""Recursion without end in C."""

import sys

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        sys.setrecursionlimit(1 << 30)
        def deeper(n):
            return sorted([n], key=deeper)
        return deeper(0)
