"""An autoregressive decoder that steps a GRU cell by hand with additive attention, as in Tacotron."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, memory: int, hidden: int, frame: int, steps: int):
        super().__init__()
        self.steps, self.hidden, self.frame = steps, hidden, frame
        self.prenet = nn.Sequential(nn.Linear(frame, hidden), nn.ReLU())
        self.query = nn.Linear(hidden, hidden, bias=False)
        self.memory = nn.Linear(memory, hidden, bias=False)
        self.score = nn.Linear(hidden, 1, bias=False)
        self.cell = nn.GRUCell(hidden + memory, hidden)
        self.out = nn.Linear(hidden + memory, frame)

    def forward(self, memory):
        keys = self.memory(memory)
        h = memory.new_zeros(memory.size(0), self.hidden)
        frame = memory.new_zeros(memory.size(0), self.frame)
        frames = []
        for _ in range(self.steps):
            energy = self.score(torch.tanh(self.query(h).unsqueeze(1) + keys)).squeeze(-1)
            weights = torch.softmax(energy, dim=1)
            context = torch.bmm(weights.unsqueeze(1), memory).squeeze(1)
            h = self.cell(torch.cat([self.prenet(frame), context], dim=-1), h)
            frame = self.out(torch.cat([h, context], dim=-1))
            frames.append(frame)
        return torch.stack(frames, dim=1)


def get_inputs():
    return [torch.randn(4, 64, 128)]


def get_init_inputs():
    return [128, 128, 40, 16]
