"""Kills a suite's processes at random moments and resumes it: no finished attempt may be lost or made twice.

    python bench/kill.py [--kills 10] [--seed N]

Runs `burnish suite` over three examples with the real judge. Each time, after a random while, SIGKILL goes to one
process of the tree: `burnish` itself, the judge, its fork server, a worker or a compiler, in turn where there is one;
then the run is resumed. At the end all is compared with what was there at each kill. Exit 1 where something is lost,
repeated, or left running.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from command import EXAMPLES, burnish

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "shared"))
from processes import tree_of

KINDS = ("burnish", "judge", "nursery", "worker", "compiler")
FINISHED = (
    "SELECT p.name, coalesce(a.agent, 'original'), coalesce(a.number, 0), e.stage, e.created FROM evaluations e"
    " JOIN problems p ON p.id = e.problem LEFT JOIN attempts a ON a.id = e.attempt"
)


def kind_of(pid: int) -> str:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return ""
    line = " ".join(words)
    if "burnish.judge" in line:
        return "judge"
    if "burnish.nursery" in line:
        return "nursery"
    if "burnish-worker" in line or "burnish.worker" in line or words[0].endswith("bwrap"):
        return "worker"
    if "cc1plus" in line or words[0].endswith(("g++", "/as", "/ld")):
        return "compiler"
    return "burnish" if words[0].endswith("burnish") else ""


def victim(root: int, wanted: str, draw: random.Random) -> tuple[int, str]:
    """A process of the wanted kind, else any; a fork of the nursery counts as a worker."""
    kinds = [(pid, kind_of(pid)) for pid in tree_of(root)]
    servers = [pid for pid, kind in kinds if kind == "nursery"]
    kinds = [(pid, "worker" if kind == "nursery" and pid not in servers[:1] else kind) for pid, kind in kinds if kind]
    return draw.choice([k for k in kinds if k[1] == wanted] or kinds)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kills", type=int, default=10)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    draw = random.Random(options.seed)
    wrong = []
    with tempfile.TemporaryDirectory(prefix="burnish-kill-") as folder:
        store = Path(folder) / "store"
        run, kept = "", []
        start = [burnish(), "suite", str(EXAMPLES), "--problems", "[pr]*m*", "--inputs", "10", "--store", str(store)]
        for number in range(options.kills + 1):
            command = [burnish(), "suite", "--resume", run, "--store", str(store)] if run else start
            log = Path(folder) / "log"
            with log.open("w") as stderr:
                process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=stderr, stdin=subprocess.DEVNULL)
                family: list[int] = []
                if number < options.kills:
                    time.sleep(draw.uniform(2, 12))
                    if process.poll() is None:
                        family = tree_of(process.pid)
                        pid, kind = victim(process.pid, KINDS[number % len(KINDS)], draw)
                        os.kill(pid, signal.SIGKILL)
                        if kind != "burnish":  # the run goes on by itself, or ends in order: then it is interrupted
                            time.sleep(draw.uniform(1, 4))
                            process.kill()
                        print(f"kill {number + 1}: {kind}", flush=True)
                process.wait()
            run = run or next((s.split()[1] for s in log.read_text().splitlines() if s.startswith("run ")), "")
            time.sleep(1)
            wrong += [f"process {pid} is left ({kind_of(pid)})" for pid in family if kind_of(pid)]
            with sqlite3.connect(store / "burnish.db") as database:
                now = database.execute(FINISHED).fetchall()
            wrong += [f"lost: {row}" for row in kept if row not in now]
            kept = now
            print(f"  {len(now)} verdicts", flush=True)
        names = [row[:4] for row in kept]
        wrong += [f"twice: {name}" for name in set(names) if names.count(name) > 1]
        with sqlite3.connect(store / "burnish.db") as database:
            states = database.execute("SELECT name, state, reason FROM problems").fetchall()
    wrong += [f"{name} is {state}: {reason}" for name, state, reason in states if state != "done"]
    print("\n".join(wrong) or f"{options.kills} kills: nothing lost, repeated or left; {len(states)} problems done")
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
