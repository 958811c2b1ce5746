# reason: timeout resources
# problem: dense
"""The file never ends."""

import torch
from torch import nn

while True:
    pass


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        return nn.functional.gelu(self.linear(x))
