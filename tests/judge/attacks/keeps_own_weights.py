# reason: parameters values stale
# problem: dense
"""Claims to take Model's parameters and keeps its own."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.own = [self.linear.weight.detach().clone(), self.linear.bias.detach().clone()]

    def load_state_dict(self, *args, **kwargs):
        return None

    def named_parameters(self, *args, **kwargs):
        yield "linear.weight", nn.Parameter(torch.empty(256, 256))
        yield "linear.bias", nn.Parameter(torch.empty(256))

    def __setattr__(self, name, value):
        if name != "linear" or "linear" not in self._modules:
            super().__setattr__(name, value)

    def forward(self, x):
        return nn.functional.gelu(nn.functional.linear(x, *self.own))
