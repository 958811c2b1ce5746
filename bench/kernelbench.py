"""KernelBench on this machine's CPU: a verdict or a reason for every problem, in as many parts as it takes.

    python bench/kernelbench.py CHECKOUT --store DIR [--lanes N] [--cores N] [--memory GB] [--seconds S]
        [--levels 1,2,3] [--aa-lanes N] [--table FILE.csv] [-- flags of suite]

CHECKOUT is a clone of github.com/ScalingIntelligence/KernelBench (commit 21fbe5a has the original sizes, which a CPU
can take). The problems are dealt out to N lanes of two cores each (--cores), which work at the same time, each with a
timing lease and a run of its own in one store; a lane's neighbours are noise that its twins share. `--memory` is the
most that one process of a lane may have: what needs more is excluded as `too-large` and starves no other lane. After S
seconds (or Ctrl-C) nothing new is begun and what is under way is interrupted; the same command goes on from there. At
the end `burnish report` prints the table of all parts. `--lanes 1` on a quiet machine is the careful way.

`--table FILE.csv` adds up parts that share no store, made on several machines: problems that the file has are left out,
and those that came to a result here are added. Not added: a problem one of whose candidates came to no verdict
(`environment`, `memory`: the lanes together had too little; under `--memory` `too-large` too), and one excluded for
such a reason. With `--collect` nothing is run: what the store has is added.
"""

from __future__ import annotations

import argparse
import collections
import contextlib
import csv
import json
import os
import re
import shutil
import signal
import sqlite3
import statistics
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


FIELDS = [
    "problem",
    "verdict",
    "reason",
    "eager_ms",
    "winner",
    "candidate",
    "speedup",
    "low",
    "high",
    "compiler",
    "inductor",
]
PATIENCE = 15  # seconds that an interrupted lane has to end by itself
LOST = ("environment", "memory")  # reasons that say nothing of a candidate


def read_table(file: Path | None) -> dict[str, dict]:
    if file is None or not file.exists():
        return {}
    with file.open(newline="") as text:
        return {row["problem"]: row for row in csv.DictReader(text)}


def number(value: float | None, digits: int = 3) -> str:
    return "" if value is None else f"{value:.{digits}f}"


def results_of(store: Path, limited: bool) -> dict[str, dict]:
    """What the problems of a store came to, by name, as rows of the table. Only whole results. `limited`: what did
    not fit into a lane's memory may fit elsewhere."""
    rows: dict[str, dict] = {}
    lost = {*LOST, "too-large"} if limited else {*LOST}
    with contextlib.closing(sqlite3.connect(f"file:{store / 'burnish.db'}?mode=ro", uri=True)) as db:
        problems = db.execute("SELECT id, name, state, reason, outcome FROM problems WHERE state != 'open'").fetchall()
        for key, name, state, reason, outcome in problems:
            row = dict.fromkeys(FIELDS, "") | {"problem": name, "verdict": "excluded", "reason": reason}
            if state == "done":
                found = json.loads(outcome)
                low, high = found["interval"] or (None, None)
                eager = number(1e3 * (found["eager_seconds"] or 0), 4)
                row |= {"verdict": found["verdict"], "reason": found["reason"] or "", "winner": found["winner"],
                        "candidate": found["candidate"] or "", "eager_ms": eager,
                        "speedup": number(found["speedup"]), "low": number(low), "high": number(high),
                        **{agent: best_of(db, key, agent) for agent in ("compiler", "inductor")}}  # fmt: skip
            candidates = db.execute("SELECT reason FROM evaluations WHERE problem = ?", (key,))
            if lost.isdisjoint([reason, *(found for (found,) in candidates)]):
                rows[name] = row
    return rows


def best_of(db: sqlite3.Connection, problem: int, agent: str) -> str:
    """An agent's best accepted speedup, of the final where there is one, else of the search; empty: none."""
    best = None
    for stage in ("search", "final"):  # what the final says counts
        found = db.execute(
            "SELECT max(e.speedup) FROM evaluations e JOIN attempts a ON a.id = e.attempt "
            "WHERE e.problem = ? AND a.agent = ? AND e.stage = ? AND e.verdict = 'accepted'", (problem, agent, stage)
        ).fetchone()[0]  # fmt: skip
        best = found if found is not None else best
    return number(best)


def add_to_table(file: Path, store: Path, limited: bool) -> None:
    rows = read_table(file) | results_of(store, limited)
    order = sorted(rows, key=lambda name: (name.split("/")[0], int("0" + "".join(re.findall(r"/(\d+)", name)))))
    with file.open("w", newline="") as text:
        writer = csv.DictWriter(text, FIELDS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows[name] for name in order)
    print(f"{file}: {len(rows)} problems\n\n{summary_of(list(read_table(file).values()))}")


def floored(rows: list[dict], column: str) -> str:
    """Geometric mean over eager of a column, at least 1 each: where nothing won the original stays."""
    return f"{statistics.geometric_mean(max(1.0, float(row[column] or 1)) for row in rows):.2f}"


def summary_of(table: list[dict]) -> str:
    """The table's geometric means by level, in Markdown, and what was left out of them."""
    judged = [row for row in table if row["verdict"] != "excluded" and row["reason"] != "trivial"]
    lines = ["| level | problems | best of all | compiler alone | inductor alone |", "|---|---|---|---|---|"]
    levels = sorted({row["problem"].split("/")[0] for row in judged})
    for level in [*levels, ""]:
        rows = [row for row in judged if row["problem"].startswith(level)]
        if rows:
            means = " | ".join(floored(rows, column) for column in ("speedup", "compiler", "inductor"))
            lines.append(f"| {level.removeprefix('level') or 'all'} | {len(rows)} | {means} |")
    both = [row for row in judged if row["compiler"] and row["inductor"]]
    behind = [row for row in both if 1.1 * float(row["compiler"]) < float(row["inductor"])]
    names = ", ".join(f"{row['problem']} ({row['compiler']}, {row['inductor']})" for row in behind)
    lines += ["", f"Both have an accepted candidate on {len(both)}; the compiler is more than 10% behind on "
              f"{len(behind)}: {names}."]  # fmt: skip
    left = collections.Counter(row["reason"] for row in table if row not in judged)
    return "\n".join([*lines, "Left out: " + ", ".join(f"{n} {reason}" for reason, n in sorted(left.items())) + "."])


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
    parser.add_argument("--table", type=Path, help="CSV of results that this run goes on from and adds to")
    parser.add_argument("--collect", action="store_true", help="add what the store has to the table; run nothing")
    ours, _, flags = "\0".join(sys.argv[1:]).partition("\0--\0")
    options = parser.parse_args(ours.split("\0"))
    options.flags = flags.split("\0") if flags else []
    options.store = options.store.resolve()
    if options.collect:
        if not options.table or not (options.store / "burnish.db").exists():
            parser.error("--collect needs --table FILE.csv and a --store with results")
        add_to_table(options.table, options.store, bool(options.memory))
        return 0
    options.store.mkdir(parents=True, exist_ok=True)
    free = len(os.sched_getaffinity(0))
    if options.lanes * options.cores > free:
        parser.error(f"{options.lanes} lanes need {options.lanes * options.cores} cores, {free} are free to use")
    runs = runs_of(options.store)
    if runs and len(runs) != options.lanes:
        parser.error(f"the store has a run in {len(runs)} lanes: go on with --lanes {len(runs)}, or name another store")
    known = read_table(options.table)
    problems = problems_of(options.checkout, options.levels.split(","))
    problems = [p for p in problems if f"{p.parent.name}/{p.stem}" not in known]
    if not problems:
        print(f"{options.table} has all of them")
        return 0
    end = time.monotonic() + (options.seconds or 1e9)
    folders = deal(problems, options.lanes, options.store / "problems")
    lanes = [Lane(n, folder, runs.get(n), options) for n, folder in enumerate(folders)]
    with contextlib.suppress(KeyboardInterrupt):  # Ctrl-C ends a part like its time
        while any(lane.process.poll() is None for lane in lanes) and time.monotonic() < end:
            time.sleep(1)
    for lane in lanes:
        if lane.process.poll() is None:
            lane.process.send_signal(signal.SIGINT)
    stop = time.monotonic() + PATIENCE
    for lane in lanes:
        try:
            lane.process.wait(max(0.1, stop - time.monotonic()))
        except subprocess.TimeoutExpired:  # the next part takes up what it had in hand
            lane.process.kill()
            lane.process.wait()
    runs = {n: run for n, lane in enumerate(lanes) if (run := lane.run())}
    (options.store / "lanes.json").write_text(json.dumps(runs))
    if options.table:
        add_to_table(options.table, options.store, bool(options.memory))
    report = [burnish(), "report", *runs.values(), "--store", str(options.store), "--markdown"]
    return subprocess.run(report, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
