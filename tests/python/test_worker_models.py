"""python -m burnish.worker behind burnish.workers: the reference, and ModelNew candidates that behave or attack."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path

import pytest
import torch
from burnish import native
from burnish.workers import Worker
from processes import tree_of
from worker_tools import gone, leaving_nothing

PROBLEM = """
import torch
class Model(torch.nn.Module):
    def __init__(self, n):
        super().__init__()
        self.l = torch.nn.Linear(n, n)
        self.register_buffer("shift", torch.ones(n))
    def forward(self, x): return {"y": self.l(x) + self.shift, "pair": (x.sum(), 2)}
def get_inputs(): return [torch.randn(4, 8)]
def get_init_inputs(): return [8]
"""

HONEST = """
import torch
class ModelNew(torch.nn.Module):
    def __init__(self, n):
        super().__init__()
        self.l = torch.nn.Linear(n, n)
        self.register_buffer("shift", torch.ones(n))
    def forward(self, x):
        return {"y": torch.addmm(self.l.bias, x, self.l.weight.t()) + self.shift, "pair": (x.sum(), 2)}
"""


class Reference:
    def __init__(self) -> None:
        scope: dict = {}
        exec(PROBLEM, scope)
        self.module = scope["Model"](8).eval()
        self.params = {k: t.detach() for k, t in [*self.module.named_parameters(), *self.module.named_buffers()]}
        self.x = [torch.randn(4, 8) for _ in range(3)]

    def check(self, outcome, x) -> None:
        assert outcome.ok, outcome.message
        assert outcome.structure == {"y": {"tensor": 0}, "pair": [{"tensor": 1}, 2]}
        with torch.no_grad():
            want = self.module(x)
        torch.testing.assert_close(outcome.tensors[0], want["y"])
        torch.testing.assert_close(outcome.tensors[1], want["pair"][0])


@pytest.fixture
def problem(tmp_path):
    (tmp_path / "problem").mkdir()
    file = tmp_path / "problem" / "problem.py"
    file.write_text(PROBLEM)
    return {"file": str(file), "class": "Model", "inputs_from": None, "mode": "eval", "seed": 1}


@pytest.fixture
def candidate(tmp_path, problem):
    """candidate(source): a worker and the outcome of loading; closed and searched for remains at the end."""
    open_workers = []

    def load(source: str, timeout: float = 60.0, worker: Worker | None = None, **settings):
        file = tmp_path / "candidate.py"
        file.write_text(source)
        if worker is None:
            context = leaving_nothing(Worker.start("python", **settings))
            worker = context.__enter__()
            open_workers.append(context)
        return worker, worker.load({"kind": "model_new", "file": str(file), "problem": problem}, timeout)

    yield load
    for context in open_workers:
        context.__exit__(None, None, None)


def ready(candidate, source: str, **settings):
    """A worker with parameters and slots, and the reference."""
    worker, loaded = candidate(source, **settings)
    assert loaded.ok, loaded.message
    reference = Reference()
    assert worker.set_params(reference.params).ok
    assert worker.set_slots([[x] for x in reference.x]).ok
    return worker, reference


def forward(body: str, before: str = "", construct: str = "") -> str:
    """HONEST with statements in front of forward's, of the constructor's end, and of the file's."""
    text = HONEST.replace("    def forward(self, x):\n", "    def forward(self, x):\n" + _indent(body, 8))
    text = text.replace("torch.ones(n))\n", "torch.ones(n))\n" + _indent(construct, 8))
    return text.replace(
        "import torch\n", "import torch, os, sys, ctypes, socket, subprocess, threading\n" + before + "\n", 1
    )


def _indent(text: str, by: int) -> str:
    return "".join(" " * by + line + "\n" for line in text.splitlines())


def test_the_reference_runs_on_parameters_of_the_judge(problem):
    reference = Reference()
    with leaving_nothing(Worker.start("python", trusted=True)) as worker:
        assert worker.load({"kind": "reference", "problem": problem}).ok
        worker.set_params(reference.params)
        worker.set_slots([[x] for x in reference.x])
        for slot, x in enumerate(reference.x):
            reference.check(worker.call(slot, poison=slot == 1), x)
        for tensor in reference.params.values():
            tensor.mul_(3)
        worker.set_params(reference.params)
        assert worker.refresh().ok
        reference.check(worker.call(0), reference.x[0])
        assert len(worker.time([0, 1], 5)[0]) == 5


def test_an_honest_candidate_is_warmed_up_and_sealed(candidate):
    worker, reference = ready(candidate, forward("", construct="self.helper = subprocess.Popen(['sleep', '100'])"))
    for slot, x in enumerate(reference.x):
        reference.check(worker.call(slot, poison=True, keep=True), x)
    assert len(tree_of(worker.pid)) == 3  # bwrap, its init, the worker: the helper is gone
    for tensor in reference.params.values():
        tensor.mul_(-2)
    worker.set_params(reference.params)
    assert worker.refresh().ok
    reference.check(worker.call(1), reference.x[1])
    assert not worker.params_changed() and not worker.inputs_changed(1)
    _, sampled = worker.time([2, 0], 10, sample={4})
    reference.check(sampled[4], reference.x[2])


def test_candidates_that_do_not_load_are_outcomes(candidate):
    worker = None
    for source, reason, text in (
        ("x = (", "compile", "SyntaxError"),
        ("import no_such_module", "crash", "no_such_module"),
        ("y = 1", "plan", "ModelNew"),
        (HONEST.replace("super().__init__()", "raise RuntimeError('no')"), "crash", "no"),
        (HONEST.replace("super().__init__()", "super().__init__(); raise SystemExit(0)"), "crash", "SystemExit"),
    ):
        worker, loaded = candidate(source, worker=worker)
        assert not loaded.ok and loaded.reason == reason and text in loaded.message, source
    worker, loaded = candidate(HONEST, worker=worker)
    assert loaded.ok


def test_other_parameters_are_refused(candidate):
    worker, loaded = candidate(HONEST.replace("self.l = torch.nn.Linear(n, n)", "self.l = torch.nn.Linear(n, n + 1)"))
    assert loaded.ok
    outcome = worker.set_params(Reference().params)
    assert outcome.reason == "parameters" and "l.weight" in outcome.message
    extra = HONEST.replace("self.register", "self.extra = torch.nn.Parameter(torch.ones(1)); self.register")
    worker, loaded = candidate(extra, worker=worker)
    outcome = worker.set_params(Reference().params)
    assert outcome.reason == "parameters" and "extra" in outcome.message


def test_an_exception_names_itself(candidate):
    worker, _ = ready(candidate, forward("raise ValueError('bad\\nnews')"))
    outcome = worker.call(0)
    assert outcome.reason == "crash" and outcome.message == "ValueError: bad"


def test_subclasses_and_odd_tensors_are_refused(candidate):
    sub = "class Lazy(torch.Tensor): pass"
    worker, _ = ready(candidate, forward("return self.l(x).as_subclass(Lazy)", sub))
    assert worker.call(0).reason == "structure"
    worker, _ = ready(candidate, forward("return x.to_sparse() if x.shape[0] else x"), worker=worker)
    assert worker.call(0).reason == "structure"
    worker, _ = ready(candidate, forward("return torch.empty(3, device='meta')"), worker=worker)
    assert worker.call(0).reason == "device"


CONFINED = {
    "reads /root": "open('/root/.profile').read()",
    "reads the judge's environment": f"open('/proc/{os.getpid()}/environ').read()",
    "reads the problem": "open(os.environ['PROBLEM']).read()",
    "writes beside itself": "open(os.path.join(os.path.dirname(__file__), 'x'), 'w')",
    "writes to /dev": "open('/dev/x', 'w')",
    "opens a socket": "socket.socket()",
    "opens a local socket": "socket.socket(socket.AF_UNIX)",
}


def test_nothing_outside_can_be_reached(candidate, problem):
    """Already at import, before the second filter."""
    worker = None
    for name, statement in CONFINED.items():
        statement = statement.replace("os.environ['PROBLEM']", repr(problem["file"]))
        worker, loaded = candidate("import os, socket\n" + statement, worker=worker)
        assert not loaded.ok and loaded.reason == "crash", (name, loaded)


SEALED = {
    "fork": "os.fork()",
    "exec": "os.execv('/bin/true', ['true'])",
    "subprocess": "subprocess.run(['true'])",
    "thread": "threading.Thread(target=print).start()",
    "socketpair": "socket.socketpair()",
    "memfd": "os.memfd_create('x')",
    "kill": "os.kill(1, 9)",
}


def test_a_warm_candidate_can_start_nothing(candidate):
    """Each call tries the next thing; the first call is the warm-up, in which nothing is tried."""
    body = "self.turn = getattr(self, 'turn', -1) + 1\nif self.turn: exec(self.tries[self.turn - 1])"
    worker, _ = ready(candidate, forward(body, construct=f"self.tries = {list(SEALED.values())!r}"))
    for name in SEALED:
        outcome = worker.call(0)
        assert not outcome.ok and outcome.reason == "crash", name
        assert "PermissionError" in outcome.message or "can't start new thread" in outcome.message, outcome.message
    assert worker.alive()


def test_a_fork_bomb_in_the_constructor_is_held_and_swept(candidate):
    bomb = "for _ in range(12):\n    try: os.fork()\n    except OSError: pass"
    worker, _ = candidate(forward("", construct=bomb), timeout=15.0)  # whatever the many of them answer
    pids = tree_of(worker.pid)
    assert len(pids) < 600
    worker.close()
    assert gone(pids)
    worker, reference = ready(candidate, HONEST)
    reference.check(worker.call(0), reference.x[0])


def test_tmp_is_small_and_stdout_goes_nowhere(candidate):
    fill = (
        "try:\n    with open('/tmp/big', 'wb') as f:\n        for _ in range(3000): f.write(bytes(1 << 20))\n"
        "except OSError: pass\nelse: raise RuntimeError('no limit')"
    )
    worker, reference = ready(candidate, forward("print('x' * (1 << 20), flush=True)", construct=fill))
    reference.check(worker.call(0), reference.x[0])


def test_stderr_is_kept_to_a_size(candidate):
    flood = "try:\n    for _ in range(100): os.write(2, b'y' * 100000)\nexcept OSError: pass"
    worker, reference = ready(candidate, forward(flood))
    reference.check(worker.call(0), reference.x[0])
    assert 0 < len(worker.log()) <= 256 << 10


def test_memory_is_limited(candidate):
    worker, _ = ready(candidate, forward("torch.zeros(1 << 31)"), memory_bytes=4 << 30)
    assert worker.call(0).reason == "memory"
    worker, _ = ready(candidate, forward("bytearray(8 << 30)"), memory_bytes=4 << 30)
    assert worker.call(0).reason == "memory"


def test_hanging_and_dying_are_outcomes(candidate):
    for statement, reason in (("while True: pass", "timeout"), ("os._exit(0)", "crash"),
                              ("ctypes.string_at(8)", "crash"),
                              ("os.kill(os.getpid(), 9)", "memory")):  # fmt: skip
        worker, _ = ready(candidate, forward(statement))
        outcome = worker.call(0, timeout=2.0)
        assert not outcome.ok and outcome.reason == reason, (statement, outcome)
        assert not worker.call(0).ok


def test_a_forged_reply_is_a_violation_or_too_early(candidate):
    body = "for b in range(1, 256): os.write(4, bytes([b]))"
    worker, _ = ready(candidate, forward(body))
    assert worker.call(0).reason == "protocol"


LIAR = """
import ctypes, json, mmap, os, socket, sys
from ctypes import c_char, c_int32, c_int64, c_uint32, c_uint64


class Tensor(ctypes.Structure):  # as in src/base/protocol.h
    _fields_ = [("address", c_uint64), ("place", c_uint64), ("dtype", c_int32), ("dims", c_int32),
                ("sizes", c_int64 * 12), ("strides", c_int64 * 12)]


class Block(ctypes.Structure):
    _fields_ = [("magic", c_uint32), ("flags", c_uint32), ("batch", c_uint32), ("first", c_uint32),
                ("slots", c_uint32), ("order", c_uint32 * 256), ("device", c_uint32), ("fetched", c_uint32),
                ("vary_seed", c_uint64), ("varied", c_uint32), ("poked", c_uint32), ("vary", c_uint32 * 256),
                ("poke", c_uint32 * 256), ("state", c_uint32), ("tensors", c_uint32), ("guard_broken", c_uint32),
                ("peak_bytes", c_uint64), ("reason", c_char * 32), ("message", c_char * 4096),
                ("structure", c_char * 16384), ("tensor", Tensor * 256)]


control, calls = socket.socket(fileno=3), socket.socket(fileno=4)
block = Block.from_buffer(mmap.mmap(5, 0))
lies = json.loads(sys.argv[1])
held = ctypes.create_string_buffer(4096)
def say(text): control.sendall(text.encode() + b"\\n")
say(json.dumps({"ok": {"pid": os.getpid()}}))
turn = 0
while byte := calls.recv(1):
    if byte == b"\\0":
        control.recv(1 << 20)
        say('{"ok": {}}')
        continue
    address, dtype, dims, sizes, strides, tensors, state, structure = lies[turn]
    turn += 1
    address = ctypes.addressof(held) if address is None else address
    block.state, block.tensors, block.structure = state, tensors, structure.encode()
    sizes, strides = (sizes + [0] * 12)[:12], (strides + [0] * 12)[:12]
    block.tensor[0] = Tensor(address, 0, dtype, dims, (c_int64 * 12)(*sizes), (c_int64 * 12)(*strides))
    calls.sendall(byte)
"""


def test_forged_descriptors_are_lies(tmp_path):
    """A worker that speaks the protocol and lies in the control block: addresses, sizes and counts that are false."""
    file = tmp_path / "liar.py"
    file.write_text(LIAR)
    one = '{"tensor": 0}'
    truth = [None, 6, 1, [10], [1], 1, 1, one]
    lies = {
        "an address that is not there": [8, 6, 1, [10], [1], 1, 1, one],
        "an address of the system": [(1 << 64) - 4096, 6, 1, [10], [1], 1, 1, one],
        "a size that overflows": [None, 6, 2, [1 << 40, 1 << 40], [1 << 40, 1], 1, 1, one],
        "an expansion without end": [None, 6, 1, [1 << 50], [0], 1, 1, one],
        "a stride far beyond": [None, 6, 1, [2], [1 << 40], 1, 1, one],
        "a span that runs out of memory": [None, 6, 1, [1 << 30], [1], 1, 1, one],
        "an unknown dtype": [None, 99, 1, [1], [1], 1, 1, one],
        "a negative dtype": [None, -1, 1, [1], [1], 1, 1, one],
        "a quantised dtype": [None, 12, 1, [1], [1], 1, 1, one],
        "too many dimensions": [None, 6, 13, [1], [1], 1, 1, one],
        "a negative size": [None, 6, 1, [-1], [1], 1, 1, one],
        "a negative stride": [None, 6, 1, [4], [-1], 1, 1, one],
        "too many tensors": [None, 6, 1, [1], [1], 1 << 30, 1, one],
        "no state": [None, 6, 1, [1], [1], 1, 0, one],
        "an unknown state": [None, 6, 1, [1], [1], 1, 7, one],
        "a structure that is no JSON": [None, 6, 1, [1], [1], 1, 1, '{"tensor'],
        "a failure without a reason": [None, 6, 1, [1], [1], 1, 2, one],
    }
    remote = native.runtime().Remote.start(
        argv=[sys.executable, str(file), json.dumps([truth, *lies.values(), truth])],
        readable=[], env=[], sandbox=False,
        memory_bytes=0, tmp_bytes=1 << 20, start_timeout=30,
    )  # fmt: skip
    try:
        remote.set_slots([[torch.ones(2)]], 20.0)
        outcomes = [remote.call(0, False, False, False, 20.0) for _ in range(len(lies) + 2)]
    finally:
        remote.close()
    assert outcomes[0][0] and outcomes[0][3][0].shape == (10,) and outcomes[-1][0]
    for name, outcome in zip(lies, outcomes[1:-1], strict=True):
        assert not outcome[0] and outcome[1] == "protocol", (name, outcome)


def test_nothing_is_left_in_temporary_folders():
    assert not [p for p in Path("/tmp").glob("burnish-worker-*") if p.stat().st_mtime > time.time() - 1]
