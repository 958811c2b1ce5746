"""A/A: the original judged against itself. How often is it called faster?

At most once in a hundred; and the median of the ratios must be within 1% of 1.0.

    python bench/aa.py [--count 100] [--stage final|eval] [--busy N] [--seconds S] [--json]

Problems take from 20 us to 50 ms a call. `--busy N` runs N neighbours that keep a core busy in bursts. The last line:
`A/A: 0 wins of 100, median ratio 1.0003 (stage final, busy 0)`. Exit status 1 where that is not good enough.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from burnish.judge.session import Session

# Body of forward, and the input: about 20 us, 100 us, 1 ms, 5 ms and 50 ms a call on two cores.
PROBLEMS = {
    "tiny": ("return torch.relu(x) + 1.0", "torch.rand(64, 64)"),
    "rows": ("return torch.softmax(x, -1)", "torch.rand(256, 512)"),
    "dense": ("return torch.relu(self.linear(x))", "torch.rand(256, 512)"),
    "image": ("return torch.relu(self.conv(x))", "torch.rand(4, 16, 64, 64)"),
    "heavy": ("return self.linear(x @ x.mT).softmax(-1)", "torch.rand(4, 512, 512)"),
}
TEXT = """import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(512, 512)
        self.conv = torch.nn.Conv2d(16, 32, 3, padding=1)

    def forward(self, x):
        {body}


def get_inputs():
    return [{inputs}]
"""
NEIGHBOUR = """
import random, time
while True:
    end = time.monotonic() + random.uniform(0.01, 0.5)
    while time.monotonic() < end:
        sum(range(1000))
    time.sleep(random.uniform(0.01, 0.5))
"""


@contextlib.contextmanager
def neighbours(count: int) -> Iterator[None]:
    """Processes of somebody else that come and go."""
    running = [subprocess.Popen([sys.executable, "-c", NEIGHBOUR]) for _ in range(count)]
    try:
        yield
    finally:
        for process in running:
            process.kill()
            process.wait()


def run(flags: argparse.Namespace, say) -> list[dict]:
    records = []
    names = list(PROBLEMS) if not flags.only else [flags.only]
    for at, name in enumerate(names):
        body, inputs = PROBLEMS[name]
        count = flags.count // len(names) + (at < flags.count % len(names))
        with tempfile.TemporaryDirectory(prefix="burnish-aa-") as folder:
            file = Path(folder) / f"{name}.py"
            file.write_text(TEXT.format(body=body, inputs=inputs))
            options = {"inputs": 10, **({"timing_seconds": flags.seconds} if flags.seconds else {})}
            session = Session({"file": str(file), "class": "Model"}, options, folder)
            try:
                session.open()
                for number in range(count):
                    started = time.monotonic()
                    verdict = session.judge({"form": "original", "name": "original"}, flags.stage)
                    took = time.monotonic() - started
                    if verdict["speedup"] is None:
                        say(f"{name} {number + 1}/{count}: {verdict['reason']}: {verdict['detail']}")
                        records.append({"problem": name, "ratio": None, "win": False, "reason": verdict["reason"]})
                        continue
                    low, high = verdict["interval"]
                    microseconds = verdict["call_seconds"]["reference"] * 1e6
                    band = f"{verdict['speedup']:.4f} [{low:.3f}, {high:.3f}]"
                    say(f"{name} {number + 1}/{count}: {band} at {microseconds:.0f} us, {took:.1f} s")
                    records.append(
                        {"problem": name, "ratio": verdict["speedup"], "interval": [low, high], "win": low > 1.02}
                    )
            finally:
                session.close()
    return records


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=100)
    parser.add_argument("--stage", choices=("final", "eval"), default="final")
    parser.add_argument("--busy", type=int, default=0)
    parser.add_argument(
        "--seconds", type=float, default=0.0, help="of timing a judgement; 0: as long as the judge takes"
    )
    parser.add_argument("--only", choices=PROBLEMS)
    parser.add_argument("--json", action="store_true")
    flags = parser.parse_args()
    with neighbours(flags.busy):
        records = run(flags, lambda text: print(text, file=sys.stderr if flags.json else sys.stdout, flush=True))
    ratios = [r["ratio"] for r in records if r["ratio"] is not None]
    wins = sum(r["win"] for r in records)
    middle = statistics.median(ratios) if ratios else float("nan")
    if flags.json:
        print(json.dumps({"records": records, "wins": wins, "median": middle}))
    what = f"stage {flags.stage}, busy {flags.busy}"
    print(f"A/A: {wins} wins of {len(records)}, median ratio {middle:.4f} ({what})")
    return 0 if len(ratios) == len(records) and wins <= max(1, len(records) // 100) and abs(middle - 1) <= 0.01 else 1


if __name__ == "__main__":
    sys.exit(main())
