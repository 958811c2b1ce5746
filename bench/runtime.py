"""The runtime against eager PyTorch on plans of nothing but ATen steps: the deployed Python call against the module's.

    python bench/runtime.py [--seconds 0.5] [--threads N] [NAME ...]

Prints a line for each example and each tiny module, then the two figures: the geometric mean over the examples (at
least 1.0) and over modules of tiny tensors (at least 1.3), with an A/A figure (eager against itself) beside them.
Exit 1 if one is missed.
"""

from __future__ import annotations

import argparse
import math
import statistics
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from burnish.deploy import Burnished
from burnish.deployed_folder import Folder
from burnish.exporter import export
from burnish.problem import load_problem

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"
TARGETS = {"examples": 1.0, "tiny": 1.3}
ROUNDS = 12


class LeNet(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1, self.conv2 = torch.nn.Conv2d(1, 6, 5, padding=2), torch.nn.Conv2d(6, 16, 5)
        self.linear1, self.linear2, self.linear3 = (
            torch.nn.Linear(400, 120),
            torch.nn.Linear(120, 84),
            torch.nn.Linear(84, 10),
        )

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = torch.nn.functional.max_pool2d(torch.relu(self.conv1(x)), 2)
        x = torch.nn.functional.max_pool2d(torch.relu(self.conv2(x)), 2)
        return self.linear3(torch.relu(self.linear2(torch.relu(self.linear1(x.flatten(1))))))


class Normed(torch.nn.Module):
    """Small, and many steps: a residual block with a layer norm over 32 features."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.up, self.down = torch.nn.LayerNorm(32), torch.nn.Linear(32, 64), torch.nn.Linear(64, 32)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        h = self.norm(x)
        return x + self.down(torch.nn.functional.silu(self.up(h))) * torch.sigmoid(h.mean(-1, keepdim=True))


def tiny_modules() -> dict[str, tuple[torch.nn.Module, tuple]]:
    layers = [
        torch.nn.Linear(16, 32),
        torch.nn.ReLU(),
        torch.nn.Linear(32, 32),
        torch.nn.ReLU(),
        torch.nn.Linear(32, 4),
    ]
    return {
        "tiny mlp, batch 1": (torch.nn.Sequential(*layers), (torch.randn(1, 16),)),
        "tiny lenet, batch 1": (LeNet(), (torch.randn(1, 1, 28, 28),)),
        "tiny residual block": (Normed(), (torch.randn(4, 32),)),
        "tiny gru cell": (torch.nn.GRUCell(16, 16), (torch.randn(1, 16), torch.randn(1, 16))),
    }


def deployed(module: torch.nn.Module, args: tuple, kwargs: dict[str, Any], folder: str) -> torch.nn.Module:
    """The module's exported plan, as a user calls it."""
    export(module, args, kwargs, folder)
    return Burnished(module, Folder(Path(folder), {"form": "plan", "files": {}}))


def seconds_a_call(run: Callable[[], Any], calls: int) -> float:
    begin = time.perf_counter()
    for _ in range(calls):
        run()
    return (time.perf_counter() - begin) / calls


def compare(a: Callable[[], Any], b: Callable[[], Any], seconds: float) -> tuple[float, float, float]:
    """Median seconds a call of both, in rounds A B B A, and the median ratio of neighbours."""
    a(), b()
    once = max(seconds_a_call(a, 3), 1e-7)
    calls = max(1, int(seconds / (4 * ROUNDS * once)))
    times: tuple[list[float], list[float]] = ([], [])
    ratios = []
    for _ in range(ROUNDS):
        a1, b1 = seconds_a_call(a, calls), seconds_a_call(b, calls)
        b2, a2 = seconds_a_call(b, calls), seconds_a_call(a, calls)
        times[0].append(min(a1, a2))
        times[1].append(min(b1, b2))
        ratios.append(min(a1, a2) / min(b1, b2))
    return statistics.median(times[0]), statistics.median(times[1]), statistics.median(ratios)


def geomean(values: list[float]) -> float:
    return math.exp(sum(map(math.log, values)) / len(values)) if values else math.nan


def measure(
    name: str, module: torch.nn.Module, args: tuple, kwargs: dict[str, Any], seconds: float
) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder:
        fast = deployed(module.eval(), args, kwargs, folder)
        outcome = fast._run.attempt(*args, **kwargs)
        if isinstance(outcome, str):
            raise SystemExit(f"{name}: the plan does not hold for its own inputs: {outcome}")
        eager, ours, ratio = compare(lambda: module(*args, **kwargs), lambda: fast(*args, **kwargs), seconds)
        _, _, same = compare(lambda: module(*args, **kwargs), lambda: module(*args, **kwargs), seconds / 4)
    print(
        f"{name:28} eager {eager * 1e6:10.1f} us   ours {ours * 1e6:10.1f} us   {ratio:6.3f}x   A/A {same:.3f}",
        flush=True,
    )
    return ratio, same


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", help="examples to measure; all, and the tiny modules, where none is named")
    parser.add_argument("--seconds", type=float, default=0.5, help="for each module")
    parser.add_argument("--threads", type=int)
    options = parser.parse_args()
    if options.threads:
        torch.set_num_threads(options.threads)
    warnings.simplefilter("ignore")
    torch.manual_seed(0)
    ratios: dict[str, list[float]] = {"tiny": [], "examples": []}
    same = []
    with torch.no_grad():
        for name, (module, args) in tiny_modules().items():
            if not options.names or name in options.names:
                ratio, aa = measure(name, module, args, {}, options.seconds)
                ratios["tiny"].append(ratio)
                same.append(aa)
        for path in sorted(EXAMPLES.glob("*.py")):
            if options.names and path.stem not in options.names:
                continue
            problem = load_problem(path)
            ratio, aa = measure(path.stem, problem.module, *problem.draw(1), options.seconds)
            ratios["examples"].append(ratio)
            same.append(aa)
    missed = False
    for kind, found in ratios.items():
        if found:
            missed |= geomean(found) < TARGETS[kind]
            print(
                f"{kind}: geometric mean {geomean(found):.3f}x over {len(found)} (wanted: {TARGETS[kind]}), "
                f"lowest {min(found):.3f}x"
            )
    print(f"A/A: geometric mean {geomean(same):.3f}x")
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
