# reason: structure protocol
# problem: top
"""A dictionary whose key has 100 MB."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.k = k

    def forward(self, x):
        values, indices = torch.topk(x, self.k, dim=-1)
        return {'values': values, 'indices' * 10_000_000: indices}
