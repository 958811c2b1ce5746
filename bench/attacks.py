"""Attacks: how many of the candidates that must be refused does the judge accept? Must be none.

    python bench/attacks.py [--only TEXT] [--part K/N] [--json]

The last line: `attacks: 0 of 300 not refused as they must be`. Exit status 1 if any was not. On a quiet machine it
takes about fifteen minutes: every Python attack starts a worker of its own. `--part 2/4` takes the second quarter of
the list, so that a machine of many cores can judge several parts at the same time.
"""

from __future__ import annotations

import argparse
import itertools
import json
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "judge"))

from command import add_part
from corpus import WIN, Attack, attacks, earned
from driver import Judge, JudgeDied


def judge_all(chosen: list[Attack], say=print) -> list[dict]:
    """One record an attack: name, verdict, reason, whether it is right. One judge a problem."""
    records: list[dict] = []
    for (problem, options), group in itertools.groupby(chosen, key=lambda a: (a.problem, dict(a.options))):
        judge: Judge | None = None
        for attack in group:
            started = time.monotonic()
            try:
                judge = judge or Judge(problem, options)
                verdict = judge.verdict(attack.path, attack.form)
            except JudgeDied as e:
                verdict = {"verdict": "judge died", "reason": None, "detail": {"what": str(e)}}
                if judge is not None:
                    judge.close()
                judge = None
            record = {k: verdict.get(k) for k in ("verdict", "reason", "interval", "detail")}
            records.append({"name": attack.name, "form": attack.form, "right": earned(attack, verdict)} | record)
            mark = "ok " if records[-1]["right"] else "BAD"
            say(f"{mark} {time.monotonic() - started:5.1f} s  {attack.name}: {verdict['verdict']} {verdict['reason']}")
        if judge is not None:
            judge.close()
    return records


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", default="", help="attacks whose name holds this text")
    parser.add_argument("--json", action="store_true", help="one JSON line an attack on stdout, the rest on stderr")
    add_part(parser)
    flags = parser.parse_args()

    def say(text: str) -> None:
        print(text, file=sys.stderr if flags.json else sys.stdout, flush=True)

    records = judge_all(flags.part([a for a in attacks() if flags.only in a.name]), say)
    if flags.json:
        for record in records:
            print(json.dumps(record))
    wrong = [r for r in records if not r["right"]]
    say(f"attacks: {len(wrong)} of {len(records)} not refused as they must be (a win is above {WIN})")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
