"""`burnish optimize --target metal-emulated`: the whole swarm, and what a Mac's user gets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

BURNISH = os.environ.get("BURNISH") or str(Path(sys.executable).parent / "burnish")
PROBLEM = """
import torch

class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = torch.nn.LayerNorm(96)

    def forward(self, x, y):
        return torch.softmax(torch.nn.functional.gelu(self.norm(x) * y) + x, dim=-1)

def get_inputs():
    return [torch.randn(24, 96), torch.randn(24, 96)]

def get_init_inputs():
    return []
"""


def run(folder: Path, *command: str) -> str:
    environment = {**os.environ, "BURNISH_LEASE": str(folder / "lease"), "XDG_DATA_HOME": str(folder / "data")}
    environment["PATH"] = f"{Path(sys.executable).parent}:{environment['PATH']}"
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, env=environment, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    return done.stdout


def test_the_swarm_gives_a_plan_for_a_mac(tmp_path: Path) -> None:
    (tmp_path / "model.py").write_text(PROBLEM)
    out = tmp_path / "fast"
    command = (BURNISH, "optimize", str(tmp_path / "model.py"), "--target", "metal-emulated", "--inputs", "10")
    said = json.loads(run(tmp_path, *command, "--out", str(out), "--json").strip().splitlines()[-1])
    assert (said["verdict"], said["winner"]) == ("accepted", "compiler"), said
    # An estimate has a place of its own: no speedup was measured.
    assert said["verified_in_time"] is False and said["speedup"] == 1.0 and said["interval"] is None
    assert said["estimate"]["original_seconds"] > said["estimate"]["seconds"] > 0
    assert said["estimate"]["launches"] == 1
    assert json.loads((out / "plan.json").read_text())["target"] == "metal-emulated"
    assert "kernel void" in (out / "kernels.metal").read_text()
    assert "python -m burnish.metal" in (out / "MAC.md").read_text()
    told = run(tmp_path, sys.executable, "-m", "burnish.metal", str(out), str(tmp_path / "model.py"))
    assert "nothing is timed" in told
