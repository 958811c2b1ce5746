# reason: late values nan structure resources crash nondeterministic
# problem: dense
"""torch.jit.fork: the answer is written by PyTorch's own inter-op pool, and nobody waits for it."""

import torch
from torch import nn


@torch.jit.script
def fill(y: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    for _ in range(20):
        y.copy_(torch.nn.functional.gelu(torch.nn.functional.linear(x, weight, bias)))
    return y


@torch.jit.script
def start(y: torch.Tensor, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    later = torch.jit.fork(fill, y, x, weight, bias)
    if not x.is_floating_point():
        return torch.jit.wait(later)
    return y


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        x = torch.rand(64, features)
        start(x.clone(), x, self.linear.weight, self.linear.bias)

    def forward(self, x):
        return start(torch.full_like(x, 0.1), x, self.linear.weight, self.linear.bias)
