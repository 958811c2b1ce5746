# reason: no-win resources crash values
# problem: dense
"""The constructor leaves a process behind, in a session of its own."""

import os
import time

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        if os.fork() == 0:
            os.setsid()
            if os.fork() == 0:
                time.sleep(600)
            os._exit(0)
        os.wait()

    def forward(self, x):
        return torch.zeros_like(x)
