"""A log-mel front end built from framing, a window and a DFT as a matrix product, as exported speech models have it."""

import math

import torch
import torch.nn as nn


class Model(nn.Module):
    def __init__(self, n_fft: int, hop: int, mels: int, rate: int):
        super().__init__()
        self.n_fft, self.hop = n_fft, hop
        self.register_buffer("window", torch.hann_window(n_fft))
        bins = n_fft // 2 + 1
        angle = 2 * math.pi * torch.outer(torch.arange(bins).float(), torch.arange(n_fft).float()) / n_fft
        self.register_buffer("cos", angle.cos())
        self.register_buffer("sin", angle.sin())
        top = 2595 * math.log10(1 + rate / 2 / 700)
        points = 700 * (10 ** (torch.linspace(0, top, mels + 2) / 2595) - 1)
        frequencies = torch.linspace(0, rate / 2, bins)
        up = (frequencies[None] - points[:-2, None]) / (points[1:-1] - points[:-2])[:, None]
        down = (points[2:, None] - frequencies[None]) / (points[2:] - points[1:-1])[:, None]
        self.register_buffer("mel", torch.minimum(up, down).clamp(min=0))

    def forward(self, audio):
        frames = audio.unfold(-1, self.n_fft, self.hop) * self.window
        real, imaginary = frames @ self.cos.t(), frames @ self.sin.t()
        power = real.pow(2) + imaginary.pow(2)
        mel = power @ self.mel.t()
        log = torch.log10(torch.clamp(mel, min=1e-10))
        log = torch.maximum(log, log.amax(dim=(-2, -1), keepdim=True) - 8.0)
        return (log + 4.0) / 4.0


def get_inputs():
    return [0.1 * torch.randn(4, 16000)]


def get_init_inputs():
    return [400, 160, 80, 16000]
