"""`burnish experiment`: scripted models by contexts by problems, killed and gone on with, and its tables."""

from __future__ import annotations

import csv
import json
import pathlib
import random
import sqlite3
import time

import pytest

# One program plays all models: what it answers follows from who it is and from how many attempts the prompt shows.
MODEL = r"""
prompt=$(cat)
tried=$(printf '%s' "$prompt" | grep -c '^Attempt [0-9]* of')
plan() {
  printf '```json plan.json\n{"burnish_plan": 1, "target": "cpu",\n'
  printf ' "inputs": {"x": {"dtype": "float32", "shape": [4]}},\n'
  printf ' "steps": [{"op": "aten::%s", "args": ["x"], "out": ["y"]}], "result": "y"}\n```\n' "$1"
}
case $prompt in *"You read measurements"*) echo "Fuse the steps."; exit ;; esac
case $1-$tried in
  solves-*) echo "Attempt $tried of mine:"; plan relu ;;
  fails-0) echo "Let me think about it." ;;
  fails-*) plan abs ;;
  wrong-*) plan neg ;;
  improves-0) plan sigmoid ;;
  improves-*) plan tanh ;;
  prose-*) echo "I would rather talk." ;;
  broken-0) printf '```json plan.json\n{"burnish_plan": 1, "steps": [\n```\n' ;;
  broken-*) plan exp ;;
  escapes-*) plan relu; printf '```cpp ../../../escaped.cpp\nint x;\n```\n```cpp /etc/escaped.cpp\nint x;\n```\n' ;;
  dies-*) exit 3 ;;
esac
"""
MODELS = ("solves", "fails", "wrong", "improves", "prose", "broken", "escapes", "dies")
PATIENT = ("quick", "steady", "late")
VERDICTS = {
    "aten::neg": {"verdict": "refused", "reason": "values", "speedup": None, "interval": None},
    "aten::sigmoid": {"speedup": 0.8, "interval": [0.7, 0.9]},
    "aten::tanh": {"speedup": 3.0, "interval": [2.9, 3.1]},
    "aten::exp": {"speedup": 12.0, "interval": [11.0, 13.0]},
}


def study(burnish, *, problems: int = 5, **more: object) -> pathlib.Path:
    burnish.script(open={"*": {"plan": "identity"}}, verdicts=VERDICTS)
    script = burnish.folder / "model.sh"
    script.write_text(MODEL, encoding="utf-8")
    rows = [
        f'[models.{name}]\nservice = "command"\nid = "{name}"\ncommand = "sh {script} {name}"\noutput_price = 10.0\n'
        for name in (*MODELS, *PATIENT)
    ]
    (burnish.folder / "models.toml").write_text("\n".join(rows), encoding="utf-8")
    burnish.env["BURNISH_MODELS"] = str(burnish.folder / "models.toml")
    for i in range(problems):
        burnish.problem(f"p{i}", f"problems/level{1 + i % 2}")
    keys = {
        "models": list(MODELS),
        "contexts": ["plain", "reference", "profile", "both"],
        "agents": ["library"],
        "problems": ["problems"],
        "attempts": 2,
        **more,
    }
    file = burnish.folder / "study.toml"
    file.write_text("\n".join(f"{k} = {json.dumps(v)}" for k, v in keys.items()) + "\n", encoding="utf-8")
    return file


def verdicts(database: pathlib.Path) -> set[tuple]:
    """Attempts by what they are, with their verdicts; which of several equal candidates was judged is left out."""
    with sqlite3.connect(database, timeout=30) as db:
        rows = db.execute(
            "SELECT p.name, a.agent, a.number, a.strategy, a.form, e.stage, e.verdict, e.reason, e.speedup,"
            " (SELECT group_concat(name || artifact) FROM"
            "   (SELECT name, artifact FROM artifacts f WHERE f.owner = 'attempt' AND f.id = a.id ORDER BY name))"
            " FROM attempts a JOIN problems p ON p.id = a.problem LEFT JOIN evaluations e ON e.attempt = a.id"
        ).fetchall()
    assert len(rows) == len(set(rows)), "something was judged twice"
    return set(rows)


def judged(database: pathlib.Path) -> int:
    if not database.exists():
        return 0
    try:
        with sqlite3.connect(database, timeout=30) as db:
            return db.execute("SELECT count(*) FROM evaluations").fetchone()[0]
    except sqlite3.OperationalError:  # the tables are not there yet
        return 0


def test_killed_and_gone_on_with_ten_times_it_is_the_experiment_that_was_not(burnish) -> None:
    file = study(burnish)
    whole = burnish("experiment", file, "--store", "whole", "--json", timeout=120)
    assert whole.code == 0, whole.err
    expected = verdicts(burnish.folder / "whole" / "burnish.db")
    draw, kept = random.Random(7), set()
    database = burnish.home / "burnish.db"
    for kill in range(10):
        process = burnish.start("experiment", file, "--json", start_new_session=True)
        while judged(database) < len(expected) * (kill + draw.random()) / 11:
            assert process.poll() is None, "it was done before it could be killed ten times"
            time.sleep(0.001)
        process.kill()
        process.communicate()
        now = {row for row in verdicts(database) if row[5]} if judged(database) else set()
        assert kept <= now, "a finished attempt is lost"
        kept = now
    done = burnish("experiment", file, "--json", timeout=120)
    assert done.code == 0, done.err
    assert len(burnish.rows("select id from runs")) == 1
    assert len({row[:3] for row in expected}) == 5 * (1 + 4 * (2 * len(MODELS) - 2)), "dies never comes to an attempt"
    assert verdicts(database) == expected
    timed = {"cost"}  # calls that a kill cut off were made again
    tables = [{t["id"]: t for t in r.last["tables"] if t["id"] not in timed} for r in (whole, done)]
    assert tables[0] == tables[1]
    assert not list(burnish.folder.rglob("escaped.cpp")) and not pathlib.Path("/etc/escaped.cpp").exists()


def rows_of(tables: list[dict], name: str) -> list[dict]:
    return next(table["rows"] for table in tables if table["id"] == name)


def test_the_tables_say_who_was_worth_what(burnish) -> None:
    file = study(burnish, problems=3, seeds=[1, 2], name="small")
    done = burnish("experiment", file, "--json", timeout=120)
    assert done.code == 0, done.err
    assert len(done.last["runs"]) == 2
    tables = done.last["tables"]
    everywhere = {row["model"]: row for row in rows_of(tables, "success") if row["level"] == "all"}
    assert everywhere["solves"]["1"]["value"] == 1 and everywhere["fails"]["1"]["value"] == 0
    assert everywhere["fails"]["2"]["value"] == 1 and everywhere["dies"]["2"]["value"] == 0
    best = {row["model"]: row["best on"]["value"] for row in rows_of(tables, "best_model") if row["level"] == "all"}
    assert best["broken"] == 1 and best["original"] == 0
    outcomes = {row["model"]: row for row in rows_of(tables, "outcomes") if row["level"] == "all"}
    assert outcomes["wrong"]["incorrect"]["value"] == 1
    loss = {row["without"]: row["loss"]["value"] for row in rows_of(tables, "marginal")}
    assert loss["broken"] == pytest.approx(4.0) and loss["solves"] == pytest.approx(1.0)
    cost = {row["model"]: row for row in rows_of(tables, "cost")}
    assert cost["dies"]["failed"] == cost["dies"]["calls"] > 0 and cost["dies"]["cost a win"] is None
    assert cost["solves"]["wins"] == 24 and cost["solves"]["tokens estimated"] == 1
    assert rows_of(tables, "distribution")[-1]["above 10"] == 3 * 2

    shown = burnish("report", "small")
    assert shown.code == 0 and "What the swarm loses without" in shown.out, shown.err
    assert burnish("report", "small", "--csv", "tables").code == 0
    with (burnish.folder / "tables" / "fast_p.csv").open(encoding="utf-8", newline="") as lines:
        (row,) = [r for r in csv.DictReader(lines) if r["model"] == "broken" and r["level"] == "all"]
    assert float(row["10"]) == 1.0 and float(row["10 low"]) == 1.0
    last = burnish("report", *done.last["runs"], "--json").last
    assert last["tables"] == tables
    assert "## Cost" in burnish("report", "small", "--markdown").out
    assert burnish("report", "small", "--html", "r.html").code == 0
    assert "<h2>fast_p</h2>" in (burnish.folder / "r.html").read_text(encoding="utf-8")


# On which attempt each scripted model is first right; no number: never.
HARD = {
    "p0": {"quick": 1, "steady": 6, "late": 9},
    "p1": {"quick": 3, "steady": 8, "late": 20},
    "p2": {"quick": 5, "steady": 6},
    "p3": {"quick": 2, "steady": 13},
}
EASY = {"p4": {"quick": 1, "steady": 1, "late": 1}}


def test_a_level_of_harder_problems_shows_success_by_attempt_beyond_the_fifth(burnish) -> None:
    models = list(PATIENT)
    file = study(burnish, problems=0, attempts=20, models=models, contexts=["plain"])
    when = [
        f"  {model}-{problem}) right={at.get(model, 99)} ;;"
        for problem, at in {**HARD, **EASY}.items()
        for model in models
    ]
    (burnish.folder / "model.sh").write_text(
        MODEL.split("case $prompt", 1)[0]
        + "which=$(printf '%s' \"$prompt\" | sed -n 's/.*the hard one is \\(p[0-9]\\).*/\\1/p' | head -n 1)\n"
        + "case $1-$which in\n" + "\n".join(when) + "\nesac\n"
        + 'if [ $((tried + 1)) -ge "$right" ]; then plan tanh; else plan neg; fi\n',
        encoding="utf-8",
    )  # fmt: skip
    opened = {
        name: {"plan": "identity", "source": f"class Model: ...  # the hard one is {name}"} for name in (*HARD, *EASY)
    }
    burnish.script(open=opened, verdicts=VERDICTS)
    for name in (*HARD, *EASY):
        burnish.problem(name, "problems/level4" if name in HARD else "problems/level1")

    done = burnish("experiment", file, "--json", timeout=120)
    assert done.code == 0, done.err
    rows = {row["model"]: row for row in rows_of(done.last["tables"], "success") if row["level"] == "4"}
    for model in models:
        counts = {int(key): row["value"] for key, row in rows[model].items() if key.isdigit()}
        assert max(counts) == 20 and {1, 5} <= set(counts) and any(5 < n < 20 for n in counts)
        expected = {n: sum(at.get(model, 99) <= n for at in HARD.values()) / len(HARD) for n in counts}
        assert counts == expected, model
    assert rows["steady"]["5"]["value"] == 0 and rows["steady"]["20"]["value"] == 1
    shown = burnish("report", "study", "--markdown").out.split("\n## ")
    (success,) = [part for part in shown if "| late" in part and " 20 |" in part]
    (line,) = [row for row in success.splitlines() if row.startswith("| late | 4 |")]
    assert line.split("|")[-2].strip().startswith("50%"), line


def test_the_same_file_goes_on_a_changed_one_begins_anew(burnish) -> None:
    file = study(burnish, problems=1, models=["solves"], contexts=["plain"], attempts=1)
    first = burnish("experiment", file, "--json").last["runs"]
    file.write_text("# a remark\n" + file.read_text(encoding="utf-8"), encoding="utf-8")
    assert burnish("experiment", file, "--json").last["runs"] == first, "a remark changes nothing"
    assert burnish("experiment", file, "--again", "--json").last["runs"] != first
    file.write_text(file.read_text(encoding="utf-8").replace("attempts = 1", "attempts = 2"), encoding="utf-8")
    assert burnish("experiment", file, "--json").last["runs"] != first


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("modles = []", ":1: | unknown key 'modles'"),
        ('attempts = "five"', ":1: | must be an integer"),
        ("attempts = 0", "from 1 on"),
        ('problems = ["nowhere"]', "no such folder"),
        ("problems = []", "no problems"),
        ('problems = ["."]\nmodels = ["gpt-99"]', "claude-opus-4"),
        ('problems = ["."]\nstrategy = "luck"', "best-of-n"),
        ('problems = ["."]\n[budget]\nuds = 3', ":3: | unknown key 'uds'"),
        ("models = [", ":1"),
    ],
)
def test_a_mistake_in_the_file_is_said_with_its_line(burnish, line: str, said: str) -> None:
    file = burnish.folder / "bad.toml"
    file.write_text(line + "\n", encoding="utf-8")
    burnish.problem()
    done = burnish("experiment", file)
    assert done.code == 2, done.out
    for part in said.split(": | "):
        assert part in done.err
