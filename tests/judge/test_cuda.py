"""`burnish eval --target cuda`, whole: a real judge, real workers in the sandbox, real kernels. Needs an NVIDIA GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
ROOT = Path(__file__).resolve().parents[2]
PROBLEM = """
import torch

class Model(torch.nn.Module):
    def __init__(self, n, m):
        super().__init__()
        self.linear = torch.nn.Linear(n, m)

    def forward(self, x):
        return torch.nn.functional.gelu(self.linear(x))

def get_inputs():
    return [torch.rand(2048, 256)]

def get_init_inputs():
    return [256, 512]
"""
HONEST = """
extern "C" __global__ void bias_gelu(const float* h, const float* b, float* y, int64_t n, int64_t columns) {
  const int64_t i = blockIdx.x * int64_t(blockDim.x) + threadIdx.x;
  if (i >= n) return;
  const float v = h[i] + b[i % columns];
  y[i] = 0.5f * v * (1.0f + erff(v * 0.70710678118654752f));
}
"""
MODEL_NEW = """
import torch

class ModelNew(torch.nn.Module):
    def __init__(self, n, m):
        super().__init__()
        self.linear = torch.nn.Linear(n, m)

    def forward(self, x):
        return torch.nn.functional.gelu(torch.addmm(self.linear.bias, x, self.linear.weight.t()))
"""
GELU = "y[i] = 0.5f * v * (1.0f + erff(v * 0.70710678118654752f));"
# What the kernel's last line is instead, and the reasons that are right for it.
ATTACKS = {
    "writes_input": ("((float*)h)[i] = 0; y[i] = v;", {"values", "precision"}),
    "half_uninitialised": ("if (i % 2) " + GELU, {"nan", "values", "nondeterministic"}),
    "writes_beside": ("if (i == 0) y[n + 3] = 1; " + GELU, {"out-of-bounds"}),
    "relu_for_gelu": ("y[i] = fmaxf(v, 0.0f);", {"values", "precision"}),
    "fast_tanh": (
        "y[i] = 0.5f * v * (1 + tanhf(0.7978845608f * (v + 0.044715f * v * v * v)));",
        {"values", "precision"},
    ),
    "illegal_address": ("if (i == 7) y[int64_t(1) << 40] = v;", {"crash"}),
    "right_for_fifty_calls": (
        "if (atomicAdd(&threads_so_far, 1ULL) > 50ULL << 20) v = 0; " + GELU,
        {"values", "nondeterministic"},
    ),
    "asks_for_too_much": (GELU, {"memory"}),
}


def plan(folder: Path, source: str = HONEST, **changes: object) -> Path:
    folder.mkdir()
    text = {
        "burnish_plan": 1, "target": "cuda",
        "inputs": {"x": {"dtype": "float32", "shape": ["n", 256]}},
        "params": {"w": "linear.weight", "b": "linear.bias"},
        "kernels": {"bias_gelu": {"source": "kernels.cu"}},
        "prepare": [{"op": "aten::t", "args": ["w"], "out": ["wv"]},
                    {"op": "aten::contiguous", "args": ["wv"], "out": ["wt"]}],
        "steps": [
            {"op": "aten::mm", "args": ["x", "wt"], "out": ["h"]},
            {"empty": "y", "like": "h"},
            {"launch": "bias_gelu", "grid": ["cdiv(numel(h), 256)", 1, 1], "block": [256, 1, 1],
             "args": ["h", "b", "y", "numel(h)", "size(h, 1)"]},
        ],
        "result": "y",
    } | changes  # fmt: skip
    (folder / "plan.json").write_text(json.dumps(text))
    (folder / "kernels.cu").write_text(source)
    return folder


@pytest.fixture
def evaluate(tmp_path: Path):
    (tmp_path / "problem.py").write_text(PROBLEM)

    def run(candidate: Path, *flags: str) -> dict:
        beside = Path(sys.executable).parent / "burnish"
        built = ROOT / "build" / "release" / "burnish"
        command = os.environ.get("BURNISH") or str(beside if beside.exists() else built)
        done = subprocess.run(
            [command, "eval", str(tmp_path / "problem.py"), str(candidate), "--target", "cuda", "--json",
             "--inputs", "20", "--store", str(tmp_path / "store"), *flags],
            capture_output=True, text=True, timeout=120, check=False,
            env={**os.environ, "BURNISH_PYTHON": sys.executable},
        )  # fmt: skip
        assert done.stdout, done.stderr
        return json.loads(done.stdout.splitlines()[-1])

    return run


def test_an_honest_plan_is_accepted_and_timed(evaluate, tmp_path: Path) -> None:
    verdict = evaluate(plan(tmp_path / "plan"))
    assert verdict["verdict"] == "accepted", verdict
    assert verdict["contract"] == "full" and verdict["inputs"] >= 10
    assert verdict["speedup"] > 0.5 and verdict["sampled"] > 0


def test_recipes_and_modules_are_judged_on_the_gpu(evaluate, tmp_path: Path) -> None:
    (tmp_path / "recipe.json").write_text('{"burnish_recipe": 1, "cuda_graph": true}')
    verdict = evaluate(tmp_path / "recipe.json")
    assert verdict["verdict"] == "accepted" and verdict["speedup"], verdict
    (tmp_path / "model_new.py").write_text(MODEL_NEW)
    verdict = evaluate(tmp_path / "model_new.py")
    assert verdict["verdict"] == "accepted", verdict
    (tmp_path / "wrong.py").write_text(MODEL_NEW.replace("gelu(", "relu("))
    assert evaluate(tmp_path / "wrong.py")["verdict"] == "refused"


@pytest.mark.parametrize("name", sorted(ATTACKS))
def test_attacks_are_refused(evaluate, tmp_path: Path, name: str) -> None:
    body, reasons = ATTACKS[name]
    source = "__device__ unsigned long long threads_so_far;\n" + HONEST.replace(GELU, body).replace(
        "const float v", "float v"
    )
    changes = {}
    if name == "asks_for_too_much":
        changes["steps"] = [{"empty": "y", "dtype": "float32", "shape": ["n * 100000000"]}]
        changes |= {"kernels": {}, "prepare": [], "params": {}}
    verdict = evaluate(plan(tmp_path / "plan", source, **changes))
    assert verdict["verdict"] == "refused", verdict
    assert verdict["reason"] in reasons, verdict


def test_a_plan_for_the_cpu_is_no_candidate(evaluate, tmp_path: Path) -> None:
    steps = [{"op": "aten::relu", "args": ["x"], "out": ["y"]}]
    verdict = evaluate(plan(tmp_path / "plan", target="cpu", kernels={}, prepare=[], params={}, steps=steps))
    assert verdict["verdict"] == "error" and "for the target cpu" in json.dumps(verdict)
