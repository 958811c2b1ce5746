"""`burnish compile`: checks a plan and compiles its kernels; CUDA's with NVRTC, on a machine without a GPU."""

import json
import re
from pathlib import Path

import pytest

PLAN = {
    "burnish_plan": 1,
    "target": "cuda",
    "inputs": {"x": {"dtype": "float32", "shape": ["n"]}},
    "kernels": {"twice": {"source": "kernels.cu"}},
    "steps": [
        {"empty": "y", "like": "x"},
        {"launch": "twice", "grid": ["cdiv(n, 256)", 1, 1], "block": [256, 1, 1], "args": ["x", "y", "n"]},
    ],
    "result": "y",
}
KERNEL = """extern "C" __global__ void twice(const float* x, float* y, int64_t n) {
  const int64_t i = blockIdx.x * int64_t(blockDim.x) + threadIdx.x;
  if (i < n) y[i] = 2 * x[i];
}
"""


@pytest.fixture
def plan(tmp_path: Path) -> Path:
    pytest.importorskip("nvidia.cu13", reason="NVRTC is not installed (requirements.txt)")
    (tmp_path / "plan").mkdir()
    (tmp_path / "plan" / "plan.json").write_text(json.dumps(PLAN))
    (tmp_path / "plan" / "kernels.cu").write_text(KERNEL)
    return tmp_path / "plan"


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90a", "sm_100"])
def test_compiles_for_an_architecture_without_a_gpu(burnish, plan: Path, architecture: str) -> None:
    done = burnish("compile", plan, "--arch", architecture, "--json")
    assert done.code == 0, done.err
    source = json.loads(done.out)["sources"]["kernels.cu"]
    assert source["kernels"]["twice"]["signature"] == "ppi"
    assert source["kernels"]["twice"]["registers"] > 0
    assert Path(source["object"]).is_file()


def test_says_which_line_does_not_compile(burnish, plan: Path) -> None:
    (plan / "kernels.cu").write_text(KERNEL.replace("y[i] = 2 * x[i]", "y[i] = 2 * z[i]"))
    done = burnish("compile", plan, "--arch", "sm_90a")
    assert done.code == 1
    assert 'kernels.cu(3): error: identifier "z" is undefined' in done.err


def test_says_what_a_launch_may_not_ask_for(burnish, plan: Path) -> None:
    wrong = json.loads(json.dumps(PLAN))
    wrong["steps"][1]["block"] = [2048, 1, 1]
    (plan / "plan.json").write_text(json.dumps(wrong))
    done = burnish("compile", plan, "--arch", "sm_90a")
    assert done.code == 2
    assert "the size is 2048, at most 1024 is allowed" in done.err


def test_without_a_gpu_it_asks_for_an_architecture_or_a_driver(burnish, plan: Path) -> None:
    done = burnish("compile", plan)
    if done.code == 0:
        pytest.skip("this machine has a GPU")
    assert done.code == 2
    assert "NVIDIA" in done.err
    assert len(done.err.strip().splitlines()) == 1


def test_arch_is_for_cuda(burnish, plan: Path) -> None:
    (plan / "plan.json").write_text(json.dumps({**PLAN, "target": "cpu", "kernels": {}, "steps": [], "result": "x"}))
    assert burnish("compile", plan).code == 0
    done = burnish("compile", plan, "--arch", "sm_90a")
    assert done.code == 2
    assert "this one is for cpu" in done.err


def test_target_cuda_without_a_gpu_is_one_sentence_before_a_judge_starts(burnish, plan: Path) -> None:
    done = burnish("eval", burnish.problem(), plan, "--target", "cuda", "--json")
    if "NVIDIA" not in done.err:
        pytest.skip("this machine has a GPU")
    assert done.code == 2
    assert len(done.err.strip().splitlines()) == 1
    assert done.last["verdict"] == "error" and done.last["reason"] == "environment"
    assert burnish.requests() == []


@pytest.mark.parametrize("architecture", ["sm_80", "sm_90a", "sm_100"])
def test_the_plans_that_models_are_shown_compile(burnish, plan: Path, architecture: str) -> None:
    text = (Path(__file__).resolve().parents[2] / "prompts" / "cuda" / "system.md").read_text()
    shown = text.partition("# Two worked")[2]
    blocks = re.findall(r"^```(json plan\.json|cuda kernels\.cu)\n(.*?)^```$", shown, re.M | re.S)
    assert [kind.split()[0] for kind, _ in blocks] == ["json", "cuda", "json"]
    for kind, block in blocks:
        (plan / kind.split()[1]).write_text(block)
        if not block.startswith("{") or "kernels" not in block:
            done = burnish("compile", plan, "--arch", architecture)
            assert done.code == 0, done.err
