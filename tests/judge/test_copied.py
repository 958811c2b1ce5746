"""The whole judge with workers that keep copies beside the arena, as on a GPU, in host memory: no GPU is needed."""

from __future__ import annotations

from pathlib import Path

import pytest
from burnish.judge.session import Session
from burnish.workers import Worker

PROBLEM = """
import torch


class Model(torch.nn.Module):
    def __init__(self, n, m):
        super().__init__()
        self.linear = torch.nn.Linear(n, m)

    def forward(self, x):
        return torch.nn.functional.gelu(self.linear(x))


def get_inputs():
    return [torch.rand(64, 32)]


def get_init_inputs():
    return [32, 48]
"""
NEW = """
import torch


class ModelNew(torch.nn.Module):
    def __init__(self, n, m):
        super().__init__()
        self.linear = torch.nn.Linear(n, m)
        self.kept = {}

    def forward(self, x):
        y = torch.nn.functional.gelu(torch.addmm(self.linear.bias, x, self.linear.weight.t()))
        RETURN
"""


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    folder = tmp_path_factory.mktemp("problem")
    (folder / "problem.py").write_text(PROBLEM)

    def start(form: str, **settings):
        return Worker.start(form, device="copied", **settings)

    session = Session(
        {"file": str(folder / "problem.py")}, {"inputs": 12, "timing_seconds": 0.5}, str(folder), start=start
    )
    session.exported = session.open()["plan"]
    yield session
    session.close()


def judged(session, folder: Path, last: str, stage: str = "eval") -> dict:
    (folder / "new.py").write_text(NEW.replace("RETURN", last))
    return session.judge({"form": "model_new", "file": str(folder / "new.py"), "name": "new"}, stage)


def test_the_exported_plan_is_accepted_in_a_search_and_timed(session):
    verdict = session.judge({"form": "plan", "dir": session.exported, "kernels": {}, "name": "plan"}, "search")
    assert (verdict["verdict"], verdict["reason"]) == ("accepted", "ok"), verdict
    assert verdict["speedup"] > 0  # how much says nothing: the module takes microseconds, and tests share the machine
    assert verdict["samples"]["candidate"][0]


def test_an_honest_module_is_accepted(session, tmp_path):
    verdict = judged(session, tmp_path, "return y")
    assert verdict["verdict"] == "accepted", verdict
    assert verdict["inputs"] == 12 and verdict["contract"] == "full"


@pytest.mark.parametrize(
    ("last", "reasons"),
    [
        ("return torch.relu(y)", {"values"}),
        ("x.mul_(2); return y", {"input-changed"}),
        ("self.linear.weight.data.mul_(1.5); return y", {"parameter-changed", "values"}),
        ("return self.kept.setdefault(x.data_ptr(), y)", {"stale", "values", "aliasing"}),
        ("return self.kept.setdefault(x.shape, y).copy_(y)", {"aliasing"}),
    ],
)
def test_cheats_are_refused(session, tmp_path, last, reasons):
    verdict = judged(session, tmp_path, last)
    assert verdict["verdict"] == "refused" and verdict["reason"] in reasons, verdict
