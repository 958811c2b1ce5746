"""Cross entropy with label smoothing and an ignored class, as in machine translation and language modelling."""

import torch
import torch.nn as nn
import torch.nn.functional as F


class Model(nn.Module):
    def __init__(self, smoothing: float, ignore_index: int):
        super().__init__()
        self.smoothing = smoothing
        self.ignore_index = ignore_index

    def forward(self, logits, target):
        log_probs = F.log_softmax(logits, dim=-1)
        keep = target != self.ignore_index
        nll = -log_probs.gather(dim=-1, index=target.masked_fill(~keep, 0).unsqueeze(-1)).squeeze(-1)
        smooth = -log_probs.mean(dim=-1)
        loss = (1.0 - self.smoothing) * nll + self.smoothing * smooth
        return (loss * keep).sum() / keep.sum()


def get_inputs():
    target = torch.randint(0, 8000, (512,))
    target[torch.rand(512) < 0.1] = -100
    return [torch.randn(512, 8000), target]


def get_init_inputs():
    return [0.1, -100]
