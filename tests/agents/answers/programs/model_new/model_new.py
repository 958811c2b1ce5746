import torch
import torch.nn as nn


class ModelNew(nn.Module):
    """The sum over the outputs of a linear layer, as one product with a vector."""

    def __init__(self, features: int, outputs: int) -> None:
        super().__init__()
        self.linear = nn.Linear(features, outputs)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        weight = self.linear.weight.sum(0)
        return (x @ weight + self.linear.bias.sum()).unsqueeze(1)
