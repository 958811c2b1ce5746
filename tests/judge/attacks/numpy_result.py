# reason: structure dtype
# problem: dense
"""An array of NumPy instead of a tensor."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        return nn.functional.gelu(self.linear(x)).detach().numpy()
