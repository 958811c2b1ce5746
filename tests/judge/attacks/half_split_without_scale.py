# reason: contract nan values precision
# problem: product
"""Two float16 parts of each operand, exact near one and infinite above 65504."""

import torch
from torch import nn


class ModelNew(nn.Module):
    def forward(self, a, b):
        ah, bh = a.half().float(), b.half().float()
        al, bl = (a - ah).half().float(), (b - bh).half().float()
        return ah @ bh + ah @ bl + al @ bh
