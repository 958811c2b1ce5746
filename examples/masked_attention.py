"""Causal self-attention with a padding mask, written with matmul and softmax, as in GPT-2 style code bases."""

import math

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, dim: int, heads: int, max_length: int):
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(dim, 3 * dim)
        self.proj = nn.Linear(dim, dim)
        causal = torch.tril(torch.ones(max_length, max_length, dtype=torch.bool))
        self.register_buffer("causal", causal.view(1, 1, max_length, max_length), persistent=False)

    def forward(self, x, padding):
        b, n, c = x.size()
        q, k, v = self.qkv(x).split(c, dim=2)
        k = k.view(b, n, self.heads, c // self.heads).transpose(1, 2)
        q = q.view(b, n, self.heads, c // self.heads).transpose(1, 2)
        v = v.view(b, n, self.heads, c // self.heads).transpose(1, 2)
        scores = (q @ k.transpose(-2, -1)) * (1.0 / math.sqrt(k.size(-1)))
        scores = scores.masked_fill(~self.causal[:, :, :n, :n], float("-inf"))
        scores = scores.masked_fill(padding[:, None, None, :], torch.finfo(scores.dtype).min)
        weights = torch.softmax(scores, dim=-1)
        y = (weights @ v).transpose(1, 2).contiguous().view(b, n, c)
        return self.proj(y)


def get_inputs():
    lengths = torch.randint(64, 129, (4,))
    padding = torch.arange(128)[None, :] >= lengths[:, None]
    return [torch.randn(4, 128, 192), padding]


def get_init_inputs():
    return [192, 6, 256]
