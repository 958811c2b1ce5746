"""Plans with Metal kernels, judged on the emulator by the command as its users have it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BURNISH = os.environ.get("BURNISH") or str(Path(sys.executable).parent / "burnish")
PROBLEM = """
import torch

class Model(torch.nn.Module):
    def forward(self, x):
        return torch.softmax(x, dim=1)

def get_inputs():
    return [torch.randn(16, 300)]

def get_init_inputs():
    return []
"""
PLAN = {
    "burnish_plan": 1,
    "target": "metal-emulated",
    "inputs": {"x": {"dtype": "float32", "shape": ["n", 300], "strides": "contiguous"}},
    "kernels": {"k": {"source": "soft.metal"}},
    "steps": [
        {"empty": "y", "like": "x"},
        {"launch": "k", "grid": ["n", 1, 1], "block": [128, 1, 1], "args": ["x", "y", "size(x, 1)"]},
    ],
    "result": "y",
}
BARRIER = "  threadgroup_barrier(mem_flags::mem_threadgroup);\n"


def judged(folder: Path, source: str, plan: dict, *flags: str) -> dict:
    (folder / "model.py").write_text(PROBLEM)
    (folder / "plan").mkdir()
    (folder / "plan" / "plan.json").write_text(json.dumps(plan))
    (folder / "plan" / "soft.metal").write_text(source)
    command = [BURNISH, "eval", str(folder / "model.py"), str(folder / "plan"), "--json", "--inputs", "10"]
    environment = {**os.environ, "BURNISH_LEASE": str(folder / "lease"), "XDG_DATA_HOME": str(folder / "data")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run([*command, *(flags or ("--target", "metal-emulated"))], capture_output=True, text=True,
                          timeout=120, env=environment, check=False)  # fmt: skip
    assert done.stdout.strip(), done.stderr
    return json.loads(done.stdout.strip().splitlines()[-1])


@pytest.fixture(scope="module")
def softmax() -> str:
    return (HERE / "correct" / "softmax.metal").read_text()


def test_a_right_kernel_is_accepted(tmp_path: Path, softmax: str) -> None:
    verdict = judged(tmp_path, softmax, PLAN)
    assert (verdict["verdict"], verdict["reason"]) == ("accepted", "ok"), verdict
    assert not verdict["win"]  # an emulator is no GPU


def test_a_race_that_gives_right_values_is_refused(tmp_path: Path, softmax: str) -> None:
    at = softmax.rindex(BARRIER, 0, softmax.index("float s = 0;"))
    verdict = judged(tmp_path, softmax[:at] + softmax[at + len(BARRIER) :], PLAN)
    assert (verdict["verdict"], verdict["reason"]) == ("refused", "kernel"), verdict
    assert "race" in verdict["detail"]["what"]


def test_what_does_not_compile_is_refused_with_its_line(tmp_path: Path, softmax: str) -> None:
    verdict = judged(tmp_path, softmax.replace("simd_max(m)", "simd_maximum(m)"), PLAN)
    assert (verdict["verdict"], verdict["reason"]) == ("refused", "compile"), verdict
    assert "program_source:" in json.dumps(verdict["detail"])
