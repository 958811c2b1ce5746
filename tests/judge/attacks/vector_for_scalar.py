# reason: shape
# problem: loss
"""One element in a vector instead of a scalar."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def forward(self, prediction, target):
        return torch.mean((prediction - target) ** 2).reshape(1)
