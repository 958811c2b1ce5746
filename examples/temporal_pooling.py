"""Attentive statistics pooling over time, as in x-vector and ECAPA-TDNN speaker embeddings."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, channels: int, bottleneck: int, embedding: int):
        super().__init__()
        self.attention = nn.Sequential(
            nn.Conv1d(channels * 3, bottleneck, 1),
            nn.ReLU(),
            nn.BatchNorm1d(bottleneck),
            nn.Tanh(),
            nn.Conv1d(bottleneck, channels, 1),
            nn.Softmax(dim=2),
        )
        self.bn = nn.BatchNorm1d(2 * channels)
        self.fc = nn.Linear(2 * channels, embedding)

    def forward(self, x):
        t = x.size(-1)
        mean = torch.mean(x, dim=2, keepdim=True).repeat(1, 1, t)
        std = torch.sqrt(torch.var(x, dim=2, keepdim=True).clamp(min=1e-4)).repeat(1, 1, t)
        w = self.attention(torch.cat((x, mean, std), dim=1))
        mu = torch.sum(x * w, dim=2)
        sigma = torch.sqrt((torch.sum((x**2) * w, dim=2) - mu**2).clamp(min=1e-4))
        return self.fc(self.bn(torch.cat((mu, sigma), dim=1)))


def get_inputs():
    return [torch.randn(4, 256, 200)]


def get_init_inputs():
    return [256, 64, 192]
