"""A cosine-similarity loss between two sets of embeddings, as in self-supervised learning (BYOL, SimSiam)."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def __init__(self, margin: float = 0.1):
        super().__init__()
        self.margin = margin

    def forward(self, predictions, targets):
        similarity = F.cosine_similarity(predictions, targets, dim=1)
        return torch.mean(torch.clamp(1.0 - similarity - self.margin, min=0.0))


def get_inputs():
    return [torch.randn(1024, 1024), torch.randn(1024, 1024)]
