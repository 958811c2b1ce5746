"""The whole judge with workers that keep copies beside the arena, as on a GPU, in host memory: no GPU is needed."""

from __future__ import annotations

from pathlib import Path

import pytest
from burnish.judge.session import Session
from burnish.judge.twins import LoadFailed
from burnish.workers import Outcome, Worker, start_nursery

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

    nursery = start_nursery(gpu=True)

    def start(form: str, **settings):
        return Worker.start(form, device="copied", nursery=nursery, **settings)

    session = Session(
        {"file": str(folder / "problem.py")}, {"inputs": 12, "timing_seconds": 0.5}, str(folder), start=start
    )
    session.exported = session.open()["plan"]
    yield session
    session.close()
    nursery.close()


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


def in_final(session: Session, monkeypatch, together: int) -> tuple[dict, list[int]]:
    """A final verdict, and how many workers of the timing were up at each start."""
    up: list[int] = []
    load = session.workers.load

    def counted(candidate: dict):
        worker = load(candidate)
        up.append(len([w for w in session.workers._live if w.alive()]))
        return worker

    monkeypatch.setattr(session.workers, "load", counted)
    monkeypatch.setattr(session, "_together", lambda device, held, wanted: together)
    verdict = session.judge({"form": "plan", "dir": session.exported, "kernels": {}, "name": "plan"}, "final")
    return verdict, up


def test_a_final_brings_up_several_pairs_at_a_time(session, monkeypatch):
    before = len(session.workers._live)
    verdict, up = in_final(session, monkeypatch, together=3)
    assert verdict["verdict"] == "accepted", verdict
    assert len(verdict["samples"]["reference"]) >= 5 and verdict["seconds"]["start"] > 0
    assert max(up) >= before + 6, "three pairs were to be up at once"
    assert len(session.workers._live) <= before + 1, "workers were left behind"


def test_where_there_is_no_room_for_several_pairs_they_come_up_one_by_one(session, monkeypatch):
    whole, failures = session._side, []

    def too_little(worker, items, order, params=None):
        if params is not None and len(failures) < 4:
            failures.append(worker)
            raise LoadFailed(Outcome(False, "memory", "it does not fit"))
        return whole(worker, items, order, params)

    monkeypatch.setattr(session, "_side", too_little)
    verdict, _ = in_final(session, monkeypatch, together=2)
    assert verdict["verdict"] == "accepted", verdict
    assert len(failures) == 4 and len(verdict["samples"]["reference"]) >= 5
