"""The inverted residual of MobileNetV3 with squeeze-and-excitation and hard-swish."""

import torch
import torch.nn as nn


class SqueezeExcite(nn.Module):
    def __init__(self, channels: int, squeezed: int):
        super().__init__()
        self.fc1 = nn.Conv2d(channels, squeezed, 1)
        self.fc2 = nn.Conv2d(squeezed, channels, 1)
        self.activation = nn.ReLU(inplace=True)
        self.gate = nn.Hardsigmoid(inplace=True)

    def forward(self, x):
        scale = x.mean((2, 3), keepdim=True)
        return x * self.gate(self.fc2(self.activation(self.fc1(scale))))


class Model(nn.Module):
    def __init__(self, channels: int, expanded: int, kernel: int):
        super().__init__()
        self.block = nn.Sequential(
            nn.Conv2d(channels, expanded, 1, bias=False),
            nn.BatchNorm2d(expanded, eps=0.001, momentum=0.01),
            nn.Hardswish(inplace=True),
            nn.Conv2d(expanded, expanded, kernel, padding=kernel // 2, groups=expanded, bias=False),
            nn.BatchNorm2d(expanded, eps=0.001, momentum=0.01),
            nn.Hardswish(inplace=True),
            SqueezeExcite(expanded, expanded // 4),
            nn.Conv2d(expanded, channels, 1, bias=False),
            nn.BatchNorm2d(channels, eps=0.001, momentum=0.01),
        )

    def forward(self, x):
        return x + self.block(x)


def get_inputs():
    return [torch.randn(2, 80, 28, 28)]


def get_init_inputs():
    return [80, 240, 5]
