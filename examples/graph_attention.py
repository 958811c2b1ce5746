"""A graph attention layer over a dense adjacency matrix, as in GAT's reference code."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def __init__(self, features: int, hidden: int, alpha: float):
        super().__init__()
        self.alpha, self.hidden = alpha, hidden
        self.W = nn.Parameter(nn.init.xavier_uniform_(torch.empty(features, hidden), gain=1.414))
        self.a = nn.Parameter(nn.init.xavier_uniform_(torch.empty(2 * hidden, 1), gain=1.414))

    def forward(self, h, adjacency):
        Wh = torch.mm(h, self.W)
        source = torch.matmul(Wh, self.a[: self.hidden, :])
        target = torch.matmul(Wh, self.a[self.hidden :, :])
        e = F.leaky_relu(source + target.T, self.alpha)
        masked = torch.where(adjacency > 0, e, -9e15 * torch.ones_like(e))
        attention = F.softmax(masked, dim=1)
        return F.elu(torch.matmul(attention, Wh))


def get_inputs():
    adjacency = (torch.rand(800, 800) < 0.02) | torch.eye(800, dtype=torch.bool)
    return [torch.randn(800, 128), adjacency.float()]


def get_init_inputs():
    return [128, 64, 0.2]
