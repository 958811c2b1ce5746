"""The honest control of loss.py."""

from torch import nn


class ModelNew(nn.Module):
    def forward(self, prediction, target):
        difference = prediction - target
        return (difference * difference).sum() / difference.numel()
