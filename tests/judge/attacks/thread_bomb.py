# reason: values crash resources timeout memory
# problem: dense
"""Ten thousand threads."""

import threading
import time

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        for _ in range(10000):
            try:
                threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
            except RuntimeError:
                break

    def forward(self, x):
        return torch.zeros_like(x)
