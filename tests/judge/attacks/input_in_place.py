# reason: input-changed aliasing
# problem: relu
"""Computes in the input's memory."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def forward(self, x):
        return x.relu_()
