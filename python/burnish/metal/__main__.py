"""python -m burnish.metal FOLDER MODEL.py[:Class]: compares a plan with its module, on a Mac on its GPU, and times both
there. Elsewhere the emulator runs the kernels, every access watched, and nothing is timed."""

from __future__ import annotations

import argparse
import statistics
import sys
import time

import torch

from burnish.inputs import flatten_inputs
from burnish.metal.plan import MetalPlan
from burnish.problem import load_problem


def seconds(run, calls: int = 30) -> float:
    """Median seconds of a call, in batches that end with a wait for the GPU."""
    batches = []
    for _ in range(7):
        begin = time.perf_counter()
        for _ in range(calls):
            run()
        torch.mps.synchronize()
        batches.append((time.perf_counter() - begin) / calls)
    return statistics.median(batches)


@torch.no_grad()
def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m burnish.metal", description=__doc__)
    parser.add_argument("folder")
    parser.add_argument("model")
    chosen = parser.parse_args()
    file, _, name = chosen.model.partition(":")
    problem = load_problem(file, name or "Model")
    device = torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    module = problem.module.to(device).eval()
    args, kwargs = problem.draw(1)
    args = [a.to(device) if isinstance(a, torch.Tensor) else a for a in args]
    kwargs = {k: a.to(device) if isinstance(a, torch.Tensor) else a for k, a in kwargs.items()}
    plan = MetalPlan(chosen.folder, module, checked=True)
    given = {leaf.path: leaf.value for leaf in flatten_inputs(module.forward, args, kwargs)}
    leaves = [given[entry.get("path", key)] for key, entry in plan.plan["inputs"].items()]
    mine, theirs = plan.run(leaves), module(*args, **kwargs)
    pairs = zip(torch.utils._pytree.tree_leaves(mine), torch.utils._pytree.tree_leaves(theirs), strict=True)
    worst = 0.0
    for a, b in pairs:
        scale = b.double().abs().max().item() if b.numel() else 0.0
        worst = max(worst, (a.double() - b.double()).abs().max().item() / max(scale, 1e-30) if b.numel() else 0.0)
    print(f"largest difference from the module on {device}: {worst:.2g} of its largest result")
    if device.type == "mps":
        before, after = seconds(lambda: module(*args, **kwargs)), seconds(lambda: plan.run(leaves))
        print(f"module {before * 1e3:.3f} ms, plan {after * 1e3:.3f} ms a call: {before / after:.2f} times the speed")
    else:
        print("no Mac here: the emulator ran the kernels and found no fault; nothing is timed")
    return 0 if worst < 1e-3 else 1


if __name__ == "__main__":
    sys.exit(main())
