"""Times a candidate against its twin: rounds of A B B A between two processes, several fresh pairs of them.

Nothing is assumed of the machine's quiet: see intervals.py for how a noisy one is dealt with.
"""

from __future__ import annotations

import contextlib
import random
import statistics
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from burnish.judge.intervals import WIN, interval, ratio
from burnish.judge.lease import Lease

BATCHED_BELOW = 200e-6  # seconds a call: below it one wake-up runs several calls
BATCH_SECONDS = 200e-6
MOST_DESCRIBED = 256  # output tensors of a wake-up (base/protocol.h)
BLOCK_SECONDS = 4e-3  # of timed calls in a block, at least
BLOCK_WALL_SECONDS = 25e-3  # of a block with what is off the clock: sweeping the caches takes longer than a short call
BLOCK_CALLS = (3, 24)
SLOW_CALL_SECONDS = 30e-3  # from here on a block is one call, none thrown away: a switch costs nothing beside it
DISCARDED_CALLS = 1  # after a switch between the twins, at least
DISCARDED_SECONDS = 1e-3
ROUNDS = (4, 60)  # of a pair
# Of inputs and outputs that wait to be compared; beyond it calls take so long that a look between two blocks shows in
# nothing.
UNSEEN_BYTES = 1 << 30
SEARCH_ROUNDS = 4


class TimingFailed(Exception):
    """A twin stopped answering. `side` says which: "reference" or "candidate"; `outcome` says how."""

    def __init__(self, side: str, outcome) -> None:
        super().__init__(f"{side}: {outcome.reason}: {outcome.message}")
        self.side, self.outcome = side, outcome


@dataclass
class Side:
    """One twin: a worker with its slots set, parameters in place and a first call behind it."""

    worker: object
    slots: list[int]
    vary: list[int] = field(default_factory=list)  # leaves that get another factor before each call
    poke: list[int] = field(default_factory=list)  # and of these, some elements another one each
    outputs: int = 1  # tensors of a result
    bytes: int = 0  # of inputs and outputs of a call

    @property
    def most_batch(self) -> int:
        """Calls of one wake-up: each on another input, the outputs of all described at once."""
        return max(1, min(len(self.slots), MOST_DESCRIBED // max(1, self.outputs)))


@dataclass
class Timing:
    """Rounds of every pair, and each side's seconds a call."""

    pairs: list[list[float]] = field(default_factory=list)
    reference: list[list[float]] = field(default_factory=list)
    candidate: list[list[float]] = field(default_factory=list)
    seconds: float = 0.0
    overhead: float = 0.0
    sampled: int = 0

    @property
    def speedup(self) -> float:
        return ratio(self.pairs)

    def interval(self) -> tuple[float, float]:
        return interval(self.pairs)

    @property
    def win(self) -> bool:
        return bool(self.pairs) and self.interval()[0] > WIN

    @property
    def call_seconds(self) -> tuple[float, float]:
        """Medians: reference, candidate."""
        return (
            statistics.median(x for p in self.reference for x in p),
            statistics.median(x for p in self.candidate for x in p),
        )


@dataclass
class Shape:
    """How a pair is timed: calls a wake-up, timed wake-ups a block, thrown-away ones, rounds."""

    batch: int
    calls: int
    discarded: int
    rounds: int


def shape_for(
    call_seconds: float,
    budget_seconds: float,
    overhead_seconds: float = 0.0,
    *,
    fewest: int = ROUNDS[0],
    most_batch: int = MOST_DESCRIBED,
) -> Shape:
    """From how long the slower twin's call takes; `overhead_seconds` is what a wake-up costs outside the clock (a
    flush)."""
    call = max(call_seconds, 1e-7)
    if call >= SLOW_CALL_SECONDS:
        return Shape(1, 1, 0, _rounds(4 * (call + overhead_seconds), budget_seconds, fewest))
    batch = min(max(1, round(BATCH_SECONDS / call)), most_batch) if call < BATCHED_BELOW else 1
    wake = call * batch
    wall = min(BLOCK_WALL_SECONDS, budget_seconds / (4 * fewest))  # the fewest rounds are to fit into the budget
    most = max(BLOCK_CALLS[0], int(wall / (wake + overhead_seconds)))
    calls = int(min(max(BLOCK_CALLS[0], BLOCK_SECONDS // wake), BLOCK_CALLS[1], most))
    discarded = max(DISCARDED_CALLS, min(4, int(DISCARDED_SECONDS / wake), most // 3))
    one_round = 4 * (calls + discarded) * (wake + overhead_seconds)
    return Shape(batch, calls, discarded, _rounds(one_round, budget_seconds, fewest))


def _rounds(round_seconds: float, budget_seconds: float, fewest: int) -> int:
    rounds = int(min(max(fewest, budget_seconds // round_seconds), ROUNDS[1]))
    return rounds + rounds % 2  # they come in twos


class Stopwatch:
    """Runs blocks on one twin while the other is stopped. `inspect(slot, outcome)` is shown sampled outcomes of the
    candidate and returns whether it still stands."""

    def __init__(
        self,
        reference: Side,
        candidate: Side,
        *,
        flush: bool,
        rng: random.Random,
        inspect: Callable[[int, object], bool] | None = None,
        samples: int = 0,
    ) -> None:
        self.sides = {"reference": reference, "candidate": candidate}
        self._flush, self._rng, self._inspect = flush, rng, inspect
        self._samples = samples
        # Numbers of a side's wake-ups whose outputs are read. The reference's are read and thrown away: a reading stops
        # the process, warms caches and repeats a call, and where it fell on one side alone, the original "won" by 5%.
        self._wanted: dict[str, set[int]] = {"reference": set(), "candidate": set()}
        self._wakes = {"reference": 0, "candidate": 0}
        self._running: str | None = None
        self._unseen: list[tuple[int, object]] = []
        self.settle: Callable[[], None] = lambda: None  # called between rounds: see placement.py
        self.sampled = 0
        self.stands = True

    def expect(self, wakes: int) -> None:
        """Draws the samples evenly over each side's next `wakes` wake-ups: whoever behaves for the first hundred calls
        only is caught as surely as anybody else."""
        for side, done in self._wakes.items():
            ahead = range(done, done + wakes)
            self._wanted[side] = set(self._rng.sample(ahead, min(self._samples, (wakes + 1) // 2)))

    def switch(self, to: str) -> None:
        other = "candidate" if to == "reference" else "reference"
        if self._running != to:
            self.sides[other].worker.freeze()
            self.sides[to].worker.thaw()
            self._running = to

    def block(self, side: str, shape: Shape) -> list[float]:
        """Seconds a call of a block's timed wake-ups."""
        self.switch(side)
        twin = self.sides[side]
        total = shape.calls + shape.discarded
        sample = [n for n in range(total) if self._wakes[side] + n in self._wanted[side]]
        most = max(1, UNSEEN_BYTES // max(1, twin.bytes))  # they come all at once
        sample = set(self._rng.sample(sample, min(most, len(sample))))
        self._wakes[side] += total
        start = self._rng.randrange(len(twin.slots))
        slots = twin.slots[start:] + twin.slots[:start]
        seconds, outcomes = twin.worker.time(
            slots, total, batch=shape.batch, flush=self._flush, sample=sample, vary=twin.vary, poke=twin.poke
        )
        if len(seconds) < total:
            last = outcomes[max(outcomes)] if isinstance(outcomes, dict) and outcomes else _Silent()
            raise TimingFailed(side, last)
        for number, outcome in sorted(outcomes.items()) if side == "candidate" else ():
            self.sampled += 1
            # Which call of a batch was looked at, the worker's side of the channel says.
            slot = getattr(outcome, "slot", slots[((number + 1) * shape.batch - 1) % len(slots)])
            self._unseen.append((slot, outcome))
        if sum(_bytes(outcome) for _, outcome in self._unseen) > UNSEEN_BYTES:
            self.look()
        return [s / shape.batch for s in seconds[shape.discarded :]]

    def look(self) -> None:
        """Inspects what was read since the last look. Not within a round: comparing keeps the judge's threads awake for
        a while, and the block after the candidate's is the reference's three times of four."""
        unseen, self._unseen = self._unseen, []
        for slot, outcome in unseen:
            if self._inspect is not None and not self._inspect(slot, outcome):
                self.stands = False

    def round(self, shape: Shape, first: str) -> tuple[float, list[float], list[float]]:
        """A B B A: the round's ratio reference / candidate, and each side's seconds a call."""
        second = "candidate" if first == "reference" else "reference"
        taken: dict[str, list[list[float]]] = {"reference": [], "candidate": []}
        for side in (first, second, second, first):
            taken[side].append(self.block(side, shape))
        medians = {side: sum(statistics.median(b) for b in blocks) for side, blocks in taken.items()}
        flat = {side: [s for b in blocks for s in b] for side, blocks in taken.items()}
        return medians["reference"] / medians["candidate"], flat["reference"], flat["candidate"]


def _bytes(outcome: object) -> int:
    held = [*getattr(outcome, "tensors", ()), *(getattr(outcome, "inputs", None) or ())]
    return sum(t.numel() * t.element_size() for t in held)


class _Silent:
    reason, message = "timeout", "no answer to a timed call"


def warm_up(watch: Stopwatch, flush_cost: list[float]) -> float:
    """A few calls of both sides; returns the slower one's seconds a call and notes what a wake-up costs off the
    clock."""
    slowest = 0.0
    for side in ("reference", "candidate"):
        for calls in (2, 3):
            started = time.perf_counter()
            seconds = watch.block(side, Shape(1, calls, 0, 1))
            spent = time.perf_counter() - started
            if min(seconds) >= SLOW_CALL_SECONDS:
                break
        slowest = max(slowest, statistics.median(seconds))
        flush_cost.append(max(0.0, (spent - sum(seconds)) / len(seconds)))
    return slowest


def time_pair(
    watch: Stopwatch,
    budget_seconds: float,
    timing: Timing,
    *,
    first: str,
    fewest: int = ROUNDS[0],
    give_up_below: float = 0.0,
) -> None:
    """One pair of processes into `timing`. Stops early once `inspect` refused."""
    costs: list[float] = []
    slowest = warm_up(watch, costs)
    most = min(side.most_batch for side in watch.sides.values())
    shape = shape_for(slowest, budget_seconds, max(costs), fewest=fewest, most_batch=most)
    watch.expect(shape.rounds * 2 * (shape.calls + shape.discarded))
    ratios, reference, candidate = [], [], []
    second = "candidate" if first == "reference" else "reference"
    for number in range(shape.rounds // 2):
        # A B B A favours the one in the middle, which runs two blocks with no switch between; B A A B right after it
        # favours the other by as much. (Odd numbers of single rounds gave 3% to 10% for nothing on calls under 1 ms.)
        # Who begins turns as well, since before a beginning the judge compares outputs.
        both = []
        watch.settle()
        for side in (first, second) if number % 2 == 0 else (second, first):
            r, a, b = watch.round(shape, side)
            both.append(r)
            reference += a
            candidate += b
        ratios.append((both[0] * both[1]) ** 0.5)
        watch.look()
        hopeless = give_up_below and 2 * (number + 1) >= fewest and statistics.median(ratios) < give_up_below
        if not watch.stands or hopeless:
            break
    timing.pairs.append(ratios)
    timing.reference.append(reference)
    timing.candidate.append(candidate)
    timing.sampled += watch.sampled


def measure(
    make_pair: Callable[[int], contextlib.AbstractContextManager[Stopwatch]],
    pairs: int,
    seconds: float,
    lease: Lease,
    *,
    fewest: int = ROUNDS[0],
    further: tuple[int, ...] = (),
    progress: Callable[[int, int], None] | None = None,
) -> Timing:
    """`pairs` fresh pairs of processes from `make_pair(number)`, roles swapped from one to the next; more of them
    (`further` says up to how many, in steps) while the candidate looks faster and the interval cannot tell."""
    timing = Timing()
    started = time.perf_counter()
    wanted = [pairs, *further]
    number = 0
    while number < wanted[0]:
        with make_pair(number) as watch:
            with lease.exclusive():
                time_pair(
                    watch, seconds / pairs, timing, first="reference" if number % 2 == 0 else "candidate", fewest=fewest
                )
            if not watch.stands:
                break
        number += 1
        if progress:
            progress(number, wanted[0])
        if number == wanted[0] and len(wanted) > 1 and timing.speedup > WIN and not timing.win:
            wanted.pop(0)
    timing.seconds = time.perf_counter() - started
    return timing
