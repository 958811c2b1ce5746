"""Products with a diagonal, scattering and gathering as the compiler writes them, against eager and torch.compile.

    python bench/structured.py [--threads 2] [--seconds 2] [WORD ...]

Prints for each module eager's time, and eager's time over torch.compile's and over the plan's, each pair side by side.
Needs burnish-compiler-tool (make build).
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable
from pathlib import Path

import torch
from recurrent import compiled
from torch import nn

from runtime import compare

R = torch.randn
CASES: dict[str, tuple[Callable[..., torch.Tensor], Callable[[], tuple[torch.Tensor, ...]]]] = {
    "diag(a) @ b, 2048": (lambda a, b: torch.diag(a) @ b, lambda: (R(2048), R(2048, 2048))),
    "b @ diag(a), 4 x 512 x 1024": (lambda a, b: b @ torch.diag(a), lambda: (R(1024), R(4, 512, 1024))),
    "diag_embed(a) @ b, 16 x 256": (lambda a, b: torch.diag_embed(a) @ b, lambda: (R(16, 256), R(16, 256, 256))),
    "diag(a) @ v, 4096": (lambda a, b: torch.diag(a) @ b, lambda: (R(4096), R(4096))),
    "scatter_add, 4096 x 64 into 512": (
        lambda a, b: torch.relu(torch.zeros(512, 64).scatter_add(0, a, b)),
        lambda: (torch.randint(512, (4096, 1)).expand(4096, 64).contiguous(), R(4096, 64)),
    ),
    "index_add, 4096 x 64 into 512": (
        lambda a, b: torch.relu(torch.zeros(512, 64).index_add(0, a, b)),
        lambda: (torch.randint(512, (4096,)), R(4096, 64)),
    ),
    "gather, 1024 x 64 of 1024": (
        lambda a, b: torch.relu(torch.gather(b, 1, a)),
        lambda: (torch.randint(1024, (1024, 64)), R(1024, 1024)),
    ),
}


class Function(nn.Module):
    def __init__(self, f: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.f = f

    def forward(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return self.f(a, b)


def measure(f: Callable[..., torch.Tensor], args: tuple[torch.Tensor, ...], seconds: float) -> tuple[float, ...]:
    """Eager's seconds, and its time over torch.compile's and over the plan's."""
    module = Function(f).eval()
    torch.compiler.reset()
    inductor = torch.compile(module)
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        fast = compiled(module, args, Path(folder))
        if isinstance(missed := fast._run.attempt(*args), str):
            raise SystemExit(f"the plan does not hold for its own inputs: {missed}")
        eager, _, theirs = compare(lambda: module(*args), lambda: inductor(*args), seconds)
        _, _, ours = compare(lambda: module(*args), lambda: fast(*args), seconds)
    return eager, theirs, ours


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seconds", type=float, default=2.0)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    for name, (f, draw) in CASES.items():
        if options.words and not any(word in name for word in options.words):
            continue
        eager, theirs, ours = measure(f, draw(), options.seconds)
        print(f"{name:30} eager {eager * 1e3:8.2f} ms   compile {theirs:6.2f}x   ours {ours:6.2f}x", flush=True)


if __name__ == "__main__":
    main()
