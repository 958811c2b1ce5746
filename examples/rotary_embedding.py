"""Rotary position embedding alone, on queries and keys: the pointwise part of every LLaMA-style attention layer."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, head_dim: int, max_position: int, base: float = 10000.0):
        super().__init__()
        inv_freq = 1.0 / (base ** (torch.arange(0, head_dim, 2).float() / head_dim))
        angles = torch.outer(torch.arange(max_position).float(), inv_freq)
        self.register_buffer("cos", angles.cos(), persistent=False)
        self.register_buffer("sin", angles.sin(), persistent=False)

    def rotate(self, x, cos, sin):
        even, odd = x[..., ::2], x[..., 1::2]
        return torch.stack((even * cos - odd * sin, even * sin + odd * cos), dim=-1).flatten(-2)

    def forward(self, q, k):
        n = q.shape[2]
        cos, sin = self.cos[:n], self.sin[:n]
        return self.rotate(q, cos, sin), self.rotate(k, cos, sin)


def get_inputs():
    return [torch.randn(1, 16, 512, 64), torch.randn(1, 16, 512, 64)]


def get_init_inputs():
    return [64, 1024]
