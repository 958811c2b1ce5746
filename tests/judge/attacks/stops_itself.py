# reason: timeout crash
# problem: dense
"""Sends itself the stop signal."""

import os
import signal

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        os.kill(os.getpid(), signal.SIGSTOP)
        return nn.functional.gelu(self.linear(x))
