"""The head of a variational autoencoder: mean, clamped log-variance, a sample from given noise, and the KL term."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, features: int, latent: int):
        super().__init__()
        self.norm = nn.GroupNorm(32, features)
        self.moments = nn.Conv2d(features, 2 * latent, 3, padding=1)
        self.quant = nn.Conv2d(2 * latent, 2 * latent, 1)

    def forward(self, h, noise):
        h = self.norm(h)
        h = h * torch.sigmoid(h)
        mean, logvar = torch.chunk(self.quant(self.moments(h)), 2, dim=1)
        logvar = torch.clamp(logvar, -30.0, 20.0)
        std = torch.exp(0.5 * logvar)
        sample = mean + std * noise
        kl = 0.5 * torch.sum(mean.pow(2) + logvar.exp() - 1.0 - logvar, dim=[1, 2, 3])
        return {"sample": sample, "mean": mean, "logvar": logvar, "kl": kl}


def get_inputs():
    return [torch.randn(2, 128, 32, 32), torch.randn(2, 4, 32, 32)]


def get_init_inputs():
    return [128, 4]
