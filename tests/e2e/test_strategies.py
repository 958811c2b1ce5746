"""Strategies as their users see them: what prompts show, how often agents are asked, what attempts record."""

from __future__ import annotations

import json

import pytest


def run(burnish, *words: object) -> dict:
    done = burnish(*words, "--json")
    assert done.code == 0, done.err
    return done.last


@pytest.fixture
def open_problems(burnish):
    burnish.script(open={"*": {"plan": "identity"}})
    return burnish


def test_agents_that_share_see_the_best_of_the_others(open_problems) -> None:
    burnish = open_problems
    agents = [burnish.model(name, op) for name, op in (("one", "relu"), ("two", "abs"))]
    run(burnish, "optimize", burnish.problem(), "--agents", ",".join(agents), "--attempts", "2", "--strategy", "share")
    for name, other in (("one", "abs"), ("two", "relu")):
        first, second = burnish.prompts(name)
        assert "best so far of the other agents" not in first
        assert (
            "best so far of the other agents, 1.50 times" in second
            and f"aten::{other}" in second.split("# The best")[1]
        )
    rows = burnish.rows("select strategy, number, notes from attempts")
    assert {strategy for strategy, _, _ in rows} == {"share"}
    assert all(("shown" in json.loads(notes)) == (number == 2) for _, number, notes in rows)


def test_a_bandit_takes_its_turns_and_no_more(open_problems) -> None:
    burnish = open_problems
    agents = ",".join(burnish.model(name, "relu") for name in ("one", "two", "three"))
    words = ("optimize", burnish.problem(), "--agents", agents, "--strategy", "bandit", "--seed", "7", "--jobs", "1")
    assert run(burnish, *words)["attempts"] == 8, "half of three agents by five attempts, rounded up"
    who = burnish.rows("select agent, number from attempts order by id")
    assert run(burnish, *words, "--turns", "3")["attempts"] == 3
    assert burnish.rows("select agent, number from attempts order by id")[8:] == who[:3], (
        "the same seed, the same turns"
    )


def test_recall_shows_solved_problems_but_no_held_out_ones(open_problems) -> None:
    burnish = open_problems
    agent = burnish.model("one", "relu")
    words = ("--agents", agent, "--attempts", "1")
    run(burnish, "optimize", burnish.problem("teacher"), *words)
    run(burnish, "optimize", burnish.problem("pupil"), *words, "--strategy", "recall")
    run(burnish, "optimize", burnish.problem("pupil"), *words, "--strategy", "recall", "--held-out", "pupil")
    plain, recalled, held_out = burnish.prompts("one")
    assert "A problem like this one" in recalled and "aten::relu" in recalled.split("# A problem like")[1]
    assert "A problem like this one" not in plain + held_out, "the teacher has the pupil's plan: it would be a leak"


def test_recall_shows_a_corpus_that_the_run_keeps(open_problems) -> None:
    burnish = open_problems
    entry = burnish.folder / "corpus" / "teacher"
    entry.mkdir(parents=True)
    (burnish.folder / "teacher.py").write_text("class Model: 'taught'", encoding="utf-8")
    exported = {"burnish_plan": 1, "target": "cpu", "inputs": {"x": {"dtype": "float32", "shape": [4]}}}
    exported |= {"steps": [{"op": "aten::relu", "args": ["x"], "out": ["y"]}], "result": "y"}
    (entry / "exported.json").write_text(json.dumps(exported), encoding="utf-8")
    (entry / "about.json").write_text('{"problem": "../../teacher.py", "speedup": 3}', encoding="utf-8")
    (entry / "plan.json").write_text('{"solved": true}', encoding="utf-8")
    words = ("optimize", burnish.problem(), "--attempts", "1", "--recall", burnish.folder / "corpus")
    done = burnish(*words, "--agents", burnish.model("one", "relu"))
    assert done.code == 2 and "--strategy recall" in done.err
    run(burnish, *words, "--agents", burnish.model("one", "relu"), "--strategy", "recall")
    (prompt,) = burnish.prompts("one")
    assert "3.00 times" in prompt and "'taught'" in prompt and '{"solved": true}' in prompt
    waiting = run(burnish, *words, "--agents", "batch:alice", "--strategy", "recall")["run"]
    (entry / "plan.json").unlink()
    (request,) = run(burnish, "requests", waiting, "--out", "out")["requests"]
    text = (burnish.folder / "out" / f"{request['id']}.md").read_text(encoding="utf-8")
    assert '{"solved": true}' in text, "the run keeps what it read"
    answer = burnish.folder / "out" / f"{request['id']}.answer.md"
    answer.write_text("No.", encoding="utf-8")
    run(burnish, "answers", waiting, burnish.folder / "out")
    notes = burnish.rows("select notes from attempts")
    assert [json.loads(n)["shown"][0] for (n,) in notes] == ["corpus teacher"] * 2


def test_an_unknown_strategy_is_misuse(burnish) -> None:
    done = burnish("optimize", burnish.problem(), "--strategy", "luck")
    assert done.code == 2 and "best-of-n" in done.err
