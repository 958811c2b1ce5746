# reason: no-win structure dtype values
# problem: dense
"""A lazily negated view: its memory holds the negative."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        return torch._neg_view(-nn.functional.gelu(self.linear(x)))
