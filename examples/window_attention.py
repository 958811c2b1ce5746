"""Shifted-window attention with a relative position bias, as in Swin transformers."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def __init__(self, dim: int, size: int, window: int, shift: int, heads: int):
        super().__init__()
        self.size, self.window, self.shift, self.heads = size, window, shift, heads
        self.scale = (dim // heads) ** -0.5
        self.norm = nn.LayerNorm(dim)
        self.qkv = nn.Linear(dim, dim * 3)
        self.proj = nn.Linear(dim, dim)
        self.bias_table = nn.Parameter(torch.randn((2 * window - 1) ** 2, heads) * 0.02)
        coords = torch.stack(torch.meshgrid(torch.arange(window), torch.arange(window), indexing="ij")).flatten(1)
        relative = (coords[:, :, None] - coords[:, None, :]).permute(1, 2, 0) + window - 1
        self.register_buffer("bias_index", relative[..., 0] * (2 * window - 1) + relative[..., 1])
        regions = torch.zeros(1, size, size, 1)
        slices = (slice(0, -window), slice(-window, -shift), slice(-shift, None))
        for i, h in enumerate(slices):
            for j, w in enumerate(slices):
                regions[:, h, w] = 3 * i + j
        windows = self.partition(regions).squeeze(-1)
        mask = windows[:, None, :] - windows[:, :, None]
        self.register_buffer("mask", mask.masked_fill(mask != 0, -100.0).masked_fill(mask == 0, 0.0))

    def partition(self, x):
        B, H, W, C = x.shape
        w = self.window
        return x.view(B, H // w, w, W // w, w, C).permute(0, 1, 3, 2, 4, 5).reshape(-1, w * w, C)

    def reverse(self, windows, B):
        w, s = self.window, self.size
        x = windows.view(B, s // w, s // w, w, w, -1)
        return x.permute(0, 1, 3, 2, 4, 5).reshape(B, s, s, -1)

    def forward(self, x):
        B, L, C = x.shape
        shortcut = x
        x = self.norm(x).view(B, self.size, self.size, C)
        x = torch.roll(x, shifts=(-self.shift, -self.shift), dims=(1, 2))
        windows = self.partition(x)
        N, M, _ = windows.shape
        qkv = self.qkv(windows).reshape(N, M, 3, self.heads, C // self.heads).permute(2, 0, 3, 1, 4)
        q, k, v = qkv.unbind(0)
        attn = (q * self.scale) @ k.transpose(-2, -1)
        bias = self.bias_table[self.bias_index.view(-1)].view(M, M, -1).permute(2, 0, 1)
        attn = attn + bias.unsqueeze(0)
        attn = attn.view(B, -1, self.heads, M, M) + self.mask[None, :, None]
        attn = F.softmax(attn.view(N, self.heads, M, M), dim=-1)
        x = self.proj((attn @ v).transpose(1, 2).reshape(N, M, C))
        x = self.reverse(x, B)
        x = torch.roll(x, shifts=(self.shift, self.shift), dims=(1, 2))
        return shortcut + x.reshape(B, L, C)


def get_inputs():
    return [torch.randn(1, 28 * 28, 96)]


def get_init_inputs():
    return [96, 28, 7, 3, 3]
