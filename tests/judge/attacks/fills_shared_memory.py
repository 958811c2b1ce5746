# reason: values crash resources memory timeout
# problem: dense
"""Fills memory files in the constructor, which no limit on a process's own memory counts."""

import os

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.kept = []
        try:
            for n in range(256):
                self.kept.append(os.memfd_create("fill"))
                for _ in range(64):
                    os.write(self.kept[-1], b"x" * (1 << 24))
        except OSError:
            pass

    def forward(self, x):
        return torch.zeros_like(x)
