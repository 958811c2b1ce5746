"""A depthwise-separable convolution with batch norm and ReLU6, as in MobileNet and Xception."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, inp: int, oup: int, stride: int):
        super().__init__()
        self.conv = nn.Sequential(
            nn.Conv2d(inp, inp, 3, stride, 1, groups=inp, bias=False),
            nn.BatchNorm2d(inp),
            nn.ReLU6(inplace=True),
            nn.Conv2d(inp, oup, 1, 1, 0, bias=False),
            nn.BatchNorm2d(oup),
            nn.ReLU6(inplace=True),
        )

    def forward(self, x):
        return self.conv(x)


def get_inputs():
    return [torch.randn(4, 128, 56, 56)]


def get_init_inputs():
    return [128, 128, 1]
