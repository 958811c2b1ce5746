"""Every attack earns its refusal from a real judge with real workers, leaves nothing behind, and changes nothing for
the honest candidate after it."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator

import pytest
from corpus import NO_WIN, Attack, attacks
from driver import Judge
from leftovers import descendants, memory_files, orphans, settled

# What is accepted today and why: attack -> one line. A hole that is closed must leave this list (xfail is strict).
KNOWN_HOLES: dict[str, str] = {}

MOST_JUDGE_BYTES = 3 << 30  # whatever a worker sends, the judge stays small
SPARE_PROCESSES = 12  # a judge keeps a started worker or two in hand, each with its sandbox
SPARE_MEMORY_FILES = 16
WIN = 1.02


class Bench:
    """The judge of one problem, replaced when the next attack has another problem or other flags."""

    def __init__(self) -> None:
        self._key: object = None
        self._judge: Judge | None = None

    def judge(self, attack: Attack) -> Judge:
        key = attack.problem, sorted(attack.options.items())
        if self._judge is None or key != self._key:
            self.close()
            self._judge, self._key = Judge(attack.problem, dict(attack.options)), key
            check_controls(self._judge)
        return self._judge

    def close(self) -> None:
        """Ends the judge: its controls stand as they stood at first, and nothing of it is left."""
        if self._judge is None:
            return
        judge, self._judge = self._judge, None
        try:
            check_controls(judge)
        finally:
            judge.close()
        assert settled(lambda: not descendants(judge.process.pid))


def control(judge: Judge, kind: str, stage: str = "eval") -> dict:
    return judge.verdict(
        judge.problem.parent.parent / "controls" / f"{judge.problem.stem}_{kind}.py", "model_new", stage
    )


def check_controls(judge: Judge) -> None:
    assert control(judge, "honest")["verdict"] == "accepted"
    wrong = control(judge, "wrong", "search")
    assert (wrong["verdict"], wrong["reason"]) == ("refused", "values")


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    the_bench = Bench()
    yield the_bench
    the_bench.close()


@pytest.fixture(scope="module", autouse=True)
def listeners() -> Iterator[list[socket.socket]]:
    """Servers on this machine that no candidate may reach (attack calls_home)."""
    tcp, unix = socket.socket(), socket.socket(socket.AF_UNIX)
    tcp.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    tcp.bind(("127.0.0.1", 48123))
    unix.bind("\0burnish-attack")
    for s in (tcp, unix):
        s.listen()
        s.setblocking(False)
    os.environ["ATTACK_CANARY"] = "seen"
    yield [tcp, unix]
    del os.environ["ATTACK_CANARY"]
    for s in (tcp, unix):
        s.close()


def earned(attack: Attack, verdict: dict) -> bool:
    if verdict["verdict"] == "accepted":
        return NO_WIN in attack.reasons and (verdict["interval"] is None or verdict["interval"][0] <= WIN)
    return verdict["reason"] in attack.reasons


@pytest.mark.parametrize("attack", attacks(), ids=lambda a: a.name)
def test_attack_is_refused(attack, bench, listeners, request):
    if attack.name in KNOWN_HOLES:
        request.node.add_marker(pytest.mark.xfail(strict=True, reason=KNOWN_HOLES[attack.name]))
    judge = bench.judge(attack)
    strays = set(orphans())
    verdict = judge.verdict(attack.path, attack.form)
    said = {k: verdict.get(k) for k in ("verdict", "reason", "detail", "interval")}
    assert earned(attack, verdict), said
    for s in listeners:
        with pytest.raises(BlockingIOError):
            s.accept()
    assert judge.process.poll() is None
    assert judge.resident_bytes() < MOST_JUDGE_BYTES
    assert settled(lambda: len(descendants(judge.process.pid)) <= SPARE_PROCESSES), descendants(judge.process.pid)
    assert settled(lambda: memory_files(judge.process.pid) <= SPARE_MEMORY_FILES)
    assert settled(lambda: set(orphans()) <= strays), orphans()
    after = control(judge, "honest", "search")
    assert after["verdict"] == "accepted", after["detail"]
