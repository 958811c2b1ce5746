"""Budgets, the record of calls, and what would leave the machine."""

from __future__ import annotations

import json
import pathlib

import pytest

MODELS = """
[models.paid]
service = "command"
id = "paid"
command = {command}
input_price = 0.0
output_price = 1000.0

[models.unpriced]
service = "openai"
id = "nobody-knows"
"""


@pytest.fixture
def paid(burnish):
    """A program with a price: an answer of 160 characters is 40 tokens and costs 4 cents."""
    burnish.script(open={"*": {"plan": "identity"}})
    command = burnish.model("one", "relu").removeprefix("command:")
    models = burnish.folder / "models.toml"
    models.write_text(MODELS.format(command=json.dumps(command)), encoding="utf-8")
    burnish.env["BURNISH_MODELS"] = str(models)
    return burnish


def test_a_spent_budget_stops_calls_and_says_so_and_more_money_goes_on(paid) -> None:
    words = ("--agents", "library,paid", "--attempts", "4", "--json")
    done = paid("optimize", paid.problem(), *words, "--budget-usd", "0.05")
    assert done.code == 0, done.err
    assert "the budget of 0.05 US dollars is spent" in done.err and done.last["stopped"] == "budget"
    assert done.last["winner"] != "original", "the run ends as any other"
    spent = paid.rows("select sum(cost) from model_calls")[0][0]
    calls = paid.rows("select agent, number, estimated, error from model_calls")
    assert calls == [("paid", n + 1, 1, "") for n in range(len(calls))] and 0.05 <= spent < 0.12
    done = paid("optimize", "--resume", done.last["run"], "--budget-usd", "10", "--json")
    assert done.code == 0, done.err
    assert "stopped" not in done.last
    assert len(paid.rows("select * from attempts where agent = 'paid'")) == 4
    assert len(paid.rows("select * from model_calls")) == 4, "nothing was paid twice"


def test_budgets_that_cannot_hold(paid) -> None:
    done = paid("optimize", paid.problem(), "--agents", "unpriced", "--budget-usd", "1")
    assert done.code == 2 and "no price" in done.err and "models.toml:9" in done.err
    done = paid("optimize", paid.problem(), "--agents", "paid", "--budget-tokens", "0", "--json")
    assert done.code == 0 and "the budget of 0 tokens is spent" in done.err
    assert not paid.rows("select * from attempts")
    assert paid("optimize", paid.problem(), "--budget-usd", "-1").code == 2


def test_a_dry_run_shows_all_that_would_be_sent_and_asks_nobody(paid, tmp_path: pathlib.Path) -> None:
    paid.env["OPENAI_API_KEY"] = "planted-key"
    agents = "library,paid,gpt-4o"
    words = ("optimize", paid.problem(), "--agents", agents, "--contexts", "plain,reference", "--dry-run")
    shown = paid(*words)
    assert shown.code == 0, shown.err
    assert "POST https://api.openai.com/v1/chat/completions" in shown.out
    assert "authorization: Bearer <OPENAI_API_KEY>" in shown.out and "planted-key" not in shown.out + shown.err
    body = next(json.loads(line) for line in shown.out.splitlines() if line.startswith("{") and "gpt-4o" in line)
    assert "class Model: ..." in body["messages"][1]["content"] and body["stream"] is True
    assert "gpt-4o@reference" in shown.out and "An optimised implementation" in shown.out
    assert not (paid.folder / "one-prompts").exists(), "no program was started"
    assert not paid.rows("select * from runs") and not paid.rows("select * from model_calls")
    assert not [r for r in paid.requests() if r.get("do") == "judge"]
    files = paid(*words, "--prompts", "out")
    assert files.code == 0, files.err
    names = sorted(f.name for f in (paid.folder / "out" / "gelu").iterdir())
    assert names == sorted(
        f"{a}{c}.{k}" for a in ("paid", "gpt-4o") for c in ("", "_reference") for k in ("prompt.md", "request.txt")
    )


def test_a_dry_run_of_a_suite_shows_every_problem(paid) -> None:
    for name in ("a", "b"):
        paid.problem(name, "p")
    done = paid("suite", "p", "--agents", "paid", "--dry-run")
    assert done.code == 0 and done.out.count("class Model: ...") == 2, done.err
    assert not paid.rows("select * from runs")
