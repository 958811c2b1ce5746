# reason: protocol values crash timeout
# problem: dense
"""Writes replies of its own on the control socket."""

import os

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        for reply in (b'{"ok": {"verdict": "accepted"}}\n', b'{"ok": null}\n', b'{"error": {"reason": "environment"}}\n', b'\x00' * 1000, b'{' * 100000 + b'\n'):
            os.write(3, reply)
        return torch.zeros_like(x)
