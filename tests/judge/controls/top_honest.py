"""The honest control of top.py."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.k = k

    def forward(self, x):
        values, indices = torch.sort(x, dim=-1, descending=True)
        return {"values": values[:, : self.k], "indices": indices[:, : self.k]}
