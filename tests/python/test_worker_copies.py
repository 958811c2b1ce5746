"""Workers whose slots have copies beside the arena: on a GPU, and "copied", the same protocol in host memory, which
needs no GPU. Real processes throughout."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from burnish.workers import Worker
from worker_tools import kernel_plan, leaving_nothing

GPU = torch.cuda.is_available()
needs_gpu = pytest.mark.skipif(not GPU, reason="needs an NVIDIA GPU")
DEVICES = ["copied", pytest.param("cuda", marks=needs_gpu)]
ROOT = Path(__file__).resolve().parents[2]


def doubling(folder: Path, device: str) -> dict:
    """x -> 2x and x times a parameter."""
    plan = {
        "burnish_plan": 1, "target": "cuda" if device == "cuda" else "cpu",
        "inputs": {"x": {"dtype": "float32", "shape": ["n", 8]}}, "params": {"w": "w"},
        "prepare": [{"op": "aten::mul.Scalar", "args": ["w", 2], "out": ["w2"]}],
        "steps": [
            {"op": "aten::mul.Scalar", "args": ["x", 2], "out": ["y"]},
            {"op": "aten::mul.Tensor", "args": ["x", "w2"], "out": ["z"]},
        ],
        "result": {"y": "y", "z": ["z", None]},
    }  # fmt: skip
    (folder / "plan.json").write_text(json.dumps(plan))
    return {"kind": "plan", "dir": str(folder)}


def cuda_kernel(folder: Path, body: str) -> dict:
    """A plan for CUDA whose only step is `void k(const float* x, float* y, int64_t n)` with this body."""
    folder.mkdir(parents=True, exist_ok=True)
    text = f'extern "C" __global__ void k(const float* x, float* y, int64_t n) {{ {body} }}'
    plan = {
        "burnish_plan": 1, "target": "cuda", "inputs": {"x": {"dtype": "float32", "shape": ["n"]}},
        "kernels": {"k": {"text": text, "source": "k.cu"}},
        "steps": [
            {"empty": "y", "like": "x"},
            {"launch": "k", "grid": ["cdiv(n, 256)", 1, 1], "block": [256, 1, 1], "args": ["x", "y", "n"]},
        ],
        "result": "y",
    }  # fmt: skip
    (folder / "plan.json").write_text(json.dumps(plan))
    beside = Path(sys.executable).parent / "burnish"
    command = os.environ.get("BURNISH") or str(beside if beside.exists() else ROOT / "build" / "release" / "burnish")
    done = subprocess.run([command, "compile", str(folder), "--json", "--store", str(folder / "store")],
                          capture_output=True, text=True, check=True,
                          env={**os.environ, "BURNISH_PYTHON": sys.executable})  # fmt: skip
    objects = {name: entry["object"] for name, entry in json.loads(done.stdout)["sources"].items()}
    return {"kind": "plan", "dir": str(folder), "kernels": objects}


@pytest.fixture(params=DEVICES)
def worker(request, tmp_path):
    with leaving_nothing(Worker.start("plan", device=request.param)) as worker:
        loaded = worker.load(doubling(tmp_path, request.param))
        assert loaded.ok, loaded
        worker.w = torch.randn(8)
        assert worker.set_params({"w": worker.w}).ok
        worker.x = [torch.randn(5, 8), torch.randn(3, 8), torch.randn(4096, 8)]
        assert worker.set_slots([[x] for x in worker.x]).ok
        yield worker


def check(outcome, x, w) -> None:
    assert outcome.ok, outcome.message
    assert outcome.structure == {"y": {"tensor": 0}, "z": [{"tensor": 1}, None]}
    assert torch.equal(outcome.tensors[0], 2 * x)
    assert torch.equal(outcome.tensors[1], x * (2 * w))


def test_outputs_come_back_and_inputs_are_compared(worker):
    for slot, x in enumerate(worker.x):
        for poison in (False, True):
            outcome = worker.call(slot, poison=poison)
            check(outcome, x, worker.w)
            assert len(set(outcome.addresses)) == 2
            assert worker.inputs_changed(slot) == ""
    assert worker.params_changed() == ""


def test_other_values_in_the_same_places(worker):
    worker.x.reverse()
    worker.x[0], worker.x[2] = torch.randn(5, 8), torch.randn(4096, 8)
    assert worker.overwrite_slots([[x] for x in worker.x]).ok
    for slot, x in enumerate(worker.x):
        check(worker.call(slot), x, worker.w)
    worker.w = torch.randn(8)
    assert worker.set_params({"w": worker.w}).ok
    assert worker.refresh().ok
    check(worker.call(1), worker.x[1], worker.w)
    assert worker.params_changed() == ""
    worker.x = [torch.randn_like(x) for x in worker.x]
    assert worker.overwrite_slots([[x] for x in worker.x]).ok
    _, sampled = worker.time([0, 1, 2], 6, sample={3, 4, 5}, timeout=60)  # no slot was called since
    for outcome in sampled.values():
        check(outcome, worker.x[outcome.slot], worker.w)


def test_outputs_of_the_call_before_are_read_again(worker):
    first = worker.call(0, keep=True)
    check(first, worker.x[0], worker.w)
    check(worker.call(1, keep=True), worker.x[1], worker.w)
    again = worker.previous()
    assert torch.equal(again.tensors[0], first.tensors[0])
    assert torch.equal(again.tensors[1], first.tensors[1])


def test_results_of_many_calls_are_kept_apart(worker):
    places = [a for _ in range(6) for a in worker.call(0, hoard=True).addresses]
    assert len(set(places)) == 12


@pytest.mark.parametrize("batch", [1, 3])
def test_timed_calls_get_varied_inputs_that_both_sides_know(worker, batch):
    seconds, sampled = worker.time(
        [0, 1, 2], 12, batch=batch, flush=True, sample={0, 5, 6, 11}, vary=[0], poke=[0], timeout=60
    )
    assert len(seconds) == 12 and sorted(sampled) == [0, 5, 6, 11]
    for outcome in sampled.values():
        (given,) = outcome.inputs
        check(outcome, given, worker.w)
        original = worker.x[outcome.slot]
        ratio = given / original
        assert float(ratio.min()) > 0.2 and float(ratio.max()) <= 1.0
        if original.numel() < 64:  # most elements are poked
            continue
        factor = ratio.median()
        poked = int(((ratio - factor).abs() > 1e-3).sum())
        assert 10 <= poked <= original.numel() // 1024 + 16  # some have a factor of their own
    check(worker.call(2), worker.call(2).tensors[0] / 2, worker.w)


def test_timed_calls_without_variation(worker):
    seconds, sampled = worker.time([0, 1], 5, sample={4}, timeout=60)
    assert len(seconds) == 5
    check(sampled[4], worker.x[sampled[4].slot], worker.w)


@pytest.mark.parametrize("device", DEVICES)
def test_writing_to_an_input_or_beside_it_is_seen(tmp_path, device):
    body = "if (threadIdx.x == 0 && blockIdx.x == 0)" if device == "cuda" else ""
    for number, (at, said) in enumerate([("3", "input 0"), ("n", "memory beside input 0")]):
        write = f"{{ ((float*)x)[{at}] = 7; y[0] = 1; }}".replace("n", "n" if device == "cuda" else "end")
        make = cuda_kernel if device == "cuda" else kernel_plan
        with leaving_nothing(Worker.start("plan", device=device)) as worker:
            loaded = worker.load(make(tmp_path / f"{number}", f"{body} {write}"))
            assert loaded.ok, loaded
            assert worker.set_slots([[torch.ones(64)]]).ok
            outcome = worker.call(0)
            assert outcome.ok, outcome.message
            assert worker.inputs_changed(0) == said
            _, sampled = worker.time([0], 3, sample={1}, timeout=60)
            assert [o.reason for o in sampled.values()] == ["input-changed"]


@needs_gpu
@pytest.mark.parametrize(
    ("body", "reason", "said"),
    [
        ("y[int64_t(1) << 40] = 1;", "crash", "illegal memory access"),
        ("if (threadIdx.x == 0) __trap();", "crash", "launch failure|trap|illegal"),
        ("volatile float* v = y; while (v[0] != 12345.0f) v[1] = 0;", "timeout", "did not end"),
    ],
)
def test_a_kernel_that_goes_wrong_costs_one_worker(tmp_path, body, reason, said):
    import re

    with leaving_nothing(Worker.start("plan", device="cuda")) as bystander:
        assert bystander.load(
            cuda_kernel(tmp_path / "good", "if (threadIdx.x < n) y[threadIdx.x] = x[threadIdx.x];")
        ).ok
        assert bystander.set_slots([[torch.ones(64)]]).ok
        with leaving_nothing(Worker.start("plan", device="cuda")) as worker:
            assert worker.load(cuda_kernel(tmp_path / "bad", body)).ok
            assert worker.set_slots([[torch.ones(64)]]).ok
            outcome = worker.call(0, timeout=5)
            assert not outcome.ok and outcome.reason == reason, outcome
            assert re.search(said, outcome.message), outcome.message
        assert torch.equal(bystander.call(0).tensors[0], torch.ones(64))


@needs_gpu
def test_memory_of_empty_steps_is_poisoned_and_guarded(tmp_path):
    with leaving_nothing(Worker.start("plan", device="cuda")) as worker:
        body = "const int64_t i = blockIdx.x * 256 + threadIdx.x; if (i < n && i % 2) y[i] = x[i];"
        assert worker.load(cuda_kernel(tmp_path / "half", body)).ok
        assert worker.set_slots([[torch.ones(1000)]]).ok
        outcome = worker.call(0, poison=True)
        assert outcome.ok and not outcome.guard_broken
        assert outcome.tensors[0].isnan().sum() == 500
        body = "if (threadIdx.x == 0 && blockIdx.x == 0) y[n] = 1;"
        assert worker.load(cuda_kernel(tmp_path / "beside", body)).ok
        assert worker.set_slots([[torch.ones(1000)]]).ok
        assert worker.call(0, poison=True).guard_broken
        assert not worker.call(0).guard_broken


@needs_gpu
def test_what_does_not_fit_the_gpu_is_an_error_of_the_call(tmp_path):
    plan = {
        "burnish_plan": 1, "target": "cuda", "inputs": {"x": {"dtype": "float32", "shape": ["n"]}},
        "steps": [{"empty": "y", "dtype": "float32", "shape": ["n * 1000000000"]}], "result": "y",
    }  # fmt: skip
    (tmp_path / "plan.json").write_text(json.dumps(plan))
    with leaving_nothing(Worker.start("plan", device="cuda")) as worker:
        assert worker.load({"kind": "plan", "dir": str(tmp_path)}).ok
        assert worker.set_slots([[torch.ones(64)]]).ok
        outcome = worker.call(0)
        assert outcome.reason == "memory", outcome
        assert worker.alive()


@pytest.mark.parametrize("device", DEVICES)
def test_modules_in_python_are_called_on_copies_too(tmp_path, device):
    (tmp_path / "new.py").write_text(
        "import torch\n\n\nclass ModelNew(torch.nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.w = torch.nn.Parameter(torch.zeros(8))\n\n"
        "    def forward(self, x):\n        return {'y': 2 * x, 'z': [x * (2 * self.w), None]}\n"
    )
    with leaving_nothing(Worker.start("python", device=device)) as worker:
        loaded = worker.load({"kind": "model_new", "file": str(tmp_path / "new.py")})
        assert loaded.ok, loaded
        for _ in range(2):
            w, x = torch.randn(8), [torch.randn(5, 8), torch.randn(300, 8)]
            assert worker.set_params({"w": torch.nn.Parameter(w)}).ok
            assert worker.refresh().ok
            assert worker.set_slots([[x[0]], [x[1]]]).ok
            for slot in (0, 1):
                check(worker.call(slot, keep=True), x[slot], w)
                assert worker.inputs_changed(slot) == ""
            _, sampled = worker.time([0, 1], 6, flush=True, sample={2, 5}, vary=[0], poke=[0], timeout=60)
            assert len(sampled) == 2
            for outcome in sampled.values():
                check(outcome, outcome.inputs[0], w)
            assert worker.params_changed() == ""
