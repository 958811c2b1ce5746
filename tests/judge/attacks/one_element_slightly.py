# reason: values
# problem: relu
"""One element of a million is wrong by a thousandth of its size."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def forward(self, x):
        y = torch.relu(x)
        y[999, 3] *= 1.001
        return y
