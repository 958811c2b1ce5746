# reason: contract values
# problem: relu
"""Takes everything below 1e-5 for zero."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def forward(self, x):
        return torch.where(x.abs() < 1e-5, 0.0, torch.relu(x))
