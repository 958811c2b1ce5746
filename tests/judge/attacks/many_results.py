# reason: structure protocol
# problem: dense
"""A million tensors."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        return [torch.zeros(1)] * 1000000
