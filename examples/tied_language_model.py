"""The ends of a language model with tied embeddings: token and position embedding, norm, logits."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, vocabulary: int, dim: int, positions: int):
        super().__init__()
        self.wte = nn.Embedding(vocabulary, dim)
        self.wpe = nn.Embedding(positions, dim)
        self.norm = nn.LayerNorm(dim)
        self.head = nn.Linear(dim, vocabulary, bias=False)
        self.head.weight = self.wte.weight

    def forward(self, tokens):
        position = torch.arange(tokens.size(1), device=tokens.device)
        x = self.norm(self.wte(tokens) + self.wpe(position))
        logits = self.head(x)
        return logits.log_softmax(dim=-1)


def get_inputs():
    return [torch.randint(0, 4000, (2, 64))]


def get_init_inputs():
    return [4000, 192, 128]
