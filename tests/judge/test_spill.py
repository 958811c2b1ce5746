"""Large tensors in files, and a judge that has little memory."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from burnish.judge import spill as module
from burnish.judge.options import Options
from burnish.judge.pool import Pool
from burnish.judge.spill import folder_on_disk, spill
from fakes import FakeProblem

MANY = (1 << 18) + 3


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.bfloat16, torch.int64, torch.complex64])
def test_what_was_spilled_is_the_same(tmp_path, dtype):
    large = torch.randn(2 * MANY).to(dtype).view(2, MANY)
    mask, small, other = torch.rand(1 << 21) < 0.5, torch.randn(3), "no tensor"
    kept = spill([large, mask, small, other, None], tmp_path)
    assert torch.equal(kept[0], large) and torch.equal(kept[1], mask)
    assert kept[0].data_ptr() != large.data_ptr() and kept[1].data_ptr() != mask.data_ptr()
    assert kept[2] is small and kept[3] is other and kept[4] is None
    assert not list(tmp_path.iterdir())  # no name is left, whatever ends this process


def test_strides_are_kept(tmp_path):
    last = torch.randn(2, 3, 512, 512).to(memory_format=torch.channels_last)
    (kept,) = spill([last], tmp_path)
    assert kept.stride() == last.stride()


def test_memory_comes_back(tmp_path):
    def mapped() -> int:
        lines = Path("/proc/self/maps").read_text().splitlines()
        return sum(str(tmp_path) in line and "(deleted)" in line for line in lines)

    kept = spill([torch.zeros(MANY * 4)], tmp_path)
    assert mapped() == 1
    del kept
    gc.collect()
    assert mapped() == 0


def test_a_full_disk_is_no_crash(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(module.os, "posix_fallocate", full)
    assert spill([torch.zeros(MANY * 4)], tmp_path) is None
    assert spill([torch.zeros(3)], tmp_path) is not None  # there is nothing to write


def test_memory_is_no_disk(tmp_path):
    assert folder_on_disk(Path("/dev/shm")) != Path("/dev/shm")


def pool_of(scratch, memory):
    problem = FakeProblem(torch.nn.Softmax(-1), lambda: torch.rand(MANY // 16, 64))
    return Pool(problem, Options(inputs=12), b"secret" * 3, memory, scratch)


def test_a_pool_with_little_memory_says_the_same(tmp_path, monkeypatch):
    pools = pool_of(tmp_path, 1 << 40), pool_of(tmp_path, 1 << 20)
    for index in sorted(pools[0].planned):
        here, there = (pool.item(index) for pool in pools)
        for a, b in zip(here.outputs, there.outputs, strict=True):
            assert torch.equal(a.eager, b.eager) and torch.equal(a.exact, b.exact)
            assert (a.error.rms, a.change.rms, a.rms) == (b.error.rms, b.change.rms, b.rms)
    spilled = [item.spilled for item in pools[1]._items.values()]
    assert all(spilled) and len(spilled) == len(pools[1].planned)
    assert pools[0].constant() == pools[1].constant() is None
    first = next(iter(pools[1]._items.values()))
    pools[1].calibrate(first, draws=4)  # a doubtful output is calibrated again: what is new of it goes to a file too
    assert first.spilled
    monkeypatch.setattr(module.os, "posix_fallocate", lambda *_: (_ for _ in ()).throw(OSError(28, "full")))
    full = pool_of(tmp_path, 1 << 20)
    for index in sorted(full.planned):
        full.item(index)
    assert sum("stay in memory" in note for note in full.notes) == 1


PROBLEM = """
import torch


class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.norm = torch.nn.LayerNorm(4096)

    def forward(self, x):
        return self.norm(x)


def get_inputs():
    return [torch.randn(4096, 4096)]
"""
JUDGE = """
import json, resource, sys
from burnish.judge.session import Session

_, file, scratch, gigabytes = sys.argv
limit = int(float(gigabytes) * (1 << 30))
resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
session = Session({"file": file, "class": "Model", "inputs_from": None}, {"inputs": 10, "timing_seconds": 1}, scratch)
session.open()
verdict = session.judge({"form": "original", "name": "original"}, "search")
session.close()
print(json.dumps([verdict["verdict"], verdict["detail"]]))
"""


@pytest.mark.slow
def test_the_judge_needs_memory_for_some_tensors_and_not_for_all(tmp_path):
    """64 MB in, 64 MB out: a dozen calibrated inputs with float64 references are 3 GB."""
    (tmp_path / "problem.py").write_text(PROBLEM)
    command = [sys.executable, "-c", JUDGE, str(tmp_path / "problem.py"), str(tmp_path), "3"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout.splitlines()[-1]) == ["accepted", None]
