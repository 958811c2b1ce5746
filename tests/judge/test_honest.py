"""A sample of the honest look-alikes is accepted by a real judge with real workers; bench/lookalikes.py judges all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest
from driver import Judge
from honest import Lookalike, lookalikes

# Whole families, so that few judges are started; they cover plans and ModelNew, floats and indices, tuples and dicts.
FAMILIES = ("layer_norm-8", "product-32", "mse-128", "plain_softmax", "batch_norm", "top_k", "structure")


def sample() -> list[Lookalike]:
    return [c for c in lookalikes() if c.problem_name.startswith(FAMILIES)]


@pytest.fixture(scope="module")
def judges(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict]:
    """The judge of the problem at hand, under its name."""
    at_hand: dict[str, Judge] = {}
    yield at_hand
    for judge in at_hand.values():
        judge.close()


def judge_of(candidate: Lookalike, judges: dict, folder: Path) -> Judge:
    if candidate.problem_name not in judges:
        for judge in judges.values():
            judge.close()
        judges.clear()
        file = folder / f"{candidate.problem_name}.py"
        file.write_text(candidate.problem)
        judges[candidate.problem_name] = Judge(file, dict(candidate.options))
    return judges[candidate.problem_name]


def test_the_sample_is_large_enough():
    assert len(sample()) >= 40
    assert len(list(itertools.groupby(sample(), key=lambda c: c.problem_name))) >= 6


@pytest.mark.parametrize("candidate", sample(), ids=lambda c: c.name)
def test_honest_candidate_is_accepted(candidate, judges, tmp_path):
    judge = judge_of(candidate, judges, tmp_path)
    verdict = judge.verdict(candidate.write(tmp_path), candidate.form, "search")
    assert verdict["verdict"] == "accepted", verdict["detail"]
