"""The decoder of a convolutional autoencoder or DCGAN: transposed convolutions, batch norm, ReLU, tanh at the end."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, latent: int, features: int, channels: int):
        super().__init__()
        self.main = nn.Sequential(
            nn.ConvTranspose2d(latent, features * 4, 4, 1, 0, bias=False),
            nn.BatchNorm2d(features * 4),
            nn.ReLU(True),
            nn.ConvTranspose2d(features * 4, features * 2, 4, 2, 1, bias=False),
            nn.BatchNorm2d(features * 2),
            nn.ReLU(True),
            nn.ConvTranspose2d(features * 2, features, 4, 2, 1, bias=False),
            nn.BatchNorm2d(features),
            nn.ReLU(True),
            nn.ConvTranspose2d(features, channels, 4, 2, 1, bias=False),
            nn.Tanh(),
        )

    def forward(self, z):
        return self.main(z.view(z.size(0), -1, 1, 1))


def get_inputs():
    return [torch.randn(8, 100)]


def get_init_inputs():
    return [100, 32, 3]
