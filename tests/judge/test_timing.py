"""Timing: shapes of blocks, intervals, the lease."""

from __future__ import annotations

import contextlib
import multiprocessing
import random
import threading
import time

import pytest
from burnish.judge.intervals import WIN, interval, ratio
from burnish.judge.lease import Lease
from burnish.judge.timing import Side, Stopwatch, Timing, TimingFailed, measure, shape_for, time_pair


class ClockWorker:
    """A worker whose calls take what it is told, without taking it."""

    def __init__(self, seconds, noise=0.0, seed=0, fails_at=None):
        self.seconds, self.noise, self.rng = seconds, noise, random.Random(seed)
        self.calls, self.running, self.fails_at = 0, True, fails_at

    def time(self, slots, calls, batch=1, flush=False, sample=(), vary=(), poke=()):
        assert self.running
        taken = []
        for n in range(calls):
            self.calls += 1
            if self.fails_at is not None and self.calls > self.fails_at:
                return taken, {n: type("O", (), {"reason": "crash", "message": "died", "ok": False})()}
            taken.append(self.seconds * batch * (1 + self.noise * self.rng.random()))
        return taken, {n: type("O", (), {"ok": True})() for n in sample}

    def freeze(self):
        self.running = False

    def thaw(self):
        self.running = True


def timed(reference, candidate, pairs=5, samples=0, inspect=None, seconds=0.5, **options):
    import contextlib

    @contextlib.contextmanager
    def make(number):
        a, b = reference(number), candidate(number)
        yield Stopwatch(
            Side(a, [0, 1, 2]),
            Side(b, [0, 1, 2]),
            flush=True,
            rng=random.Random(number),
            inspect=inspect,
            samples=samples,
        )

    return measure(make, pairs, seconds, Lease(path=None), **options)


@pytest.mark.parametrize("seconds", [20e-6, 1e-3, 50e-3])
def test_finds_the_ratio(seconds):
    timing = timed(lambda n: ClockWorker(seconds, 0.1, n), lambda n: ClockWorker(seconds / 2, 0.1, n + 50))
    assert timing.speedup == pytest.approx(2, rel=0.05) and timing.win
    low, high = timing.interval()
    assert low <= timing.speedup <= high


def test_equals_do_not_win():
    wins = 0
    for trial in range(40):
        rng = random.Random(trial)
        timing = timed(
            lambda n, rng=rng: ClockWorker(1e-3 * rng.gauss(1, 0.02), 0.3, n),
            lambda n, rng=rng: ClockWorker(1e-3 * rng.gauss(1, 0.02), 0.3, n + 9),
            seconds=0.2,
        )
        wins += timing.win
    assert wins == 0


def test_only_one_twin_runs_at_a_time_and_order_turns():
    a, b = ClockWorker(1e-3), ClockWorker(1e-3)
    watch = Stopwatch(Side(a, [0]), Side(b, [0]), flush=False, rng=random.Random(1))
    time_pair(watch, 0.1, Timing(), first="candidate")
    assert a.running != b.running


def test_samples_are_spread_over_the_whole_timing():
    seen = []
    timed(
        lambda n: ClockWorker(1e-3),
        lambda n: ClockWorker(1e-3),
        pairs=1,
        samples=20,
        inspect=lambda slot, outcome: seen.append(slot) or True,
    )
    assert 15 <= len(seen) <= 20


def test_who_dies_is_named():
    with pytest.raises(TimingFailed) as e:
        timed(lambda n: ClockWorker(1e-3), lambda n: ClockWorker(1e-3, fails_at=30))
    assert e.value.side == "candidate" and e.value.outcome.reason == "crash"


def test_batches_below_200_us_only():
    assert shape_for(20e-6, 1).batch == 10 and shape_for(300e-6, 1).batch == 1
    assert shape_for(0.05, 0.1).rounds == 4  # two of each order
    assert shape_for(1e-3, 10).rounds <= 60
    slow = shape_for(0.5, 2)
    assert 4 * (slow.calls + slow.discarded) * slow.rounds == 16, "a search of a slow module is 8 calls a side"


def test_interval_of_one_pair_holds_the_estimate():
    low, high = interval([[1.0, 1.1, 1.2, 0.9]])
    assert low <= ratio([[1.0, 1.1, 1.2, 0.9]]) <= high


def test_one_bad_pair_does_not_hide_a_win():
    pairs = [[1.5, 1.51, 1.49]] * 4 + [[0.7, 0.71, 0.69]]
    assert ratio(pairs) == 1.5
    assert interval([[1.5, 1.51, 1.49]] * 5)[0] > WIN


def test_eight_pairs_need_no_assumption():
    pairs = [[r] for r in (1.3, 1.1, 1.5, 1.2, 1.25, 1.4, 1.35, 1.28)]
    assert interval(pairs) == (1.1, 1.5)
    assert interval([*pairs, [0.5], [1.3], [1.3], [1.3]]) == (1.1, 1.4)  # of twelve one may be anything at either end


def test_more_pairs_where_five_do_not_tell():
    """Pairs that scatter by 10%, as calls of 100 us do between processes, hide 1.25x from five pairs."""
    scatter = (1.0, 0.88, 1.12, 0.9, 1.1)

    def pairs_of(speedup):
        timing = timed(
            lambda n: ClockWorker(1e-3, 0.02, n),
            lambda n: ClockWorker(1e-3 / speedup * scatter[n % 5], 0.02, n + 9),
            seconds=0.1,
            further=(8, 12),
        )
        return len(timing.pairs), timing.win

    assert pairs_of(1.25) == (8, True)
    assert pairs_of(2.0) == (5, True)
    assert pairs_of(0.9) == (5, False)


def test_the_side_that_begins_turns():
    """What the judge compares between rounds slows whoever runs next: both sides as often."""
    blocks = []

    class Noting(ClockWorker):
        def time(self, *args, **options):
            blocks.append(self)
            return super().time(*args, **options)

    a, b = Noting(20e-3), Noting(20e-3)
    watch = Stopwatch(Side(a, [0]), Side(b, [0]), flush=False, rng=random.Random(1), samples=4)
    begins = []
    watch.settle = lambda: begins.append(len(blocks))
    time_pair(watch, 3, Timing(), first="reference")
    assert [blocks[at] is a for at in begins] == [n % 2 == 0 for n in range(len(begins))] and len(begins) >= 4


def _hold(path, held, done):
    lease = Lease(path=path)
    with lease.exclusive():
        held.set()
        done.wait(10)


def test_the_lease_is_one_for_all_processes(tmp_path):
    path, context = str(tmp_path / "lease"), multiprocessing.get_context("spawn")
    held, done = context.Event(), context.Event()
    other = context.Process(target=_hold, args=(path, held, done))
    other.start()
    try:
        assert held.wait(60)
        states = []
        lease = Lease(states.append, path)
        started = time.monotonic()
        threading.Timer(0.3, done.set).start()
        with lease.exclusive():
            waited = time.monotonic() - started
            with lease.exclusive(), lease.shared():
                pass
        assert waited > 0.25 and states == ["take", "give"]
    finally:
        done.set()
        other.join(10)


def _in_thread(held, order, name, done):
    """Takes `held`, notes it, and gives it back once `done` is set."""

    def work():
        with held():
            order.append(name)
            done.wait(20)

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


def _blocks(thread):
    thread.join(0.3)
    return thread.is_alive()


def test_who_waits_to_time_goes_before_newcomers_that_share(tmp_path):
    """Beside three runs that verified, a timing waited 20 s and more: somebody always shared the lock."""
    verifying, timing, newcomer = (Lease(path=str(tmp_path / "lease")) for _ in range(3))
    order, done = [], threading.Event()
    with verifying.shared():
        first = _in_thread(timing.exclusive, order, "times", done)
        assert _blocks(first) and order == []
        second = _in_thread(newcomer.shared, order, "verifies", done)
        assert _blocks(second) and order == []
    for _ in range(100):
        if order:
            break
        time.sleep(0.05)
    assert order == ["times"] and _blocks(second)
    done.set()
    first.join(20)
    second.join(20)
    assert order == ["times", "verifies"]
    assert timing.waited > 0.2 and newcomer.waited > 0.2 and verifying.waited == 0


def test_who_shares_and_then_times_lets_another_time_first(tmp_path):
    ours, theirs = (Lease(path=str(tmp_path / "lease")) for _ in range(2))
    order, done = [], threading.Event()
    done.set()
    with ours.shared(), ours.shared():
        thread = _in_thread(theirs.exclusive, order, "theirs", done)
        assert _blocks(thread)
        with ours.exclusive():
            order.append("ours")
        assert order == ["theirs", "ours"]
        assert _blocks(_in_thread(Lease(path=str(tmp_path / "lease")).exclusive, [], "", done))  # shared again


def test_waiting_for_another_is_told(tmp_path):
    told = []

    @contextlib.contextmanager
    def waiting():
        told.append("begins")
        yield
        told.append("ends")

    path, order, done = str(tmp_path / "lease"), [], threading.Event()
    lease = Lease(path=path, waiting=waiting)
    with lease.shared():
        pass
    assert told == []
    other = _in_thread(Lease(path=path).exclusive, order, "", done)
    while not order:
        time.sleep(0.01)
    threading.Timer(0.3, done.set).start()
    with lease.shared():
        assert told == ["begins", "ends"] and lease.waited > 0.2
    other.join(20)


def test_large_outputs_do_not_pile_up_until_the_next_look(monkeypatch):
    import torch
    from burnish.judge import timing as module

    monkeypatch.setattr(module, "UNSEEN_BYTES", 5_000)
    held, most = 0, 0

    class Large(ClockWorker):
        def time(self, slots, calls, sample=(), **options):
            nonlocal held, most
            seconds, outcomes = super().time(slots, calls, sample=sample, **options)
            for outcome in outcomes.values():
                outcome.tensors, outcome.inputs = [torch.zeros(1000)], [torch.zeros(500)]
                held += 6000
            most = max(most, held)
            return seconds, outcomes

    def inspect(slot, outcome):
        nonlocal held
        held -= 6000
        return True

    timing = timed(lambda n: ClockWorker(0.05), lambda n: Large(0.05), samples=30, inspect=inspect)
    assert timing.sampled >= 20 and held == 0 and most == 6000
