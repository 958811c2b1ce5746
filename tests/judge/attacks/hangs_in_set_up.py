# reason: timeout resources
# problem: dense
"""The constructor never returns."""

import time

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        while True:
            time.sleep(1)

    def forward(self, x):
        return nn.functional.gelu(self.linear(x))
