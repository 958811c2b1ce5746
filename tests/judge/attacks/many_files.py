# reason: values crash resources timeout
# problem: dense
"""A million empty files."""

import os

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        try:
            for n in range(1_000_000):
                os.close(os.open(f'/tmp/{n}', os.O_CREAT | os.O_WRONLY))
        except OSError:
            pass

    def forward(self, x):
        return torch.zeros_like(x)
