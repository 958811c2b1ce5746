# reason: late values nan resources
# problem: dense
"""The same with a pool that was started in the constructor, outside the clock."""

import concurrent.futures

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)
        self.pool = concurrent.futures.ThreadPoolExecutor(1)
        self.pool.submit(int).result()

    def forward(self, x):
        y = torch.full_like(x, 0.1)
        self.pool.submit(lambda: y.copy_(nn.functional.gelu(self.linear(x))))
        return y
