"""A program as a language model (`--agents command:PROGRAM`): asked, read, judged, and told what it earned."""

from __future__ import annotations

import pathlib
import shlex
import sys

PLAN = """```json plan.json
{"burnish_plan": 1, "target": "cpu", "inputs": {"x": {"dtype": "float32", "shape": [4]}},
 "steps": [{"op": "aten::relu", "args": ["x"], "out": ["y"]}], "result": "y"}
```"""

MODEL = """
import pathlib, sys
prompt = sys.stdin.read()
seen = pathlib.Path(__file__).parent / "prompts"
seen.mkdir(exist_ok=True)
number = len(list(seen.iterdir())) + 1
(seen / str(number)).write_text(prompt)
print(ANSWERS[min(number, len(ANSWERS)) - 1])
"""


def program(folder: pathlib.Path, answers: list[str]) -> str:
    path = folder / "model.py"
    path.write_text(f"ANSWERS = {answers!r}\n{MODEL}", encoding="utf-8")
    return f"command:{shlex.quote(sys.executable)} {shlex.quote(str(path))}"


def test_a_program_is_asked_again_with_what_its_answer_earned(burnish) -> None:
    agent = program(burnish.folder, ["I cannot do that.", PLAN])
    done = burnish("optimize", burnish.problem(), "--agents", agent, "--attempts", "2", "--json")
    assert done.code == 0, done.err
    assert done.last["attempts"] == 2
    second = (burnish.folder / "prompts" / "2").read_text(encoding="utf-8")
    assert "no fenced block at all" in second
    assert "Attempt 1 of" in second


def test_a_program_that_fails_is_said_and_the_run_goes_on(burnish) -> None:
    done = burnish("optimize", burnish.problem(), "--agents", "command:exit 3", "--json")
    assert done.code == 0, done.err
    assert "exit status 3" in done.err
    assert done.last["winner"] == "original"


def test_an_unknown_model_is_misuse_that_names_the_known_ones(burnish) -> None:
    done = burnish("optimize", burnish.problem(), "--agents", "gpt-99", "--json")
    assert done.code == 2
    assert "claude-opus-4" in done.err + done.out
