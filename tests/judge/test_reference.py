"""What a candidate's time is compared with: the user's own module, whatever the candidate's form."""

from __future__ import annotations

import pytest
from burnish.judge.session import Session

PROBLEM = """
import time

import torch


class Model(torch.nn.Module):
    def forward(self, x):
        time.sleep(0.004)  # no step of a plan: who computes the same without it is faster than the module
        return torch.tanh(x) + 1


def get_inputs():
    return [torch.randn(64, 64)]
"""


@pytest.fixture
def session(tmp_path):
    (tmp_path / "problem.py").write_text(PROBLEM)
    problem = {"file": str(tmp_path / "problem.py"), "class": "Model", "inputs_from": None}
    session = Session(problem, {"inputs": 10, "timing_seconds": 0.3}, str(tmp_path))
    session.open()
    yield session
    session.close()


@pytest.mark.parametrize("stage", ["search", "eval", "final"])
def test_a_plan_is_compared_with_the_module_and_not_with_its_exported_plan(session, stage):
    verdict = session.judge({"form": "plan", "dir": session.plan_dir, "kernels": {}, "name": "exported"}, stage)
    assert verdict["verdict"] == "accepted", verdict["detail"]
    assert verdict["call_seconds"]["reference"] > 0.004 and verdict["speedup"] > 2
