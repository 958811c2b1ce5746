"""burnish.nursery: workers that a fork server started behave as those that were started from nothing."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import torch
from burnish.problem import load_problem
from burnish.workers import Worker, start_nursery
from processes import tree_of
from worker_tools import gone

PROBLEM = """
import torch
class Model(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.l = torch.nn.Linear(8, 8)
    def forward(self, x): return self.l(x)
def get_inputs(): return [torch.randn(4, 8)]
def get_init_inputs(): return []
"""


@pytest.fixture(scope="module")
def nursery():
    nursery = start_nursery()
    yield nursery
    nursery.close()


@pytest.fixture
def problem(tmp_path):
    (tmp_path / "problem.py").write_text(PROBLEM)
    return load_problem(str(tmp_path / "problem.py"))


def started(nursery, problem, load=None, **settings) -> Worker:
    worker = Worker.start("python", trusted=True, nursery=nursery, **settings)
    loaded = worker.load({"kind": "reference", "problem": problem.payload, **(load or {})})
    assert loaded.ok, loaded.message
    assert worker.set_params({**problem.module.state_dict()}).ok
    return worker


def calls_right(worker: Worker, problem) -> None:
    x = torch.randn(4, 8)
    assert worker.set_slots([[x]]).ok
    outcome = worker.call(0)
    assert outcome.ok, outcome.message
    torch.testing.assert_close(outcome.tensors[0], problem.module(x))


def test_workers_are_forked_at_once_and_compute(nursery, problem) -> None:
    started(nursery, problem).close()  # by now the server has imported everything
    begin = time.perf_counter()
    with started(nursery, problem) as a, started(nursery, problem) as b:
        assert time.perf_counter() - begin < 0.6, "PyTorch was imported again"
        assert a.pid != b.pid
        for worker in (a, b):
            calls_right(worker, problem)
            seconds, _ = worker.time([0], 5)
            assert len(seconds) == 5


def test_a_compiling_recipe_runs_in_a_warm_one(nursery, problem) -> None:
    recipe = {"burnish_recipe": 1, "compile": {"mode": "default"}}
    with started(nursery, problem, {"kind": "recipe", "recipe": recipe}, warm=["compile"]) as worker:
        calls_right(worker, problem)


def test_compiling_does_not_count_as_calling(nursery, problem) -> None:
    """torch.compile works in the first call: on a loaded machine longer than a call may take."""
    recipe = {"burnish_recipe": 1, "compile": {"mode": "default"}}
    with started(nursery, problem, {"kind": "recipe", "recipe": recipe}, warm=["compile"]) as worker:
        assert worker.set_slots([[torch.randn(4, 8)]]).ok
        outcome = worker.call(0, timeout=0.001)
        assert outcome.ok, outcome.message


def test_a_warm_one_does_not_ask_again_for_vector_instructions(nursery, problem) -> None:
    """Each kind costs a Python that loads PyTorch's library: seconds in every worker's first call."""
    recipe = {"burnish_recipe": 1, "compile": {"mode": "default"}}
    with started(nursery, problem, {"kind": "recipe", "recipe": recipe}, warm=["compile"]) as worker:
        seen: set[str] = set()
        done = threading.Event()

        def watch() -> None:
            while not done.is_set():
                for pid in tree_of(worker.pid):
                    with contextlib.suppress(OSError):
                        seen.add(Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()[:2000])
                time.sleep(0.01)

        thread = threading.Thread(target=watch)
        thread.start()
        calls_right(worker, problem)
        done.set()
        thread.join()
    assert seen, "nothing was watched"
    assert not [command for command in seen if "LoadLibrary" in command], seen


def test_a_server_for_gpus_forks_where_it_has_started_none(problem) -> None:
    """Here there may be no GPU: the worker keeps copies beside the arena as on one."""
    nursery = start_nursery(gpu=True)
    recipe = {"burnish_recipe": 1, "compile": {"mode": "default"}}
    with started(nursery, problem, device="copied") as worker:
        assert b"CUDA_VISIBLE_DEVICES=\0" not in Path(f"/proc/{worker.pid}/environ").read_bytes()
        calls_right(worker, problem)
        with started(nursery, problem, {"kind": "recipe", "recipe": recipe}, warm=["compile"], device="copied") as two:
            calls_right(two, problem)
        assert nursery.alive() and not nursery.gone()
    with started(nursery, problem, device="cpu") as worker:  # sees no GPU: not from this server
        assert b"CUDA_VISIBLE_DEVICES=\0" in Path(f"/proc/{worker.pid}/environ").read_bytes()
    nursery.close()


def test_the_end_of_a_worker_is_reported_and_costs_the_server_nothing(nursery, problem) -> None:
    for number, reason in ((signal.SIGSEGV, "crash"), (signal.SIGKILL, "memory")):
        with started(nursery, problem) as worker:
            assert worker.set_slots([[torch.randn(4, 8)]]).ok
            os.kill(worker.pid, number)
            outcome = worker.call(0)
            assert (outcome.ok, outcome.reason) == (False, reason), outcome.message
    with started(nursery, problem) as worker:
        calls_right(worker, problem)


def test_a_closed_worker_is_gone_and_descriptors_are_not_handed_on(nursery, problem) -> None:
    with started(nursery, problem) as first:
        with started(nursery, problem) as second:
            links = {os.readlink(f) for f in Path(f"/proc/{second.pid}/fd").iterdir()}
            sockets = [link for link in links if link.startswith("socket:")]
            assert len(sockets) == 2, f"more than its control and call sockets: {links}"
            pid = second.pid
        assert gone([pid])
        calls_right(first, problem)


def test_a_memory_limit_holds(nursery, problem) -> None:
    with started(nursery, problem, memory_bytes=8 << 30) as worker:
        limits = Path(f"/proc/{worker.pid}/limits").read_text()
        assert str(8 << 30) in next(line for line in limits.splitlines() if line.startswith("Max data size"))


def test_without_its_server_a_worker_is_started_the_slow_way(problem) -> None:
    nursery = start_nursery()
    started(nursery, problem).close()
    os.kill(nursery._process.pid, signal.SIGKILL)
    nursery._process.wait()
    with started(nursery, problem) as worker:
        calls_right(worker, problem)
    nursery.close()


def test_everything_dies_with_the_judge(tmp_path) -> None:
    (tmp_path / "problem.py").write_text(PROBLEM)
    script = f"""
import sys, time
from burnish.problem import load_problem
from burnish.workers import Worker, start_nursery
nursery = start_nursery()
worker = Worker.start("python", trusted=True, nursery=nursery)
assert worker.load({{"kind": "reference", "problem": load_problem({str(tmp_path / "problem.py")!r}).payload}}).ok
worker.freeze()
print(nursery._process.pid, worker.pid, flush=True)
time.sleep(600)
"""
    judge = subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True)
    assert judge.stdout is not None
    pids = [int(word) for word in judge.stdout.readline().split()]
    assert set(pids) <= set(tree_of(judge.pid))
    judge.kill()
    judge.wait()
    assert gone(pids)


def test_a_judge_that_is_process_number_one_has_a_server(tmp_path) -> None:
    """As a container's main program is: its children's parent is number 1, and alive."""
    spaces = ["unshare", "--pid", "--fork", "--mount-proc", "--kill-child"]
    if subprocess.run([*spaces, "true"], capture_output=True, check=False).returncode != 0:
        pytest.skip("no namespaces of processes here")
    script = """
import os, time
from burnish.workers import start_nursery
assert os.getpid() == 1
nursery = start_nursery()
time.sleep(3)
assert nursery.alive()
nursery.close()
"""
    done = subprocess.run([*spaces, sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
