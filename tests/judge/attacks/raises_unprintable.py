# reason: crash
# problem: dense
"""Raises an exception that cannot be printed and is no Exception."""

import torch
from torch import nn

class Unprintable(BaseException):
    def __str__(self):
        raise MemoryError

    __repr__ = __str__


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        raise Unprintable
