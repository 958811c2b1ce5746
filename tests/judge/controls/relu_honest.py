"""The honest control of relu.py."""

from torch import nn


class ModelNew(nn.Module):
    def forward(self, x):
        return x.clamp_min(0)
