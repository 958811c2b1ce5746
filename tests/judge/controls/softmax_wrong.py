"""The wrong control of softmax.py."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def forward(self, x):
        return torch.softmax(x * 1.001, dim=-1)
