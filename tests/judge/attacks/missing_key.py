# reason: structure
# problem: top
"""A dictionary without one of its keys."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.k = k

    def forward(self, x):
        return {'values': torch.topk(x, self.k, dim=-1).values}
