# reason: timeout compile resources
# problem: dense
"""An inline extension whose compiler never ends."""

import subprocess

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        while True:
            subprocess.run(['c++', '-x', 'c++', '-c', '-o', '/dev/null', '/dev/zero'])

    def forward(self, x):
        return nn.functional.gelu(self.linear(x))
