"""How long `burnish report` takes on a store of the published study's size: 250 problems x 8 models x 4 contexts, five
attempts each. The rows are made up; the command that reads them is the real one.

    python bench/report.py build/release/burnish
"""

from __future__ import annotations

import json
import os
import pathlib
import random
import sqlite3
import subprocess
import sys
import tempfile
import time

MODELS = [f"model{i}" for i in range(8)]
CONTEXTS = ("", "@reference", "@profile", "@both")
PROBLEMS, ATTEMPTS = 250, 5


def fill(database: pathlib.Path) -> None:
    draw = random.Random(1)
    agents = [m + c for m in MODELS for c in CONTEXTS]
    with sqlite3.connect(database) as db:
        options = {"agents": agents, "attempts": ATTEMPTS, "judging": {"target": "cpu"}, "seed": 0}
        db.execute("INSERT INTO runs VALUES('study', 1e9, 'experiment', ?, '{}', 'done')", [json.dumps(options)])
        for p in range(PROBLEMS):
            outcome = {"verdict": "accepted", "winner": draw.choice(agents), "speedup": draw.uniform(1.1, 5)}
            db.execute(
                "INSERT INTO problems(id, run, name, level, spec, state, outcome)"
                " VALUES(?, 'study', ?, ?, '{}', 'done', ?)",
                [p + 1, f"level{p % 3 + 1}/{p}", str(p % 3 + 1), json.dumps(outcome)],
            )
            for agent in agents:
                for n in range(1, ATTEMPTS + 1):
                    attempt = db.execute(
                        "INSERT INTO attempts(problem, agent, number, strategy, name, form, notes, created)"
                        " VALUES(?, ?, ?, 'best-of-n', ?, 'plan', '{}', 1e9)",
                        [p + 1, agent, n, f"attempt {n}"],
                    ).lastrowid
                    ok, speedup = draw.random() < 0.4, draw.lognormvariate(0.2, 0.5)
                    body = {
                        "verdict": "accepted" if ok else "refused", "reason": "ok" if ok else "values",
                        "detail": {"what": "x" * 800}, "speedup": speedup if ok else None,
                        "interval": [speedup * 0.97, speedup * 1.03] if ok else None, "notes": [],
                    }  # fmt: skip
                    db.execute(
                        "INSERT INTO evaluations(problem, attempt, stage, verdict, reason, body, created)"
                        " VALUES(?, ?, 'search', ?, ?, ?, 1e9)",
                        [p + 1, attempt, body["verdict"], body["reason"], json.dumps(body)],
                    )
                    for name in ("plan.json", "kernels.cpp", "answer.md"):
                        row = [attempt, name, f"{attempt:030}{name[0]}0"]
                        db.execute("INSERT INTO artifacts VALUES('attempt', ?, ?, ?)", row)
                    db.execute(
                        "INSERT INTO model_calls(problem, agent, number, purpose, service, model, tokens_in,"
                        " tokens_cached, tokens_out, tokens_reasoning, estimated, replayed, cost, seconds, error,"
                        " created)"
                        " VALUES(?, ?, ?, 'propose', 's', 'm', 9000, 0, 2000, 0, 0, 0, 0.05, 30, '', 1e9)",
                        [p + 1, agent, n],
                    )


def main() -> None:
    burnish = sys.argv[1]
    with tempfile.TemporaryDirectory() as folder:
        env = {**os.environ, "BURNISH_HOME": folder}
        subprocess.run([burnish, "report", "--list"], env=env, check=True, stdout=subprocess.DEVNULL)
        fill(pathlib.Path(folder) / "burnish.db")
        begin = time.perf_counter()
        out = subprocess.run([burnish, "report", "study", "--json"], env=env, check=True, capture_output=True).stdout
        seconds = time.perf_counter() - begin
        tables = len(json.loads(out.splitlines()[-1])["tables"])
        print(f"{PROBLEMS * len(MODELS) * len(CONTEXTS) * ATTEMPTS} attempts, {tables} tables: {seconds:.2f} s")


if __name__ == "__main__":
    main()
