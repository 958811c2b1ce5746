"""`burnish optimize --target metal-emulated`: the whole swarm, and what a Mac's user gets."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

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


MODEL = r"""
import pathlib, sys, json
prompt = sys.stdin.read()
seen = pathlib.Path(__file__).parent / "prompts"
seen.mkdir(exist_ok=True)
(seen / f"{len(list(seen.iterdir()))}-{hash(prompt)}").write_text(prompt)
HEAD = "#include <metal_stdlib>\nusing namespace metal;\n"
ARGUMENTS = "device const float* x, device const float* y, device float* z, constant long& n"
KERNEL = "kernel void %s(" + ARGUMENTS + ", uint i [[thread_position_in_grid]]) { if (i < uint(n)) z[i] = %s; }\n"
SILU = "(x[i] * y[i]) / (1.0f + exp(-(x[i] * y[i])))"

def launch(kernel, *tensors):
    step = {"launch": kernel, "grid": ["cdiv(numel(x), 256)", 1, 1], "block": [256, 1, 1]}
    return {**step, "args": [*tensors, "numel(x)"]}

def answer(steps, **kernels):
    x = {"dtype": "float32", "shape": [24, 96], "strides": "contiguous"}
    plan = {"burnish_plan": 1, "target": "metal-emulated", "inputs": {"x": x, "y": x},
            "kernels": {k: {"source": "mine.metal"} for k in kernels}, "steps": steps, "result": "z"}
    source = HEAD + "".join(KERNEL % (k, v) for k, v in kernels.items())
    return f"```json plan.json\n{json.dumps(plan)}\n```\n```metal mine.metal\n{source}```\n"

if "You read measurements" in prompt:
    print("1. steps[1] and steps[3] pass over memory twice: fuse them.")
elif "Attempt 1 of" not in prompt:
    print(answer([{"empty": "h", "like": "x"}, launch("silu", "x", "y", "h"), {"empty": "z", "like": "x"},
                  launch("plus", "x", "h", "z")], silu=SILU, plus="x[i] + y[i]"))
else:
    print(answer([{"empty": "z", "like": "x"}, launch("both", "x", "y", "z")], both=SILU + " + x[i]"))
"""


@pytest.mark.slow
def test_models_are_asked_in_all_contexts(tmp_path: Path) -> None:
    forward = "torch.nn.functional.silu(x * y) + x"
    problem = PROBLEM.replace("torch.softmax(torch.nn.functional.gelu(self.norm(x) * y) + x, dim=-1)", forward)
    (tmp_path / "model.py").write_text(problem)
    (tmp_path / "asked").mkdir()
    (tmp_path / "asked" / "program.py").write_text(MODEL)
    program = f"command:{sys.executable} {tmp_path / 'asked' / 'program.py'}"
    flags = ("--target", "metal-emulated", "--inputs", "10", "--attempts", "2", "--agents", f"{program},compiler")
    contexts = ("--contexts", "plain,reference,profile,both", "--out", str(tmp_path / "fast"), "--json")
    out = run(tmp_path, BURNISH, "optimize", str(tmp_path / "model.py"), *flags, *contexts)
    lines = [json.loads(line) for line in out.strip().splitlines()]
    judged = [line for line in lines if line.get("event") == "judged" and line["agent"].startswith("command:")]
    names = [program, *(f"{program}@{context}" for context in ("reference", "profile", "both"))]
    assert sorted(line["agent"] for line in judged if line["stage"] == "search") == sorted(2 * names), lines
    assert all(line["verdict"] == "accepted" for line in judged), judged
    said = lines[-1]
    assert said["verdict"] == "accepted" and said["estimate"]["launches"] == 1, said
    assert said["verified_in_time"] is False and (tmp_path / "fast" / "MAC.md").exists()
    assert list((tmp_path / "fast").glob("*.metal"))
    prompts = [file.read_text() for file in (tmp_path / "asked" / "prompts").iterdir()]
    hints = [p for p in prompts if "You read measurements" in p]
    tries = [p for p in prompts if p not in hints]
    assert (len(tries), len(hints)) == (8, 2)
    assert all("Apple M4 Max" in p and "Metal Shading Language" in p and "PyTorch is not timed" in p for p in tries)
    assert sum("__global__" in p and "carry over to Metal" in p for p in tries) == 4
    seconds = [p for p in tries if "Attempt 1 of" in p]
    assert len(seconds) == 4 and all("times the speed of the module's own plan" in p for p in seconds)
    assert sum("fuse them" in p for p in seconds) == 2
    for p in hints:
        assert "on an Apple GPU" in p and "estimates for an Apple M4 Max" in p and "launch silu" in p
        assert "estimated to be" in p
