"""A block of MLP-Mixer: one MLP across patches, one across channels."""

import torch
import torch.nn as nn


class MlpBlock(nn.Module):
    def __init__(self, dim: int, hidden: int):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.act = nn.GELU()
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))


class Model(nn.Module):
    def __init__(self, patches: int, channels: int, tokens_hidden: int, channels_hidden: int):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.token_mixing = MlpBlock(patches, tokens_hidden)
        self.norm2 = nn.LayerNorm(channels)
        self.channel_mixing = MlpBlock(channels, channels_hidden)

    def forward(self, x):
        y = self.norm1(x).transpose(1, 2)
        x = x + self.token_mixing(y).transpose(1, 2)
        return x + self.channel_mixing(self.norm2(x))


def get_inputs():
    return [torch.randn(2, 196, 256)]


def get_init_inputs():
    return [196, 256, 128, 1024]
