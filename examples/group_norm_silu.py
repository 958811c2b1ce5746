"""Group norm followed by SiLU and a 3x3 convolution: the half-block from which diffusion U-Nets and VAEs are built."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def __init__(self, channels: int, groups: int):
        super().__init__()
        self.norm = nn.GroupNorm(groups, channels)
        self.conv = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, x):
        return self.conv(F.silu(self.norm(x)))


def get_inputs():
    return [torch.randn(1, 128, 32, 32)]


def get_init_inputs():
    return [128, 32]
