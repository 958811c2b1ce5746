# reason: parameter-changed values
# problem: dense
"""Zeroes the bias after the first use."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.bias = None

    def forward(self, x):
        if self.bias is None:
            self.bias = self.linear.bias.detach().clone()
            self.linear.bias.data.zero_()
        return nn.functional.gelu(nn.functional.linear(x, self.linear.weight, self.bias))
