"""DeepFM: embeddings of categorical fields through a factorisation machine and a deep network, for click rates."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, fields: int, rows: int, dim: int, hidden: int):
        super().__init__()
        self.register_buffer("offsets", torch.arange(fields) * rows)
        self.first = nn.Embedding(fields * rows, 1)
        self.second = nn.Embedding(fields * rows, dim)
        self.bias = nn.Parameter(torch.zeros(1))
        self.deep = nn.Sequential(
            nn.Linear(fields * dim, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(hidden, hidden),
            nn.BatchNorm1d(hidden),
            nn.ReLU(),
            nn.Dropout(0.2),
            nn.Linear(hidden, 1),
        )

    def forward(self, x):
        x = x + self.offsets
        linear = self.first(x).sum(dim=1) + self.bias
        embedded = self.second(x)
        square_of_sum = embedded.sum(dim=1) ** 2
        sum_of_square = (embedded**2).sum(dim=1)
        interaction = 0.5 * (square_of_sum - sum_of_square).sum(dim=1, keepdim=True)
        deep = self.deep(embedded.flatten(1))
        return torch.sigmoid(linear + interaction + deep).squeeze(1)


def get_inputs():
    return [torch.randint(0, 1000, (1024, 26))]


def get_init_inputs():
    return [26, 1000, 16, 128]
