"""A one-layer LSTM over a sequence with a linear head on its last step, as in time-series forecasting."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, features: int, hidden: int, classes: int):
        super().__init__()
        self.lstm = nn.LSTM(features, hidden, batch_first=True)
        self.head = nn.Linear(hidden, classes)

    def forward(self, x):
        y, (h, _) = self.lstm(x)
        return self.head(y[:, -1]), h


def get_inputs():
    return [torch.randn(8, 48, 64)]


def get_init_inputs():
    return [64, 128, 10]
