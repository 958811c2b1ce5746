"""A small dense mixture of experts: every expert sees every token and a gate mixes them (multi-gate recommenders)."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def __init__(self, dim: int, hidden: int, experts: int, tasks: int):
        super().__init__()
        self.w1 = nn.Parameter(torch.randn(experts, dim, hidden) * dim**-0.5)
        self.b1 = nn.Parameter(torch.zeros(experts, 1, hidden))
        self.w2 = nn.Parameter(torch.randn(experts, hidden, dim) * hidden**-0.5)
        self.gates = nn.ModuleList([nn.Linear(dim, experts) for _ in range(tasks)])
        self.towers = nn.ModuleList([nn.Linear(dim, 1) for _ in range(tasks)])

    def forward(self, x):
        h = F.relu(torch.einsum("nd,edh->enh", x, self.w1) + self.b1)
        outputs = torch.einsum("enh,ehd->end", h, self.w2)
        results = []
        for gate, tower in zip(self.gates, self.towers, strict=True):
            weights = F.softmax(gate(x), dim=-1)
            mixed = torch.einsum("ne,end->nd", weights, outputs)
            results.append(torch.sigmoid(tower(mixed)).squeeze(-1))
        return results


def get_inputs():
    return [torch.randn(256, 128)]


def get_init_inputs():
    return [128, 256, 8, 3]
