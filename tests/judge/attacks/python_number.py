# reason: structure
# problem: loss
"""A Python float instead of a tensor."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def forward(self, prediction, target):
        return float(torch.mean((prediction - target) ** 2))
