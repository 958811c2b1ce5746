"""From a model's answer to its verdict: what a search adds to compiling, verifying and timing.

    python bench/answers.py [--attempts 8] [--thinks 2]

A scripted model (`command:`) answers with right plans that differ, one at a time, so that nothing waits for anything,
and notes when it answered. The verdict's time is the store's; what the judge says it spent on compiling, verifying and
timing is taken off. A model thinks for a while (`--thinks` seconds), in which the judge starts the next worker; one
that answers at once waits for it (`load`). At most 0.3 s may be left (the median). Exit 1 where it is more.
"""

from __future__ import annotations

import argparse
import json
import shlex
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from command import burnish

LIMIT = 0.3
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
MODEL = '''
import os, pathlib, sys, time
sys.stdin.read()
time.sleep(float(sys.argv[1]))
here = pathlib.Path(__file__).parent
number = len(list(here.glob("answered-*")))
kernel = """extern "C" void tail(long begin, long end, const float* h, float* y) {
  for (long i = begin; i < end; ++i) y[i] = h[i] > 0 ? 2 * h[i] : 0;  // NUMBER
}
""".replace("NUMBER", f"way {number}")
plan = """{"burnish_plan": 1, "inputs": {"x": {"dtype": "float32", "shape": [128, 256]}},
 "params": {"w": "linear.weight", "b": "linear.bias"}, "kernels": {"tail": {"source": "tail.cpp"}},
 "steps": [{"op": "aten::linear", "args": ["x", "w", "b"], "out": ["h"]}, {"empty": "y", "like": "h"},
           {"launch": "tail", "range": "numel(h)", "grain": GRAIN, "args": ["h", "y"]}], "result": "y"}
""".replace("GRAIN", str(1024 * (number + 1)))
sys.stdout.write(f"```json plan.json\\n{plan}```\\n```cpp tail.cpp\\n{kernel}```\\n")
sys.stdout.flush()
(here / f"answered-{number}").write_text(str(time.time()))
os._exit(0)
'''


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--attempts", type=int, default=8)
    parser.add_argument("--thinks", type=float, default=2.0, metavar="S")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="burnish-answers-") as name:
        folder = Path(name)
        (folder / "problem.py").write_text(PROBLEM)
        (folder / "model.py").write_text(MODEL)
        agent = f"command:{shlex.quote(sys.executable)} {shlex.quote(str(folder / 'model.py'))} {options.thinks}"
        words = ["--agents", agent, "--attempts", str(options.attempts), "--inputs", "10", "--store", str(folder / "s")]
        command = [burnish(), "optimize", str(folder / "problem.py"), *words, "--out", str(folder / "out"), "--json"]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(done.stderr)
        with sqlite3.connect(folder / "s" / "burnish.db") as database:
            rows = database.execute(
                "SELECT a.number, e.created, e.body FROM evaluations e JOIN attempts a ON a.id = e.attempt"
                " WHERE e.stage = 'search' ORDER BY a.number"
            ).fetchall()
        left = []
        for number, created, body in rows:
            verdict = json.loads(body)
            spent = verdict["seconds"]
            all_of_it = created - float((folder / f"answered-{number - 1}").read_text())
            work = sum(spent.get(phase, 0) for phase in ("compile", "verify", "time"))
            left.append(all_of_it - work)
            phases = ", ".join(f"{phase} {seconds:.2f}" for phase, seconds in spent.items())
            print(f"answer {number}: {verdict['verdict']} after {all_of_it:.2f} s, {left[-1]:.2f} s beyond; {phases}")
    median = statistics.median(left)
    print(f"beyond compiling, verifying and timing: {median:.2f} s, the median of {len(left)} (at most {LIMIT})")
    return int(median > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
