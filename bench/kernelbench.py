"""KernelBench on this machine's CPU: a verdict or a reason for every problem, in as many parts as it takes.

    python bench/kernelbench.py CHECKOUT --store DIR [--lanes N] [--cores N] [--memory GB] [--seconds S]
        [--levels 1,2,3] [--aa-lanes N] [-- flags of suite]

CHECKOUT is a clone of github.com/ScalingIntelligence/KernelBench (commit 21fbe5a has the original sizes, which a CPU
can take). The problems are dealt out to N lanes of two cores each (--cores), which work at the same time, each with a
timing lease and a run of its own in one store; a lane's neighbours are noise that its twins share. `--memory` is the
most that one process of a lane may have: what needs more is excluded as `too-large` and starves no other lane. After S
seconds (or Ctrl-C) nothing new is begun and what is under way is interrupted; the same command goes on from there. At
the end `burnish report` prints the table of all parts. `--lanes 1` on a quiet machine is the careful way.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from command import burnish


def problems_of(checkout: Path, levels: list[str]) -> list[Path]:
    root = checkout / "KernelBench" if (checkout / "KernelBench").is_dir() else checkout
    found = [f for level in levels for f in sorted((root / f"level{level}").glob("*.py"))]
    if not found:
        sys.exit(f"no problems in {root}: name a checkout of KernelBench")
    return found


def deal(problems: list[Path], lanes: int, folder: Path) -> list[Path]:
    """A folder of copies for each lane, levels kept. By number of the problem, so that a later part deals alike."""
    folders = []
    for lane in range(lanes):
        folders.append(folder / f"lane{lane}")
        for problem in problems[lane::lanes]:
            level = folders[-1] / problem.parent.name
            level.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(problem, level / problem.name)
    return folders


def runs_of(store: Path) -> dict[int, str]:
    """Lane -> its run, as an earlier part left it."""
    note = store / "lanes.json"
    return {int(lane): run for lane, run in json.loads(note.read_text()).items()} if note.exists() else {}


class Lane:
    """One `burnish suite` on cores of its own."""

    def __init__(self, number: int, folder: Path, run: str | None, options: argparse.Namespace) -> None:
        self.log = options.store / f"lane{number}.log"
        cores = sorted(os.sched_getaffinity(0))[options.cores * number : options.cores * (number + 1)]
        limit = ["prlimit", f"--data={int(options.memory * (1 << 30))}"] if options.memory else []
        suite = [burnish(), "suite", str(folder), "--store", str(options.store)]
        command = [*limit, "taskset", "-c", ",".join(map(str, cores)), *suite]
        no_aa = ["--no-aa"] if number >= options.aa_lanes else []
        command += ["--resume", run] if run else [*options.flags, *no_aa]
        self.process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=self.log.open("a"),
            env={**os.environ, "BURNISH_LEASE": str(options.store / f"lane{number}.lease")},
        )  # fmt: skip

    def run(self) -> str | None:
        """The name of its run, once it has said it."""
        named = [line.split()[1] for line in self.log.read_text().splitlines() if line.startswith("run ")]
        return named[-1] if named else None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("checkout", type=Path)
    parser.add_argument("--store", type=Path, required=True)
    parser.add_argument("--lanes", type=int, default=1)
    parser.add_argument("--cores", type=int, default=2, help="of each lane")
    parser.add_argument("--memory", type=float, default=0, help="GB of private memory of one process; 0: no limit")
    parser.add_argument("--seconds", type=float, default=0, help="of this part; 0: until all are done")
    parser.add_argument("--levels", default="1,2,3")
    parser.add_argument("--aa-lanes", type=int, default=1000, help="lanes that judge originals against themselves")
    ours, _, flags = "\0".join(sys.argv[1:]).partition("\0--\0")
    options = parser.parse_args(ours.split("\0"))
    options.flags = flags.split("\0") if flags else []
    options.store = options.store.resolve()
    options.store.mkdir(parents=True, exist_ok=True)
    free = len(os.sched_getaffinity(0))
    if options.lanes * options.cores > free:
        parser.error(f"{options.lanes} lanes need {options.lanes * options.cores} cores, {free} are free to use")
    runs = runs_of(options.store)
    if runs and len(runs) != options.lanes:
        parser.error(f"the store has a run in {len(runs)} lanes: go on with --lanes {len(runs)}, or name another store")
    problems = problems_of(options.checkout, options.levels.split(","))
    end = time.monotonic() + (options.seconds or 1e9)
    folders = deal(problems, options.lanes, options.store / "problems")
    lanes = [Lane(n, folder, runs.get(n), options) for n, folder in enumerate(folders)]
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C ends a part like its time
        while any(lane.process.poll() is None for lane in lanes) and time.monotonic() < end:
            time.sleep(1)
    for lane in lanes:
        if lane.process.poll() is None:
            lane.process.send_signal(signal.SIGINT)
    for lane in lanes:
        lane.process.wait()
    runs = {n: run for n, lane in enumerate(lanes) if (run := lane.run())}
    (options.store / "lanes.json").write_text(json.dumps(runs))
    report = [burnish(), "report", *runs.values(), "--store", str(options.store), "--markdown"]
    return subprocess.run(report, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
