"""A dictionary of a float tensor and a tensor of indices."""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.k = k

    def forward(self, x):
        values, indices = torch.topk(x, self.k, dim=-1)
        return {"values": values, "indices": indices}


def get_inputs():
    return [torch.rand(32, 400)]


def get_init_inputs():
    return [5]
