# reason: values
# problem: relu
"""One element of a million is wrong."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def forward(self, x):
        y = torch.relu(x)
        y[517, 301] += 0.5
        return y
