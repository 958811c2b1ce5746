"""A bidirectional two-layer GRU over embedded tokens, as in speech and text encoders before transformers."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, vocabulary: int, dim: int, hidden: int):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dim, padding_idx=0)
        self.gru = nn.GRU(dim, hidden, num_layers=2, batch_first=True, bidirectional=True, dropout=0.2)

    def forward(self, tokens, h0=None):
        embedded = self.embedding(tokens)
        outputs, hidden = self.gru(embedded, h0)
        return {"outputs": outputs, "hidden": hidden}


def get_inputs():
    return {"tokens": torch.randint(1, 2000, (8, 32))}


def get_init_inputs():
    return [2000, 64, 96]
