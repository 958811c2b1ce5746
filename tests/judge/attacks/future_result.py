# reason: structure
# problem: dense
"""A future instead of a tensor."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        future = torch.futures.Future()
        future.set_result(nn.functional.gelu(self.linear(x)))
        return future
