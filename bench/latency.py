"""How long one waits: `burnish eval` of a small plan from nothing, and a further candidate of a run.

    python bench/latency.py [--repeat 3]

Prints what a trusted Python worker takes until its first result, forked by the judge's fork server and started from
nothing, and three figures with the limits they are held to: seconds of `burnish eval --inputs 10` with an empty store,
all included (at most 5); seconds that a plan costs in a run beyond compiling, verifying and timing (at most 0.3: the
median of the compiler's candidates for four examples); seconds to compile a `.cpp` kernel (at most 1.5). Exit 1 if one
is missed.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import torch
from burnish.problem import load_problem
from burnish.workers import Worker, start_nursery
from command import EXAMPLES, burnish

LIMITS = {"eval, cold": 5.0, "further candidate": 0.3, "kernel": 1.5}
PROBLEM = """import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(256, 256)

    def forward(self, x):
        return torch.relu(self.linear(x)) * 2


def get_inputs():
    return [torch.randn(128, 256)]


def get_init_inputs():
    return []
"""
KERNEL = """extern "C" void tail(int64_t begin, int64_t end, const float* h, float* y) {
  for (int64_t i = begin; i < end; ++i) y[i] = h[i] > 0 ? 2 * h[i] : 0;
}
"""
PLAN = {
    "burnish_plan": 1, "target": "cpu",
    "inputs": {"x": {"dtype": "float32", "shape": [128, 256]}},
    "params": {"w": "linear.weight", "b": "linear.bias"},
    "kernels": {"tail": {"source": "tail.cpp"}},
    "steps": [
        {"op": "aten::linear", "args": ["x", "w", "b"], "out": ["h"]},
        {"empty": "y", "like": "h"},
        {"launch": "tail", "range": "numel(h)", "args": ["h", "y"]},
    ],
    "result": "y",
}  # fmt: skip


def run(*arguments: object) -> dict:
    """The last JSON line of a command that succeeds."""
    command = [burnish(), *map(str, arguments), "--json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{' '.join(command)} failed:\n{done.stderr}{done.stdout}")
    return json.loads(done.stdout.splitlines()[-1])


def cold_eval(folder: Path, repeat: int) -> float:
    (folder / "problem.py").write_text(PROBLEM)
    (folder / "plan").mkdir()
    (folder / "plan" / "plan.json").write_text(json.dumps(PLAN))
    (folder / "plan" / "tail.cpp").write_text(KERNEL)
    taken = []
    for number in range(repeat):
        started = time.perf_counter()
        verdict = run("eval", folder / "problem.py", folder / "plan", "--inputs", 10, "--store", folder / f"s{number}")
        taken.append(time.perf_counter() - started)
        print(f"eval, cold      {taken[-1]:.2f} s  {verdict['seconds']}", flush=True)
    return statistics.median(taken)


def worker_starts(file: Path) -> None:
    """The second of each: by then the fork server has imported everything."""
    problem = load_problem(str(file))
    nursery = start_nursery()
    loads = {
        "module": {"kind": "reference"},
        "torch.compile": {"kind": "recipe", "recipe": {"burnish_recipe": 1, "compile": {"mode": "default"}}},
    }
    ways = {"started": {}, "forked": {"nursery": nursery, "warm": ["compile"]}}
    for (what, load), (how, settings) in itertools.product(loads.items(), ways.items()):
        for _ in range(2):
            started = time.perf_counter()
            with Worker.start("python", trusted=True, **settings) as worker:
                worker.load({**load, "problem": problem.payload})
                worker.set_params(problem.module.state_dict())
                worker.set_slots([[torch.randn(128, 256)]])
                assert worker.call(0).ok
                taken = time.perf_counter() - started
        print(f"{how + ' worker,':15} {what:13} until its first result: {taken:.2f} s", flush=True)
    nursery.close()


def further_candidates(folder: Path) -> tuple[float, float]:
    """Seconds beyond verifying and timing, and of compiling, of the compiler's plans."""
    store = folder / "suite"
    run("suite", EXAMPLES, "--problems", "[prg]*m*", "--agents", "compiler", "--inputs", 10, "--store", store)
    with sqlite3.connect(store / "burnish.db") as database:
        bodies = database.execute("SELECT body FROM evaluations WHERE stage = 'search' AND attempt IS NOT NULL")
        phases = [json.loads(body)["seconds"] for (body,) in bodies]
    beyond = [s["total"] - s.get("verify", 0) - s.get("time", 0) for s in phases]
    return statistics.median(beyond), statistics.median(s.get("compile", 0.0) for s in phases)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--repeat", type=int, default=3)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="burnish-latency-") as name:
        cold = cold_eval(Path(name), options.repeat)
        worker_starts(Path(name) / "problem.py")
        beyond, kernel = further_candidates(Path(name))
    figures = {"eval, cold": cold, "further candidate": beyond, "kernel": kernel}
    for name, seconds in figures.items():
        print(f"{name:18} {seconds:.2f} s (at most {LIMITS[name]:g})")
    return int(any(seconds > LIMITS[name] for name, seconds in figures.items()))


if __name__ == "__main__":
    sys.exit(main())
