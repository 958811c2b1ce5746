# reason: crash model parameters structure
# problem: dense
"""A constructor that takes other arguments than Model's."""

from torch import nn


class ModelNew(nn.Module):
    def __init__(self, features, out, more):
        super().__init__()
