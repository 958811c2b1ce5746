"""The wrong control of loss.py."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def forward(self, prediction, target):
        return torch.mean((prediction - target).abs())
