"""Top-k routing of a mixture of experts: gate probabilities, load-balancing loss and dispatch mask (Mixtral)."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def __init__(self, dim: int, experts: int, k: int):
        super().__init__()
        self.k = k
        self.experts = experts
        self.gate = nn.Linear(dim, experts, bias=False)

    def forward(self, x):
        logits = self.gate(x)
        probabilities = F.softmax(logits, dim=-1, dtype=torch.float)
        weights, selected = torch.topk(probabilities, self.k, dim=-1)
        weights = weights / weights.sum(dim=-1, keepdim=True)
        mask = F.one_hot(selected, self.experts).sum(dim=1)
        load = mask.float().mean(dim=0)
        balance = self.experts * torch.sum(load * probabilities.mean(dim=0))
        combine = torch.zeros_like(probabilities).scatter(1, selected, weights)
        return combine, selected, balance


def get_inputs():
    return [torch.randn(4096, 256)]


def get_init_inputs():
    return [256, 64, 2]
