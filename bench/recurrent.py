"""The compiler's recurrent kernels against eager PyTorch, over kinds, batches and sizes, on one thread or more.

    python bench/recurrent.py [--threads 1] [--seconds 0.25] [WORD ...]

Prints a line for each module whose name has one of the words (all by default).
Needs burnish-compiler-tool (make build).
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import torch
from burnish.deploy import Burnished
from burnish.deployed_folder import Folder
from burnish.exporter import export
from torch import nn

from runtime import compare

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "compiler"))
from harness import FLAGS, tool  # noqa: E402

SEQUENCES = {"lstm": nn.LSTM, "gru": nn.GRU, "rnn": nn.RNN}
CELLS = {"lstm_cell": nn.LSTMCell, "gru_cell": nn.GRUCell, "rnn_cell": nn.RNNCell}
SIZES = [
    (48, 1, 64, 128),
    (48, 8, 64, 128),
    (48, 32, 64, 128),
    (32, 8, 128, 256),
    (16, 32, 256, 512),
    (8, 8, 1024, 1024),
]


class Call(nn.Module):
    """A module called with the arguments that are given: those left out are no inputs of the plan."""

    def __init__(self, module: nn.Module) -> None:
        super().__init__()
        self.module = module

    def forward(self, x: torch.Tensor) -> object:
        return self.module(x)


def compiled(module: nn.Module, args: tuple[torch.Tensor, ...], folder: Path) -> nn.Module:
    export(module, args, {}, folder / "in")
    subprocess.run([str(tool()), str(folder / "in"), str(folder / "out")], check=True, capture_output=True)
    kernels = {}
    if (folder / "out" / "entries.cpp").exists():
        library = folder / "out" / "kernels.so"
        subprocess.run(
            ["g++", *FLAGS, f"-I{folder / 'out'}", str(folder / "out" / "entries.cpp"), "-o", str(library)], check=True
        )
        kernels = {"kernels.cpp": library.name}
    return Burnished(module, Folder(folder / "out", {"form": "plan", "files": {}, "kernels": kernels}))


def measure(name: str, module: nn.Module, x: torch.Tensor, seconds: float) -> None:
    module = Call(module).eval()
    with tempfile.TemporaryDirectory() as folder, torch.no_grad():
        fast = compiled(module, (x,), Path(folder))
        missed = fast._run.attempt(x)
        if isinstance(missed, str):
            raise SystemExit(f"{name}: the plan does not hold for its own inputs: {missed}")
        eager, ours, ratio = compare(lambda: module(x), lambda: fast(x), seconds)
    print(f"{name:44} eager {eager * 1e6:9.1f} us   ours {ours * 1e6:9.1f} us   {ratio:6.3f}x", flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("words", nargs="*")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=0.25)
    options = parser.parse_args()
    torch.set_num_threads(options.threads)
    torch.manual_seed(0)
    for kinds in (SEQUENCES, CELLS):
        for kind, make in kinds.items():
            for steps, batch, width, hidden in SIZES:
                name = f"{kind} of {steps} steps, batch {batch}, {width} to {hidden}"
                shape: tuple[int, ...] = (steps, batch, width)
                if kinds is CELLS:
                    name, shape = f"{kind}, batch {batch}, {width} to {hidden}", (batch, width)
                if not options.words or any(word in name for word in options.words):
                    measure(name, make(width, hidden), torch.randn(shape), options.seconds)
    return 0


if __name__ == "__main__":
    sys.exit(main())
