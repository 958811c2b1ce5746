# reason: protocol values crash out-of-bounds
# problem: dense
"""Overwrites the control block with sizes whose product overflows."""

import mmap
import threading
import time

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        threading.Thread(target=self.spoil, daemon=True).start()

    def spoil(self):
        with mmap.mmap(5, 0) as block:
            while True:
                time.sleep(0.0005)
                block[32:] = b'\xff' * (len(block) - 32)

    def forward(self, x):
        return nn.functional.gelu(self.linear(x))
