"""Embedding bags of categorical features joined with dense ones, as at the bottom of DLRM and other recommenders."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, tables: int, rows: int, dim: int, dense: int):
        super().__init__()
        self.tables = nn.ModuleList([nn.EmbeddingBag(rows, dim, mode="sum") for _ in range(tables)])
        self.bottom = nn.Sequential(nn.Linear(dense, dim), nn.ReLU())

    def forward(self, dense, indices):
        parts = [self.bottom(dense)]
        for table, index in zip(self.tables, indices, strict=True):
            parts.append(table(index))
        return torch.cat(parts, dim=1)


def get_inputs():
    return [torch.randn(8192, 13), [torch.randint(0, 5000, (8192, 8)) for _ in range(6)]]


def get_init_inputs():
    return [6, 5000, 32, 13]
