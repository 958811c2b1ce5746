# reason: contract nan values
# problem: softmax
"""Squares first, so that large inputs overflow."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def forward(self, x):
        y = x * 1e33
        return torch.softmax(y * 1e-33, -1)
