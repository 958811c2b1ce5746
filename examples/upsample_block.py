"""A bilinear upsampling block with a skip connection and concatenation, as in U-Net and feature pyramids."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def __init__(self, channels: int, skip: int, out: int):
        super().__init__()
        self.conv1 = nn.Conv2d(channels + skip, out, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(out)
        self.conv2 = nn.Conv2d(out, out, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(out)

    def forward(self, x, skip):
        x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
        x = torch.cat([skip, x], dim=1)
        x = F.leaky_relu(self.bn1(self.conv1(x)), 0.1)
        return F.leaky_relu(self.bn2(self.conv2(x)), 0.1)


def get_inputs():
    return [torch.randn(1, 64, 32, 32), torch.randn(1, 32, 64, 64)]


def get_init_inputs():
    return [64, 32, 32]
