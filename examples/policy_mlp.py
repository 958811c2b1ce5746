"""An actor-critic network of reinforcement learning on a batch of observations: two small towers with tanh."""

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, observations: int, actions: int, hidden: int):
        super().__init__()

        def tower(out):
            return nn.Sequential(
                nn.Linear(observations, hidden),
                nn.Tanh(),
                nn.Linear(hidden, hidden),
                nn.Tanh(),
                nn.Linear(hidden, out),
            )

        self.actor, self.critic = tower(actions), tower(1)
        self.log_std = nn.Parameter(-0.5 * torch.ones(actions))

    def forward(self, observation, action):
        mean = self.actor(observation)
        std = self.log_std.exp()
        log_prob = -0.5 * (((action - mean) / std) ** 2 + 2 * self.log_std + 1.8378770664093453)
        entropy = (0.5 + 0.5 * 1.8378770664093453 + self.log_std).sum()
        return {"log_prob": log_prob.sum(-1), "value": self.critic(observation).squeeze(-1), "entropy": entropy}


def get_inputs():
    return [torch.randn(1024, 64), torch.randn(1024, 8)]


def get_init_inputs():
    return [64, 8, 128]
