# reason: aliasing late values
# problem: dense
"""A thread zeroes the last output a little later."""

import threading
import time

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.last = None
        threading.Thread(target=self.spoil, daemon=True).start()

    def spoil(self):
        while True:
            time.sleep(0.002)
            if self.last is not None:
                self.last.zero_()

    def forward(self, x):
        y = nn.functional.gelu(self.linear(x))
        self.last = y
        return y
