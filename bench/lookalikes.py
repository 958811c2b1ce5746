"""Honest look-alikes: how many of the correct but differently written candidates does the judge refuse? Must be none.

    python bench/lookalikes.py [--only TEXT] [--every N] [--part K/N] [--inputs 20] [--stage search] [--json]

The last line: `look-alikes: 0 refused of 347`. Exit status 1 if any was refused.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "judge"))

from command import add_part
from driver import Judge
from honest import Lookalike, lookalikes


def judge_all(candidates: list[Lookalike], options: dict, stage: str, say=print) -> list[dict]:
    """One record a candidate: name, verdict, reason, detail. One judge a problem."""
    records = []
    with tempfile.TemporaryDirectory(prefix="burnish-lookalikes-") as folder:
        for problem, group in itertools.groupby(candidates, key=lambda c: (c.problem_name, sorted(c.options.items()))):
            members, started = list(group), time.monotonic()
            file = Path(folder) / f"{problem[0]}.py"
            file.write_text(members[0].problem)
            with Judge(file, options | members[0].options) as judge:
                for candidate in members:
                    verdict = judge.verdict(candidate.write(Path(folder)), candidate.form, stage)
                    record = {k: verdict.get(k) for k in ("verdict", "reason", "detail", "contract", "error")}
                    records.append({"name": candidate.name, "form": candidate.form} | record)
                    if verdict["verdict"] != "accepted":
                        say(f"{candidate.name}: {verdict['reason']}: {json.dumps(verdict['detail'])}")
            say(f"{problem[0]}: {len(members)} judged in {time.monotonic() - started:.1f} s")
    return records


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="candidates whose name holds this text")
    parser.add_argument("--every", type=int, default=1, help="each N-th of them")
    parser.add_argument("--inputs", type=int, default=20)
    parser.add_argument("--stage", default="search", choices=("search", "eval"), help="search times once and briefly")
    parser.add_argument("--json", action="store_true", help="one JSON line a candidate on stdout, the rest on stderr")
    add_part(parser)
    flags = parser.parse_args()
    chosen = flags.part([c for c in lookalikes() if flags.only in c.name][:: flags.every])

    def say(text: str) -> None:
        print(text, file=sys.stderr if flags.json else sys.stdout, flush=True)

    records = judge_all(chosen, {"inputs": flags.inputs}, flags.stage, say)
    if flags.json:
        for record in records:
            print(json.dumps(record))
    refused = [r for r in records if r["verdict"] != "accepted"]
    plans = sum(r["form"] == "plan" for r in records)
    say(f"look-alikes: {len(refused)} refused of {len(records)} ({plans} of them plans)")
    return 1 if refused else 0


if __name__ == "__main__":
    sys.exit(main())
