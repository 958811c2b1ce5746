"""A session over the judge protocol, with workers in this process."""

from __future__ import annotations

import json
import socket
import threading
import time

import pytest
import torch
from burnish import native
from burnish.judge import session, twins
from burnish.judge.pool import Pool
from burnish.judge.server import serve
from burnish.judge.session import _slower_than
from fakes import FakeWorker

PROBLEM = """
import torch
class Model(torch.nn.Module):
    def __init__(self, n):
        super().__init__()
        self.linear = torch.nn.Linear(n, 48)
    def forward(self, x):
        return torch.relu(self.linear(x))
def get_inputs():
    return [torch.rand(16, 64)]
def get_init_inputs():
    return [64]
"""


class Client:
    """The orchestrator's side: answers leases, keeps events."""

    def __init__(self) -> None:
        self.ours, theirs = socket.socketpair()
        self.thread = threading.Thread(target=serve, args=(theirs,), daemon=True)
        self.thread.start()
        self.file = self.ours.makefile("rw")
        self.events, self.number = [], 0

    def ask(self, **request):
        self.number += 1
        self.file.write(json.dumps({"id": self.number, **request}) + "\n")
        self.file.flush()
        while True:
            message = json.loads(self.file.readline())
            if "event" not in message:
                assert message["id"] == self.number
                return message
            self.events.append(message)
            if message == {"event": "lease", "state": "take"}:
                self.file.write('{"event": "lease", "state": "taken"}\n')
                self.file.flush()

    def close(self):
        self.ask(do="close")
        self.thread.join(10)
        assert not self.thread.is_alive()


@pytest.fixture
def client(monkeypatch, tmp_path):
    monkeypatch.setattr(twins, "_start", lambda form, **settings: FakeWorker(form, **settings))
    (tmp_path / "problem.py").write_text(PROBLEM)
    c = Client()
    c.tmp_path = tmp_path
    yield c
    c.close()


def open_problem(client, **options):
    spec = {"file": str(client.tmp_path / "problem.py"), "class": "Model", "inputs_from": None}
    options = {"inputs": 20, "timing_seconds": 0.2, **options}
    return client.ask(do="open", problem=spec, options=options, scratch=str(client.tmp_path))


def judge(client, function, stage="eval", name="mine", **more):
    FakeWorker.functions[name] = function
    reply = client.ask(do="judge", candidate={"form": "model_new", "file": name, "name": name} | more, stage=stage)
    return reply["ok"]


class Mine:
    """A candidate that computes the problem its own way from the worker's parameters."""

    def __init__(self, change=lambda y: y):
        self.change = change

    def __call__(self, x):
        worker = FakeWorker.running
        return self.change((x @ worker.params["linear.weight"].T + worker.params["linear.bias"]).clamp_min(0))


LIVE = []


@pytest.fixture(autouse=True)
def live(monkeypatch):
    LIVE.clear()
    original = FakeWorker.__init__
    monkeypatch.setattr(FakeWorker, "__init__", lambda self, *a, **k: (original(self, *a, **k), LIVE.append(self))[0])


def test_opens_and_judges(client):
    opened = open_problem(client)["ok"]
    assert opened["name"] == "problem"
    assert (client.tmp_path / "plan" / "plan.json").exists()
    assert 1e-9 < opened["eager_error"] < 1e-6
    verdict = judge(client, Mine())
    assert (verdict["verdict"], verdict["reason"], verdict["contract"], verdict["flat"]) == (
        "accepted",
        "ok",
        "full",
        True,
    )
    assert (
        verdict["inputs"] == 20
        and verdict["speedup"] > 0
        and verdict["interval"][0] <= verdict["speedup"] <= verdict["interval"][1]
    )
    assert all(e["state"] in ("take", "give") for e in client.events if e["event"] == "lease")
    assert len(verdict["samples"]["reference"]) == 4
    wrong = judge(client, Mine(lambda y: y + 0.01))
    assert (wrong["verdict"], wrong["speedup"]) == ("refused", None)
    assert wrong["detail"]["output"] == 0 and wrong["detail"]["kind"] == "generated"
    assert "off by" in wrong["detail"]["hint"]
    assert judge(client, Mine())["verdict"] == "accepted"


@pytest.mark.parametrize(
    ("error", "reason", "says"),
    [
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), "too-large", "do not fit in memory"),
        (RuntimeError("something else"), "environment", "the judge failed"),
    ],
)
def test_what_fails_while_references_are_made(client, monkeypatch, error, reason, says):
    def fail(self, index):
        raise error

    monkeypatch.setattr(Pool, "item", fail)
    said = open_problem(client)["error"]
    assert said["reason"] == reason and says in json.dumps(said)


def test_the_judge_is_heard_while_the_runtime_is_built(client, monkeypatch):
    monkeypatch.setattr(session, "BUILD_HEARD_SECONDS", 0.05)
    built = native.runtime
    monkeypatch.setattr(native, "runtime", lambda: (time.sleep(0.5), built())[1])
    assert "ok" in open_problem(client)
    assert len([e for e in client.events if e.get("phase") == session.BUILDING]) >= 3


def test_search_is_quick_about_slow_candidates(client):
    open_problem(client)

    def slow(y):
        for _ in range(200):
            y = y.clone()
        return y

    verdict = judge(client, Mine(slow), stage="search")
    assert verdict["verdict"] == "accepted" and verdict["speedup"] < 0.95 and verdict["inputs"] == 3


def test_search_does_not_verify_in_full_what_cannot_be_the_best(client):
    open_problem(client)
    verdict = judge(client, Mine(), stage="search", to_beat=1e6)
    assert verdict["verdict"] == "accepted" and verdict["inputs"] == 3
    assert any("in the quick timing: verified on 3 inputs only" in note for note in verdict["notes"])


@pytest.mark.parametrize(
    ("speedup", "high", "to_beat", "than"),
    [
        (0.5, 0.6, None, "the reference"),
        (0.5, 0.6, 2.0, "the reference"),
        (0.95, 1.1, None, None),
        (1.3, 1.5, 1.6, "another candidate (1.60x at least)"),
        (1.3, 1.7, 1.6, None),
    ],
)
def test_what_a_quick_timing_shows_to_be_slow(speedup, high, to_beat, than):
    class Quick:
        pairs = (1,)

        def interval(self):
            return (0.0, high)

    Quick.speedup = speedup
    assert _slower_than(Quick(), to_beat) == than


def test_wrong_only_while_timed(client):
    open_problem(client)
    calls = [0]

    def later(y):
        calls[0] += 1
        return y + (calls[0] > 45)

    assert judge(client, Mine(later))["verdict"] == "refused"


def test_every_worker_is_closed(client):
    open_problem(client)
    judge(client, Mine())
    client.ask(do="close")
    client.thread.join(10)
    assert LIVE and all(w.closed for w in LIVE)
    client.ask = lambda **k: None


@pytest.mark.parametrize(
    ("options", "word"),
    [({"inputs": 3}, "at least 10"), ({"precision": "low"}, "highest"), ({"domain": ["y=unit"]}, "no input")],
)
def test_flags_that_cannot_be(client, options, word):
    reply = open_problem(client, **options)
    assert word in reply["error"]["what"]


def test_a_problem_that_is_not_there(client):
    reply = client.ask(
        do="open", problem={"file": str(client.tmp_path / "nothing.py")}, options={}, scratch=str(client.tmp_path)
    )
    assert reply["error"]["reason"] == "file"
    assert client.ask(do="judge", candidate={"form": "original"}, stage="eval")["error"]["what"] == "no problem is open"


def test_trivial_is_accepted_and_said(client):
    (client.tmp_path / "problem.py").write_text(
        PROBLEM.replace("torch.relu(self.linear(x))", "torch.softmax(x, -1).sum(-1)")
    )
    assert open_problem(client)["ok"]["trivial"]
    assert judge(client, lambda x: torch.ones(16))["reason"] == "trivial"
