"""The honest control of dense.py."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        return nn.functional.gelu(torch.addmm(self.linear.bias, x, self.linear.weight.t()))
