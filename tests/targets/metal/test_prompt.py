"""The worked examples of the prompt for Metal: what models are shown has to be right."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]
BURNISH = os.environ.get("BURNISH") or str(Path(sys.executable).parent / "burnish")
EXAMPLE = re.compile(r"```json plan\.json\n(\{\"burnish_plan.*?)```\n```metal kernels\.metal\n(.*?)```", re.DOTALL)
PROBLEM = """
import torch

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(64, 1024)

    def forward(self, x):
        return {forward}

def get_inputs():
    return [torch.randn({rows}, {width})]

def get_init_inputs():
    return []
"""
CASES = [
    ("torch.softmax(x, dim=-1)", 21, 512),
    ("torch.nn.functional.silu(self.linear(x)).mean(-1)", 9, 64),
]


@pytest.mark.parametrize("number", range(len(CASES)))
def test_a_worked_example_is_accepted(tmp_path: Path, number: int) -> None:
    examples = EXAMPLE.findall((ROOT / "prompts" / "metal" / "system.md").read_text(encoding="utf-8"))
    assert len(examples) == len(CASES)
    plan, kernels = examples[number]
    forward, rows, width = CASES[number]
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "plan.json").write_text(plan)
    (tmp_path / "plan" / "kernels.metal").write_text(kernels)
    (tmp_path / "model.py").write_text(PROBLEM.format(forward=forward, rows=rows, width=width))
    command = [BURNISH, "eval", str(tmp_path / "model.py"), str(tmp_path / "plan"), "--target", "metal-emulated"]
    environment = {**os.environ, "BURNISH_LEASE": str(tmp_path / "lease"), "XDG_DATA_HOME": str(tmp_path / "data")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(
        [*command, "--inputs", "10", "--json"],
        capture_output=True,
        text=True,
        timeout=120,
        env=environment,
        check=False,
    )
    verdict = json.loads(done.stdout.strip().splitlines()[-1])
    assert (verdict["verdict"], verdict["reason"]) == ("accepted", "ok"), verdict
