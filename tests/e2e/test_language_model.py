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
    assert "the answer holds no plan" in done.err
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


def test_a_recorded_search_is_replayed_without_the_model(burnish) -> None:
    agent = program(burnish.folder, [PLAN])
    arguments = ("optimize", burnish.problem(), "--agents", agent, "--attempts", "1", "--json")
    first = burnish(*arguments, "--record", "tape")
    assert first.code == 0 and first.last["winner"] == agent, first.err
    (burnish.folder / "model.py").write_text("raise SystemExit(9)", encoding="utf-8")
    again = burnish(*arguments, "--replay", "tape")
    assert again.code == 0 and again.last["winner"] == agent, again.err
    (tape,) = (burnish.folder / "tape").iterdir()
    tape.unlink()
    empty = burnish(*arguments, "--replay", "tape")
    assert empty.code == 0 and empty.last["winner"] == "original"
    assert "the cassette lacks this call" in empty.err


def test_models_are_listed_with_what_they_need(burnish) -> None:
    burnish.env.pop("ANTHROPIC_API_KEY", None)
    rows = {row["name"]: row for row in burnish("models", "--json").lines}
    assert not rows["claude-opus-4"]["ready"] and "ANTHROPIC_API_KEY" in rows["claude-opus-4"]["todo"]
    burnish.env["ANTHROPIC_API_KEY"] = "planted-key"
    done = burnish("models", "claude-opus-4")
    assert done.code == 0 and "ready" in done.out and "planted-key" not in done.out + done.err
    assert burnish("models", "gpt-99").code == 2


def test_a_model_that_does_not_answer_fails_the_check(burnish) -> None:
    models = burnish.folder / "models.toml"
    models.write_text('[models.mine]\nid = "mine"\nservice = "command"\ncommand = "exit 4"\n', encoding="utf-8")
    burnish.env["BURNISH_MODELS"] = str(models)
    done = burnish("models", "mine", "--check", "--json")
    assert done.code == 1 and "exit status 4" in done.last["failed"]
    models.write_text('[models.mine]\nid = "mine"\nservice = "command"\ncommand = "echo ready"\n', encoding="utf-8")
    assert burnish("models", "mine", "--check").code == 0


def test_a_model_in_two_contexts_is_two_agents(burnish) -> None:
    burnish.script(open={"*": {"plan": "identity"}})
    (burnish.folder / "mine.cu").write_text("__global__ void mine();", encoding="utf-8")
    agent = program(burnish.folder, [PLAN])
    done = burnish(
        *("optimize", burnish.problem(), "--agents", agent, "--contexts", "plain,reference", "--attempts", "1"),
        *("--reference", burnish.folder / "mine.cu", "--jobs", "1", "--json"),
    )
    assert done.code == 0 and done.last["attempts"] == 2, done.err
    assert {agent for (agent,) in burnish.rows("select agent from attempts")} == {agent, f"{agent}@reference"}
    prompts = [(burnish.folder / "prompts" / n).read_text(encoding="utf-8") for n in ("1", "2")]
    assert sorted("__global__ void mine();" in p for p in prompts) == [False, True]


def test_the_profile_context_asks_for_hints_once_a_right_candidate_was_measured(burnish) -> None:
    burnish.script(open={"*": {"plan": "identity"}})
    agent = program(burnish.folder, [PLAN, "1. Split steps[1] over rows.", "no plan", PLAN.replace("relu", "abs")])
    done = burnish(
        *("optimize", burnish.problem(), "--agents", agent, "--contexts", "profile", "--attempts", "3", "--json"),
    )
    assert done.code == 0, done.err
    first, hints, second, third = (
        (burnish.folder / "prompts" / str(n)).read_text(encoding="utf-8") for n in (1, 2, 3, 4)
    )
    assert "Hints from measurements" not in first
    assert "You read measurements" in hints and "60.0%" not in hints and "66.7%" in hints and "launch slow" in hints
    for prompt in (second, third):
        assert "Hints from measurements of your attempt 1" in prompt and "Split steps[1] over rows." in prompt
    assert burnish.rows("select number, purpose from model_calls") == [
        (1, "propose"), (2, "hints"), (2, "propose"), (3, "propose"),
    ]  # fmt: skip


def test_another_model_may_make_the_hints(burnish) -> None:
    burnish.script(open={"*": {"plan": "identity"}})
    models = burnish.folder / "models.toml"
    models.write_text('[models.sub]\nid = "s"\nservice = "command"\ncommand = "echo Use fewer passes."\n')
    burnish.env["BURNISH_MODELS"] = str(models)
    agent = program(burnish.folder, [PLAN])
    words = ("optimize", burnish.problem(), "--agents", agent, "--contexts", "both", "--attempts", "2")
    assert burnish(*words, "--hints-model", "sub").code == 0
    assert "Use fewer passes." in (burnish.folder / "prompts" / "2").read_text(encoding="utf-8")
    assert burnish(*words, "--hints-model", "nobody").code == 2


def test_a_winner_of_an_earlier_run_is_the_reference_for_the_same_problem(burnish) -> None:
    burnish.script(open={"*": {"plan": "identity"}})
    agent = program(burnish.folder, [PLAN.replace("relu", "sigmoid"), PLAN])
    words = ("optimize", burnish.problem(), "--agents", agent, "--attempts", "1")
    assert burnish(*words).code == 0
    assert burnish(*words, "--contexts", "reference").code == 0
    second = (burnish.folder / "prompts" / "2").read_text(encoding="utf-8")
    assert "accepted for cpu at 1.50 times" in second and "aten::sigmoid" in second
