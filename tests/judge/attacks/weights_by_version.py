# reason: no-win values stale
# problem: dense
"""Packs the weight again only when its version counter or address moves, as PyTorch's own caches do."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.version, self.packed = None, None

    def forward(self, x):
        version = self.linear.weight._version, self.linear.weight.data_ptr()
        if version != self.version:
            self.version, self.packed = version, self.linear.weight.detach().t().contiguous()
        return nn.functional.gelu(torch.addmm(self.linear.bias, x, self.packed))
