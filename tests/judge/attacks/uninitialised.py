# reason: nan values
# problem: dense
"""Memory as the allocator gave it, in the hope that it held an answer."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        return torch.empty_like(x)
