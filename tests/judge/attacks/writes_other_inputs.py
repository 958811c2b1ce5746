# reason: out-of-bounds input-changed parameter-changed values crash protocol
# problem: dense
"""Fills all shared memory but its own input with zeroes."""

import ctypes

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        y = nn.functional.gelu(self.linear(x))
        for line in open('/proc/self/maps'):
            if 'memfd' in line and 'rw' in line:
                start, end = (int(n, 16) for n in line.split()[0].split('-'))
                if start <= x.data_ptr() < end:
                    ctypes.memset(start, 0, x.data_ptr() - start)
                    ctypes.memset(x.data_ptr() + x.nbytes, 0, end - x.data_ptr() - x.nbytes)
        return y
