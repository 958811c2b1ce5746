"""burnish.optimize on a module that lies on a GPU: the real command, judge and workers. Needs an NVIDIA GPU."""

from __future__ import annotations

import os
from pathlib import Path

import burnish
import pytest
import torch
import torch.nn as nn
from burnish.target import choose_target, on_device

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")


class Chain(nn.Module):
    """Many small steps: what a fused kernel beats."""

    def __init__(self) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(512)
        self.register_buffer("shift", torch.randn(512))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        y = self.norm(x * 1.5 + self.shift)
        return torch.sigmoid(y) * torch.tanh(y) + x.abs().sqrt()


def optimized(device: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = Chain().eval().to(device)
    x = torch.randn(4096, 512, device=device)
    seen = os.environ.get("CUDA_VISIBLE_DEVICES")
    fast = burnish.optimize(
        model, x, agents="compiler", attempts=1, inputs=10, verify_seconds=5, store=tmp_path / "store"
    )
    assert os.environ.get("CUDA_VISIBLE_DEVICES") == seen
    assert all(p.device == torch.device(device) for p in model.parameters())
    with torch.no_grad():
        got, expected = fast(x), model(x)
        assert got.device == torch.device(device)
        torch.testing.assert_close(got, expected, rtol=1e-4, atol=1e-5)
    assert fast is not model, "a chain of eight operators is beaten on every GPU"


@pytest.mark.timeout(300)
def test_a_module_on_a_gpu(tmp_path: Path) -> None:
    optimized("cuda:0", tmp_path)


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.skipif(torch.cuda.device_count() < 2, reason="needs two GPUs")
def test_a_module_on_another_gpu(tmp_path: Path) -> None:
    optimized("cuda:1", tmp_path)


def test_the_choice_and_what_is_apart() -> None:
    model, x = nn.Linear(3, 3).cuda(), torch.rand(2, 3, device="cuda")
    assert choose_target(model, x) == ("cuda", torch.device("cuda", torch.cuda.current_device()))
    for call in (lambda: burnish.optimize(model, x.cpu()), lambda: burnish.optimize(model, x, target="cpu")):
        with pytest.raises(burnish.BurnishError) as caught:
            call()
        assert caught.value.reason == "device"
    with on_device(x.device):
        assert torch.cuda.current_device() == x.device.index
