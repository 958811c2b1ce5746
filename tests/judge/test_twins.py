"""Workers in hand, real ones."""

from __future__ import annotations

import json
import os
import signal

from burnish.judge.options import Options
from burnish.judge.twins import Workers
from processes import tree_of

PLAN = {
    "burnish_plan": 1, "target": "cpu", "inputs": {"x": {"dtype": "float32", "shape": [4]}},
    "steps": [{"op": "aten::relu", "args": ["x"], "out": ["y"]}], "result": "y",
}  # fmt: skip


def test_a_worker_that_was_killed_while_it_waited_costs_nobody_a_verdict(tmp_path):
    """A whole row of candidates had none: "the worker's process cannot be found"."""
    (tmp_path / "plan.json").write_text(json.dumps(PLAN))
    workers = Workers(Options.of({}), None)
    try:
        workers.prepare("plan", False, 2)
        killed = []
        for spare in [future.result() for future in workers._spares["plan", False]]:
            killed += tree_of(spare.pid)
            for pid in tree_of(spare.pid):
                os.kill(pid, signal.SIGKILL)
        assert killed
        for _ in range(2):
            with workers.loaded({"form": "plan", "dir": str(tmp_path), "kernels": {}}) as worker:
                assert worker.pid not in killed
    finally:
        workers.close()
