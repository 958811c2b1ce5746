# reason: structure crash protocol
# problem: dense
"""A list that holds itself."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        result = []
        result.append(result)
        return result
