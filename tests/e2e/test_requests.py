"""Prompts out as files and answers back in (`batch:NAME`, `burnish requests`, `burnish answers`)."""

from __future__ import annotations

import json
import pathlib

import pytest

PLAN = """Relu, said once.
```json plan.json
{"burnish_plan": 1, "target": "cpu", "inputs": {"x": {"dtype": "float32", "shape": [4]}},
 "steps": [{"op": "aten::%s", "args": ["x"], "out": ["y"]}], "result": "y"}
```"""
IDENTITY = {"open": {"*": {"plan": "identity"}}}


def start(burnish, *, attempts: int = 2, agents: str = "batch:alice") -> str:
    """A run whose agents wait; gives its id."""
    burnish.script(**IDENTITY)
    done = burnish("optimize", burnish.problem(), "--agents", agents, "--attempts", attempts, "--json")
    assert done.code == 0, done.err
    assert done.last["verdict"] == "original" and done.last["waiting"] == len(agents.split(","))
    return done.last["run"]


def ask(burnish, run: str, *flags: str) -> tuple[list[dict], pathlib.Path]:
    done = burnish("requests", run, "--json", *flags)
    assert done.code == 0, done.err
    return done.last["requests"], pathlib.Path(done.last["dir"])


def answer(folder: pathlib.Path, request: dict, text: str) -> None:
    (folder / f"{request['id']}.answer.md").write_text(text, encoding="utf-8")


def test_a_prompt_goes_out_an_answer_comes_back_and_the_next_prompt_says_what_it_earned(burnish):
    run = start(burnish)
    (request,), folder = ask(burnish, run)
    prompt = (folder / f"{request['id']}.md").read_text(encoding="utf-8")
    assert "class Model: ..." in prompt and "aten::relu" in prompt and "Attempt 1" not in prompt

    answer(folder, request, "I would rather not.")
    done = burnish("answers", run, folder, "--json")
    assert done.code == 0, done.err
    assert done.last["attempts"] == 1 and done.last["waiting"] == 1

    (second,), folder = ask(burnish, run, "--out", "second")
    assert second["attempt"] == 2 and second["id"] != request["id"]
    assert "no fenced block at all" in (folder / f"{second['id']}.md").read_text(encoding="utf-8")
    answer(folder, second, PLAN % "relu")
    done = burnish("answers", run, folder, "--json")
    assert done.code == 0, done.err
    assert done.last["verdict"] == "accepted" and done.last["winner"] == "batch:alice" and "waiting" not in done.last
    assert burnish.rows("select state from runs") == [("done",)]
    assert ask(burnish, run)[0] == []


def test_answers_come_partly_twice_and_wrongly_named(burnish):
    run = start(burnish, agents="batch:alice,batch:bob", attempts=1)
    requests, folder = ask(burnish, run)
    assert [r["agent"] for r in requests] == ["batch:alice", "batch:bob"]
    answer(folder, requests[1], PLAN % "relu")
    (folder / "nobody-1.md").write_text(PLAN % "relu", encoding="utf-8")
    done = burnish("answers", run, folder, "--no-judging", "--json")
    assert done.code == 0 and done.last == {"run": run, "taken": 1, "before": 0, "unusable": 1, "open": 2}
    assert 'no request "nobody-1"' in done.err
    done = burnish("answers", run, folder, "--no-judging", "--json")
    assert done.code == 1 and done.last["taken"] == 0 and done.last["before"] == 1, "one is in, one is nobody's"
    (still,) = ask(burnish, run)[0]
    assert still["agent"] == "batch:alice"
    done = burnish("optimize", "--resume", run, "--json")
    assert done.code == 0 and done.last["winner"] == "batch:bob" and done.last["waiting"] == 1


def test_an_answer_cannot_be_a_link_to_another_file(burnish, tmp_path):
    """The text of a private file would lie in the store, and in the prompt of the next attempt."""
    run = start(burnish, attempts=2)
    (request,), folder = ask(burnish, run)
    private = tmp_path / "private"
    private.write_text("the planted secret " + PLAN % "relu", encoding="utf-8")
    (folder / f"{request['id']}.answer.md").symlink_to(private)
    done = burnish("answers", run, folder, "--no-judging", "--json")
    assert done.code == 1 and done.last["taken"] == 0 and done.last["unusable"] == 1
    assert "symbolic link" in done.err and "the planted secret" not in done.err
    stored = [f for f in burnish.home.rglob("*") if f.is_file() and b"the planted secret" in f.read_bytes()]
    assert stored == []


def test_what_was_judged_is_not_judged_again_when_more_answers_come(burnish):
    run = start(burnish, agents="batch:alice,batch:bob", attempts=1)
    requests, folder = ask(burnish, run)
    answer(folder, requests[0], PLAN % "relu")
    assert burnish("answers", run, folder).code == 0
    burnish.log.unlink()
    answer(folder, requests[1], PLAN % "abs")
    assert burnish("answers", run, folder).code == 0
    judged = [r["candidate"]["name"] for r in burnish.requests() if r.get("do") == "judge"]
    assert judged and all(name.startswith("batch:bob") for name in judged)


@pytest.mark.parametrize(
    ("batch", "wrap"),
    [
        (
            "anthropic",
            lambda i, text: {
                "custom_id": i,
                "result": {
                    "type": "succeeded",
                    "message": {"content": [{"type": "text", "text": text}], "stop_reason": "end_turn"},
                },
            },
        ),
        (
            "openai",
            lambda i, text: {
                "custom_id": i,
                "response": {
                    "status_code": 200,
                    "body": {"choices": [{"message": {"content": text}, "finish_reason": "stop"}]},
                },
            },
        ),
    ],
)
def test_batch_services(burnish, batch, wrap):
    run = start(burnish, attempts=1)
    requests, folder = ask(burnish, run, "--batch", batch)
    line = json.loads((folder / f"{batch}.jsonl").read_text(encoding="utf-8"))
    assert line["custom_id"] == requests[0]["id"] and len(line["custom_id"]) <= 64
    assert "alice" in json.dumps(line) and "class Model" in json.dumps(line)
    lines = [
        wrap(line["custom_id"], PLAN % "relu"),
        {"custom_id": "b", "result": {"type": "expired"}},
        ["no object"],
    ]
    (folder / "results.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    done = burnish("answers", run, folder, "--json")
    assert done.code == 0, done.err
    assert done.last["winner"] == "batch:alice"
    assert "results.jsonl:2" not in done.out and "expired" in done.err and "results.jsonl:3" in done.err


def test_a_packed_run_is_answered_elsewhere(burnish):
    run = start(burnish, attempts=1)
    assert burnish("pack", run, "--out", "run.tar").code == 0
    assert burnish("unpack", "run.tar", "--store", "laptop").code == 0
    (request,), folder = ask(burnish, run, "--store", "laptop")
    assert ask(burnish, run, "--out", "here")[0] == [request], "the same id on both machines"
    answer(folder, request, PLAN % "relu")
    done = burnish("answers", run, folder, "--json")
    assert done.code == 0 and done.last["winner"] == "batch:alice"


def test_misuse(burnish):
    run = start(burnish)
    for words in (["requests", "no-such-run"], ["answers", run, "no-such-folder"], ["requests", run, "--batch", "fax"]):
        done = burnish(*words)
        assert done.code == 2 and done.err
    assert burnish("optimize", burnish.problem(), "--agents", "batch:").code == 2
    done = burnish("optimize", burnish.problem(), "--agents", "inductor", "--attempts", "1", "--json")
    done = burnish("requests", done.last["run"])
    assert done.code == 0 and "no open request" in done.out


def test_the_reference_is_the_runs_own(burnish):
    burnish.script(**IDENTITY)
    mine = burnish.folder / "mine.cu"
    mine.write_text("__global__ void mine();", encoding="utf-8")
    words = ("optimize", burnish.problem(), "--agents", "batch:alice", "--contexts", "reference", "--attempts", "1")
    run = burnish(*words, "--reference", mine, "--json").last["run"]
    mine.unlink()
    (request,), folder = ask(burnish, run)
    assert "__global__ void mine();" in (folder / f"{request['id']}.md").read_text(encoding="utf-8")


def test_an_experiment_takes_answers_and_goes_on_by_its_file(burnish):
    burnish.script(**IDENTITY)
    burnish.problem("one", "problems")
    file = burnish.folder / "study.toml"
    file.write_text('problems = ["problems"]\nmodels = ["batch:alice"]\nagents = []\nattempts = 1\n', encoding="utf-8")
    run = burnish("experiment", file, "--json").last["runs"][0]
    (request,), folder = ask(burnish, run)
    answer(folder, request, PLAN % "relu")
    done = burnish("answers", run, folder)
    assert done.code == 0 and "burnish experiment FILE.toml" in done.out, done.err
    done = burnish("experiment", file, "--json")
    assert done.code == 0 and done.last["runs"] == [run]
    (row,) = [r for t in done.last["tables"] if t["id"] == "outcomes" for r in t["rows"]]
    assert row["correct and faster"]["value"] == 1
