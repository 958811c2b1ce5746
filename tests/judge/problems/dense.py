"""A dense layer and GELU: parameters, inputs from [0, 1) as KernelBench draws them."""

import torch
from torch import nn


class Model(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        return nn.functional.gelu(self.linear(x))


def get_inputs():
    return [torch.rand(64, 256)]


def get_init_inputs():
    return [256]
