# reason: values
# problem: top
"""Values are right, one index in a row is not."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.k = k

    def forward(self, x):
        values, indices = torch.topk(x, self.k, dim=-1)
        indices[5, 2] = (indices[5, 2] + 1) % x.shape[-1]
        return {'values': values, 'indices': indices}
