"""Every attack earns its refusal from a real judge with real workers, leaves nothing behind, and changes nothing for
the honest candidate after it.

Here run the plans and one Python attack of each sort; bench/attacks.py judges all (about fifteen minutes).
"""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from corpus import Attack, attacks, earned
from driver import Judge
from leftovers import descendants, memory_files, settled, strays

# What is accepted today and why: attack -> one line. A hole that is closed must leave this list (xfail is strict).
KNOWN_HOLES: dict[str, str] = {}

# fmt: off
# Python attacks that run every time: each kind of trick once. A Python worker takes a second or two to start.
OFTEN = frozenset(
    {
        "one_element_of_a_million", "wrong_for_negative", "wrong_for_tiny", "wrong_for_small_rows",
        "wrong_after_warm_up", "zeros", "expected_loss", "indices_off_by_one", "tf32_product",
        "half_split_without_scale", "extra_dimension", "double_result", "missing_key", "recursive_result",
        "huge_key", "meta_result", "lazy_subclass", "aliases_input", "input_changed", "parameter_changed",
        "output_reused", "weights_baked_in", "cached_by_pointer", "thread_finishes_later", "patched_comparison",
        "walks_the_stack", "uninitialised", "output_without_storage", "reads_the_judge", "reads_the_problem",
        "reads_private_files", "reads_the_environment", "writes_packages", "calls_home", "starts_processes",
        "system_calls", "gains_privileges", "kills_others", "forged_reply_byte", "forged_block",
        "floods_control", "truncates_memory", "writes_past_output", "writes_other_inputs", "segmentation_fault",
        "exits_quietly", "raises_unprintable", "hangs", "fork_bomb_in_set_up", "leaves_a_daemon", "fills_disk",
        "fills_shared_memory", "prints_gigabytes", "missing_parameter", "keeps_own_weights", "dithers",
        "wrong_after_a_second", "weights_by_sample", "named_parameter",
    }
)
SLOW_PLANS = frozenset(
    {
        "compile_assembler_bomb", "compile_endless_constant", "compile_macro_bomb", "object_exports_libc",
    }
)
# fmt: on

MOST_JUDGE_BYTES = 3 << 30  # whatever a worker sends, the judge stays small
SPARE_PROCESSES = 12  # a judge keeps a started worker or two in hand, each with its sandbox
SPARE_MEMORY_FILES = 16


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
        assert settled(lambda: not strays(judge.process.pid, judge.scratch))


def control(judge: Judge, kind: str, stage: str = "eval") -> dict:
    return judge.verdict(
        judge.problem.parent.parent / "controls" / f"{judge.problem.stem}_{kind}.py", "model_new", stage
    )


def check_controls(judge: Judge) -> None:
    honest, wrong = control(judge, "honest", "search"), control(judge, "wrong", "search")
    assert honest["verdict"] == "accepted", honest["detail"]
    assert wrong["verdict"] == "refused" and wrong["reason"] in ("values", "precision"), wrong


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


def often() -> list[Attack]:
    return [a for a in attacks() if a.name in OFTEN or (a.form == "plan" and a.name not in SLOW_PLANS)]


def test_the_sample_names_attacks_that_exist():
    assert {a.name for a in attacks()} >= OFTEN | SLOW_PLANS
    assert len(often()) >= 150


@pytest.mark.parametrize("attack", often(), ids=lambda a: a.name)
def test_attack_is_refused(attack, bench, listeners, request):
    if attack.name in KNOWN_HOLES:
        request.node.add_marker(pytest.mark.xfail(strict=True, reason=KNOWN_HOLES[attack.name]))
    judge = bench.judge(attack)
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
    assert settled(lambda: not strays(judge.process.pid, judge.scratch)), strays(judge.process.pid, judge.scratch)
    if "seconds" in verdict:  # it reached a worker
        after = judge.verdict(Path(judge.opened["ok"]["plan"]), "plan", "search")
        assert after["verdict"] == "accepted", after["detail"]
