# reason: precision values
# problem: product
"""Operands with ten bits of mantissa."""

import torch
from torch import nn

def tf32(t):
    return ((t.view(torch.int32) + 0x1000) & ~0x1FFF).view(torch.float32)


class ModelNew(nn.Module):
    def forward(self, a, b):
        return tf32(a) @ tf32(b)
