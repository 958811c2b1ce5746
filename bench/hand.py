"""The answers by hand of corpus/cpu, through the door that answers from outside come in by.

    python bench/hand.py [NAME ...] [--inputs 10] [--verify-seconds 4]

`burnish suite` with the one agent `batch:hand`, `burnish requests`, each prompt answered with what corpus/cpu has for
it, `burnish answers`: says each answer's verdicts, how long each took, and how much of that was waiting for another
Burnish on this machine. Exit 1 where an answer came to no verdict or was refused. A minute or two an answer.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from command import EXAMPLES, burnish

CORPUS = EXAMPLES.parent / "corpus" / "cpu"


def answer_of(name: str) -> str:
    blocks = [("json plan.json", "plan.json"), ("cpp kernels.cpp", "kernels.cpp")]
    return "\n".join(f"```{info}\n{(CORPUS / name / file).read_text()}\n```" for info, file in blocks)


def told(*words: object) -> dict:
    """The last line of `burnish ... --json`; its progress goes to our stderr."""
    done = subprocess.run([burnish(), *map(str, words), "--json"], stdout=subprocess.PIPE, text=True, check=False)
    if not done.stdout.strip():
        sys.exit(done.returncode or 1)
    return json.loads(done.stdout.splitlines()[-1])


def line_of(name: str, stage: str, verdict: dict | None) -> str:
    if verdict is None:
        return f"{name:<24} {stage:<7} no verdict"
    seconds = verdict["seconds"]
    text = f"{name:<24} {stage:<7} {verdict['verdict']} ({verdict['reason']})"
    if verdict.get("speedup"):
        low, high = verdict["interval"]
        text += f" {verdict['speedup']:.2f}x [{low:.2f}, {high:.2f}]"
    return f"{text}, {seconds['total']:.0f} s, {seconds['wait']:.0f} s of them waiting for others"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", default=sorted(p.name for p in CORPUS.iterdir()), metavar="NAME")
    parser.add_argument("--inputs", type=int, default=10)
    parser.add_argument("--verify-seconds", type=int, default=4)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="burnish-hand-") as place:
        folder = Path(place)
        problems, prompts, store = folder / "problems", folder / "prompts", ["--store", folder / "store"]
        problems.mkdir()
        for name in options.names:
            (problems / f"{name}.py").symlink_to(EXAMPLES / f"{name}.py")
        judging = ["--inputs", options.inputs, "--verify-seconds", options.verify_seconds]
        words = ["--agents", "batch:hand", "--attempts", 1, "--no-aa", "--out", folder / "out", *judging, *store]
        run = told("suite", problems, *words)["run"]
        for request in told("requests", run, "--out", prompts, *store)["requests"]:
            (prompts / f"{request['id']}.answer.md").write_text(answer_of(request["problem"]))
        told("answers", run, prompts, *store)
        failed = 0
        for name in options.names:
            attempts = told("show", run, name, *store)["attempts"]
            search = attempts[0]["search"] if attempts else None
            print(line_of(name, "search", search), flush=True)
            if attempts and attempts[0].get("final"):
                print(line_of(name, "final", attempts[0]["final"]), flush=True)
            failed += search is None or search["verdict"] != "accepted"
        print(f"{len(options.names) - failed} of {len(options.names)} answers accepted")
        return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main())
