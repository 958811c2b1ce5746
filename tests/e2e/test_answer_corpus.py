"""The answers in corpus/: each is whole and compiles; two of the ten are put before the real judge."""

from __future__ import annotations

import json
import pathlib

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
ENTRIES = sorted(path.parent for path in (ROOT / "corpus").glob("*/*/about.json"))


def test_there_are_at_least_ten() -> None:
    assert len(ENTRIES) >= 10
    assert {entry.parent for entry in ENTRIES} == {ROOT / "corpus" / "cpu"}
    folders = {path for path in (ROOT / "corpus" / "cpu").iterdir() if path.is_dir()}
    assert folders == set(ENTRIES), "every folder is an entry"


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_parses_and_compiles(burnish, entry: pathlib.Path) -> None:
    about, exported, plan = (
        json.loads((entry / name).read_text(encoding="utf-8")) for name in ("about.json", "exported.json", "plan.json")
    )
    assert (entry / about["problem"]).is_file()
    assert about["speedup"] > 1 and about["made"]
    assert "kernels" not in exported and exported["inputs"].keys() == plan["inputs"].keys()
    done = burnish("compile", entry, "--json")
    assert done.code == 0, done.err


@pytest.mark.parametrize("name", ["graph_attention", "lstm"])
def test_the_judge_accepts(real, name: str) -> None:
    words = ("--inputs", "10", "--verify-seconds", "3", "--json")
    done = real("eval", ROOT / "examples" / f"{name}.py", ROOT / "corpus" / "cpu" / name, *words, timeout=200)
    assert done.code == 0, done.err
    assert (done.last["verdict"], done.last["contract"]) == ("accepted", "full")
