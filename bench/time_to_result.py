"""How long a user waits for a result with the built-in compiler alone, and what for.

    python bench/time_to_result.py [--count 8] [--inputs 10] [--verify-seconds 4] [--agents compiler]

Runs `burnish optimize` with an empty store on so many examples, spread over the list, one after the other, and reads
from the store what was recorded of each. Two figures are held to limits (exit 1 where one is missed): the median of the
seconds from the command's start to its end beyond verifying (at most 15), and the median of the seconds until the first
kernel has its verdict, all included (at most 5). The phases: `open`, until the first proposal (Python and PyTorch
start, the module is loaded, exported and calibrated); `load`, `verify` and `time` of all judgements, as their verdicts
say; `compile`, which runs beside the others; and what is left.
"""

from __future__ import annotations

import argparse
import json
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path

from command import EXAMPLES, burnish

LIMITS = {"beyond verifying": 15.0, "first kernel": 5.0}
PHASES = ("open", "load", "verify", "time", "compile", "rest")
COLUMNS = ("total", *LIMITS, *PHASES)


def recorded(database: Path) -> tuple[float, list[tuple[float, dict[str, float], bool]]]:
    """When the first proposal was recorded; of each judgement its end, its seconds, and whether it was of a plan."""
    with closing(sqlite3.connect(database)) as connection:
        ((first,),) = connection.execute("SELECT min(created) FROM attempts").fetchall()
        rows = connection.execute(
            "SELECT e.created, e.body, a.form FROM evaluations e LEFT JOIN attempts a ON a.id = e.attempt "
            "ORDER BY e.created"
        ).fetchall()
    if first is None or not rows:
        raise ValueError("nothing was proposed or judged")
    return first, [(created, json.loads(body).get("seconds") or {}, form == "plan") for created, body, form in rows]


def waited(problem: Path, options: argparse.Namespace) -> dict[str, float]:
    with tempfile.TemporaryDirectory(prefix="burnish-waiting-") as name:
        store = Path(name) / "store"
        command = [
            burnish(), "optimize", problem, "--agents", options.agents, "--inputs", options.inputs,
            "--verify-seconds", options.verify_seconds, "--store", store, "--out", Path(name) / "out", "--json",
        ]  # fmt: skip
        begin = time.time()
        done = subprocess.run(list(map(str, command)), capture_output=True, text=True, check=False)
        total = time.time() - begin
        if done.returncode != 0:
            raise ValueError(f"status {done.returncode}: {done.stderr.strip()[-300:]}")
        first, judgements = recorded(store / "burnish.db")
    seconds = {
        phase: sum(s.get(phase) or 0.0 for _, s, _ in judgements) for phase in ("load", "verify", "time", "compile")
    }
    seconds["open"] = first - begin
    kernels = [ended for ended, _, is_plan in judgements if is_plan]
    if not kernels:
        raise ValueError("no plan was judged")
    seconds["rest"] = total - sum(seconds[phase] for phase in ("open", "load", "verify", "time"))
    return seconds | {
        "total": total,
        "beyond verifying": total - seconds["verify"],
        "first kernel": kernels[0] - begin,
    }


def spread(count: int) -> list[Path]:
    files = sorted(EXAMPLES.glob("*.py"))
    return [files[len(files) * i // count] for i in range(min(count, len(files)))]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--count", type=int, default=8)
    parser.add_argument("--inputs", type=int, default=10)
    parser.add_argument("--verify-seconds", type=float, default=4)
    parser.add_argument("--agents", default="compiler")
    options = parser.parse_args()
    print(f"{'':24}" + "".join(f"{column:>17}" for column in COLUMNS), flush=True)
    rows = []
    for problem in spread(options.count):
        try:
            row = waited(problem, options)
        except ValueError as e:
            sys.exit(f"{problem.stem}: {e}")
        rows.append(row)
        print(f"{problem.stem:24}" + "".join(f"{row[column]:17.2f}" for column in COLUMNS), flush=True)
    medians = {column: statistics.median(row[column] for row in rows) for column in COLUMNS}
    print(f"{'median':24}" + "".join(f"{medians[column]:17.2f}" for column in COLUMNS))
    for name, limit in LIMITS.items():
        print(f"{name}: {medians[name]:.2f} s (at most {limit:g})")
    return int(any(medians[name] > limit for name, limit in LIMITS.items()))


if __name__ == "__main__":
    sys.exit(main())
