"""Verifies one candidate on inputs of the pool: outputs, memory, side effects, repeats. Trusts nothing that it is
told."""

from __future__ import annotations

import contextlib
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch

from burnish.judge.hints import hint
from burnish.judge.kinds import GENERATED, WIDTH, Kind, within
from burnish.judge.numerics import measure_finite
from burnish.judge.options import CONTRACTS, FEWEST_INPUTS
from burnish.judge.pool import Item, Pool
from burnish.judge.reasons import NUMERIC, known
from burnish.judge.runner import Outcome, Runner
from burnish.judge.trees import align, sharing
from burnish.judge.yardstick import MASKED, Finding, Reference, check, is_exact

THOROUGH = 8  # moved inputs behind the calibration of an input on which somebody would be refused
CLOSER_LOOKS = (THOROUGH, 40)  # two equal values keep their order in about half of the moves
GROUP = 4  # inputs that lie in the worker's memory at a time
GROUP_BYTES = 256 << 20
ENDURED, ENDURED_SECONDS = (24, 150), 0.3  # calls in a row after the last input: least and most, and for how long
HOARDED, HOARDED_BYTES = 40, 512 << 20  # results held at once: at most
SLOW_SECONDS, FEWEST_CALLS = 2.0, 4  # modules so slow that either takes longer have fewer calls, these at least
FLAT = 0.01  # atol and rtol of the published study


@dataclass
class Tally:
    """What verification found out so far."""

    finding: Finding | None = None
    failed: dict[str, Finding] = field(default_factory=dict)  # kinds that a narrower contract leaves out
    flat: bool = True
    inputs: int = 0
    compared: int = 0
    peak_bytes: int = 0
    error_squares: float = 0.0
    error_count: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)

    @property
    def error(self) -> float | None:
        return (self.error_squares / self.error_count) ** 0.5 if self.error_count else None


class Ladder:
    """One candidate in `runner` against `pool`. Steps are called in order: first, (timing), full. Each returns whether
    the candidate still stands."""

    def __init__(
        self,
        pool: Pool,
        runner: Runner,
        *,
        base: int = 0,
        seed: int | None = None,
        progress: Callable[[int, int], None] | None = None,
        quiet: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext,
        order: list[str] | None = None,
    ) -> None:
        self.pool, self.runner, self.base = pool, runner, base
        self.options = pool.options
        self.tally = Tally()
        self._random = random.Random(seed if seed is not None else random.SystemRandom().getrandbits(64))
        self._parameters: int | None = None
        self._slots: list[Item] = []  # what lies in the worker's slots
        self._before: tuple[Item, list[torch.Tensor]] | None = None  # the last call's outputs as read
        self._progress = progress or (lambda done, of: None)
        self._quiet = quiet
        self.order = order  # paths of a plan's inputs; None: the leaves of a call

    # -- steps -------------------------------------------------------------------------------------------------------
    def first(self, count: int = 3) -> bool:
        return self._run(range(self.base, self.base + count), count, None)

    def full(self, count: int, seconds: float) -> bool:
        """The rest of `count` inputs, fewer once `seconds` are over, never below FEWEST_INPUTS; then many calls."""
        start = self.base + self.tally.inputs
        if not self._run(range(start, self.base + count), count, time.monotonic() + seconds):
            return False
        started = time.monotonic()
        try:
            return self._hoard() and self._endure()
        finally:
            self.tally.seconds += time.monotonic() - started

    def later(self) -> bool:
        """The last inputs once more, after whatever took time."""
        self.forget_calls()
        with self._quiet():
            stands = all(self._call(item, slot) is not None for slot, item in enumerate(self._slots))
        return stands and self.conclude()

    def _hoard(self) -> bool:
        """Keeps the results of many calls, as somebody does who collects them in a list: no two may share memory, or a
        ring of buffers would overwrite the older ones. Not where eager's own results lie in one place (a buffer that
        is returned)."""
        item = self._slots[0] if self._slots else None
        if item is None or self.pool.in_one_place(item.leaves):
            return True
        size = sum(r.eager.numel() * r.eager.element_size() for r in item.outputs)
        calls = int(min(HOARDED, HOARDED_BYTES // max(size, 1), self._patience()))
        held: list[tuple[torch.Tensor, int]] = []
        with self._quiet():
            for _ in range(calls):
                outcome = self.runner.call(0, hoard=True, timeout=self.options.timeout_seconds)
                if not outcome.ok:
                    return self._refuse(self._failed(outcome, item))
                addresses = getattr(outcome, "addresses", [])
                held += [(_without_values(t), a) for t, a in zip(outcome.tensors, addresses, strict=False)]
        self._before = None
        found = sharing([t for t, _ in held], [a for _, a in held])
        if found and not self.pool.shared:
            apart = (found[0][1] - found[0][0]) // max(1, len(item.outputs))
            what = f"the result of call {apart} overwrites that of call 0, which somebody may still hold"
            return self._refuse(Finding("aliasing", what, kind=item.kind.name))
        return True

    def _patience(self) -> int:
        return max(FEWEST_CALLS, int(SLOW_SECONDS / max(self.pool.eager_seconds, 1e-6)))

    def _endure(self) -> bool:
        """Many calls in a row on the last inputs, a few compared: some behave for the first dozen calls only."""
        if not self._slots or not hasattr(self.runner, "time"):
            return True
        least = min(ENDURED[0], self._patience())
        calls = int(min(max(least, ENDURED_SECONDS / max(self.pool.eager_seconds, 1e-6)), ENDURED[1]))
        sample = {calls - 1, *self._random.sample(range(calls), 3)}
        order = list(range(len(self._slots)))
        with self._quiet():
            seconds, outcomes = self.runner.time(order, calls, sample=sample, timeout=self.options.timeout_seconds)
        self._before = None
        if len(seconds) < calls and not outcomes:
            return self._refuse(Finding("timeout", f"no answer to call {len(seconds)} of {calls} in a row"))
        for number in sorted(outcomes):
            if not self.judge_outcome(self._slots[order[number % len(order)]], outcomes[number]):
                return False
        return self.conclude()

    def contract(self) -> str | None:
        """The widest contract whose kinds all passed; None where generated inputs failed."""
        if self.tally.finding and self.tally.finding.reason not in ("contract",):
            return None
        width = min(
            [WIDTH[self.options.contract], *[WIDTH[self._kind(name).contract] - 1 for name in self.tally.failed]]
        )
        return CONTRACTS[width] if width >= 0 else None

    def _kind(self, name: str) -> Kind:
        return next(k for k in self.pool._kinds if k.name == name)

    # -- running -----------------------------------------------------------------------------------------------------
    def _run(self, indexes: range, total: int, deadline: float | None) -> bool:
        started = time.monotonic()
        try:
            at = 0
            while at < len(indexes):
                if deadline and self.tally.inputs >= FEWEST_INPUTS and time.monotonic() > deadline:
                    self.tally.notes.append(
                        f"verified on {self.tally.inputs} of {total} inputs: --verify-seconds "
                        f"{self.options.verify_seconds:g} were over"
                    )
                    break
                group = self._next_group(indexes[at:])
                at += len(group)
                with self._quiet():
                    stands = self._judge_group(group)
                if not stands:
                    return False
                self._progress(self.tally.inputs, total)
            return self.conclude()
        finally:
            self.tally.seconds += time.monotonic() - started

    def _next_group(self, indexes: range) -> list[Item]:
        group: list[Item] = []
        for index in indexes[:GROUP]:
            item = self.pool.item(index)
            if group and (
                item.parameters != group[0].parameters or sum(i.bytes for i in group) + item.bytes > GROUP_BYTES
            ):
                break
            group.append(item)
        return group

    def _judge_group(self, group: list[Item]) -> bool:
        number = group[0].parameters
        if number != self._parameters and not self.set_parameters(number):
            return False
        skipped = set(self.tally.failed)
        slots: list[Item] = [i for i in group if i.kind.name not in skipped]
        self.tally.inputs += len(group)
        if not slots:
            return True
        if not (self._set(slots) and self._calls(slots) and self._same_places(slots)):
            return False
        if self.runner.params_changed():
            return self._refuse(Finding("parameter-changed", "the candidate wrote to a parameter or a buffer"))
        return True

    def set_parameters(self, number: int) -> bool:
        """Puts a set of parameter values into the worker, in place, and has `prepare` run again."""
        self.pool.parameters.use(number)
        outcome = self.runner.set_params(self.pool.tensors())
        if outcome is not None and not outcome.ok:
            return self._refuse(self._failed(outcome, None))
        if self._parameters is not None:
            outcome = self.runner.refresh()
            if outcome is not None and not outcome.ok:
                return self._refuse(self._failed(outcome, None))
        self._parameters = number
        return True

    def _set(self, items: list[Item]) -> bool:
        self._slots = items
        outcome = self.runner.set_slots([self.pool.slot(item, self.order) for item in items])
        return outcome is None or outcome.ok or self._refuse(self._failed(outcome, None))

    def _calls(self, items: list[Item]) -> bool:
        """Each input once, and one of them again, in an order of our own; half the calls in poisoned memory."""
        order = list(range(len(items)))
        self._random.shuffle(order)
        order.insert(self._random.randint(1, len(order)), self._random.choice(order))
        seen: dict[int, Outcome] = {}
        for slot in order:
            if items[slot].kind.name in self.tally.failed:
                continue
            outcome = self._call(items[slot], slot, poison=self._random.random() < 0.5, again=seen.get(slot))
            if outcome is None:
                return False
            seen[slot] = outcome
        return True

    def _call(self, item: Item, slot: int, *, poison: bool = False, again: Outcome | None = None) -> Outcome | None:
        """One call, judged; then the outputs of the call before are read again, whatever was written in between:
        inputs, parameters, other slots. None if the candidate is refused."""
        outcome = self.runner.call(slot, poison=poison, keep=True, timeout=self.options.timeout_seconds)
        if outcome.ok and self._before is not None and not self._unchanged(*self._before):
            return None
        failed, returned = len(self.tally.failed), list(outcome.tensors)
        if not self.judge_outcome(item, outcome, slot, again=again):
            return None
        self._before = (
            (item, returned) if len(self.tally.failed) == failed else None
        )  # else there were calls in between
        return outcome

    def forget_calls(self) -> None:
        """Somebody else called the worker: its last outputs are not ours."""
        self._before = None

    def _same_places(self, items: list[Item]) -> bool:
        """Other values where the last ones lay: what is remembered by address is wrong now."""
        turned = items[1:] + items[:1]
        if len(items) < 2 or any(_layout(a) != _layout(b) for a, b in zip(items, turned, strict=True)):
            return True
        written = self.runner.overwrite_slots([self.pool.slot(item, self.order) for item in turned])
        if written is not None and not written.ok:
            return self._refuse(self._failed(written, None))
        self._slots = turned
        slot = self._random.randrange(len(turned))
        if turned[slot].kind.name in self.tally.failed:
            return True
        return self._call(turned[slot], slot) is not None

    def _unchanged(self, item: Item, returned: list[torch.Tensor]) -> bool:
        """The outputs of the call before, read again after this call."""
        again = self.runner.previous()
        if not again.ok:
            return self._refuse(self._failed(again, item))
        for o, (a, b) in enumerate(zip(returned, again.tensors, strict=False)):
            if not _identical(a, b):
                what = "an output changed after it was returned: it is an input, a parameter, or written again"
                return self._refuse(Finding("aliasing", what, o, kind=item.kind.name))
        return True

    # -- judging -----------------------------------------------------------------------------------------------------
    def judge_outcome(
        self, item: Item, outcome: Outcome, slot: int | None = None, again: Outcome | None = None
    ) -> bool:
        """One call's outcome against the item's reference. Also used for outputs of timed calls."""
        if not outcome.ok:
            return self._refuse(self._failed(outcome, item))
        self.tally.peak_bytes = max(self.tally.peak_bytes, int(outcome.peak_bytes or 0))
        if outcome.guard_broken:
            return self._refuse(
                Finding("out-of-bounds", "memory beside an allocation was written", kind=item.kind.name)
            )
        if slot is not None and self.runner.inputs_changed(slot):
            return self._refuse(
                Finding("input-changed", "the candidate wrote to an input, or beside one", kind=item.kind.name)
            )
        finding = self._form(item, outcome) or self._values(item, outcome)
        self.tally.compared += 1
        self._note_flat(item, outcome, finding)
        if finding is None:
            if (
                again is not None
                and self.options.deterministic
                and not all(map(_identical, outcome.tensors, again.tensors))
            ):
                return self._refuse(
                    Finding("nondeterministic", "two calls on one input differ in a bit", kind=item.kind.name)
                )
            return True
        finding.kind = item.kind.name
        if finding.reason in NUMERIC:
            finding = self._explain(finding, item, outcome, slot, again)
        if finding.reason in NUMERIC and item.kind is not GENERATED:
            self.tally.failed[item.kind.name] = finding
            return True
        return self._refuse(finding)

    def _form(self, item: Item, outcome: Outcome) -> Finding | None:
        expected = [r.eager for r in item.outputs]
        tensors = align(item.structure, outcome.structure, outcome.tensors)
        if tensors is None:
            return Finding("structure", f"the result is {_brief(outcome.structure)}, not {_brief(item.structure)}")
        shared = sharing(outcome.tensors, getattr(outcome, "addresses", []))
        if shared and not self.pool.shared:
            return Finding("aliasing", f"outputs {shared[0][0]} and {shared[0][1]} share memory", shared[0][0])
        outcome.tensors, outcome.structure = tensors, item.structure
        for o, (got, want) in enumerate(zip(tensors, expected, strict=True)):
            if got.dtype != want.dtype:
                return Finding("dtype", f"output {o} is {_word(got.dtype)}, not {_word(want.dtype)}", o)
            if got.shape != want.shape:
                return Finding("shape", f"output {o} has shape {list(got.shape)}, not {list(want.shape)}", o)
        return None

    def _values(self, item: Item, outcome: Outcome) -> Finding | None:
        for o, (got, r) in enumerate(zip(outcome.tensors, item.outputs, strict=True)):
            checked = check(got, r, self.pool.yardstick(item, o), o)
            for draws in CLOSER_LOOKS:  # at this very input, before anybody is refused
                if checked.finding is None or (draws > THOROUGH and not _ties_perhaps(checked.finding, r)):
                    break
                if item.calibrated < draws:
                    self.pool.calibrate(item, draws)
                    checked = check(got, r, self.pool.yardstick(item, o), o)
            if checked.finding is not None and checked.finding.near:
                self.pool.look_closer(item)
                checked = check(got, r, self.pool.yardstick(item, o), o)
            if checked.finding is not None:
                checked.finding.hint = hint(got, r.eager, item.leaves)
                return checked.finding
            if item.kind is GENERATED and r.exact is not None and r.rms > 0:
                self.tally.error_squares += checked.error**2
                self.tally.error_count += 1
        return None

    def _note_flat(self, item: Item, outcome: Outcome, finding: Finding | None) -> None:
        if item.kind is not GENERATED or not self.tally.flat:
            return
        if finding is not None and finding.reason in ("structure", "shape", "dtype"):
            self.tally.flat = False
            return
        self.tally.flat = all(
            got.dtype == r.eager.dtype and _flat(got, r.eager)
            for got, r in zip(outcome.tensors, item.outputs, strict=True)
        )

    def _explain(
        self, finding: Finding, item: Item, outcome: Outcome, slot: int | None, again: Outcome | None
    ) -> Finding:
        """A wrong value may have a name: an answer to another input, to other parameters, or another one each time."""
        if self.runner.params_changed():
            return Finding("parameter-changed", "the candidate wrote to a parameter or a buffer", kind=finding.kind)
        for other in self._others(item):
            if self._answers(outcome, other) and not self._alike(item, other):
                finding.reason, finding.hint = "stale", "the output is the answer to an input of an earlier call"
                return finding
        if item.parameters and self._answers_old_parameters(item, outcome):
            finding.reason, finding.hint = "stale", "parameters were changed in place and the output did not follow"
            return finding
        if again is not None:  # the same input had passed before
            finding.reason = "nondeterministic"
        elif slot is not None:
            repeat = self.runner.call(slot, timeout=self.options.timeout_seconds)
            if repeat.ok and self._form(item, repeat) is None and self._values(item, repeat) is None:
                finding.reason, finding.hint = "nondeterministic", "the same input gave a right output in another call"
        return finding

    def _others(self, item: Item) -> list[Item]:
        near = [
            self.pool.item(i)
            for i in range(max(self.base, item.index - 2 * GROUP), item.index + GROUP)
            if i in self.pool._items
        ]
        self.pool.parameters.use(item.parameters)
        return [i for i in near if i.index != item.index]

    def _answers(self, outcome: Outcome, other: Item) -> bool:
        if self._form(other, outcome) is not None:
            return False
        return all(
            check(got, r, self.pool.yardstick(other, o), o).finding is None
            for o, (got, r) in enumerate(zip(outcome.tensors, other.outputs, strict=True))
        )

    def _alike(self, item: Item, other: Item) -> bool:
        """Two items with the same answer tell nothing apart."""
        return all(
            a.eager.shape == b.eager.shape and check(a.eager, b, self.pool.yardstick(other, o), o).finding is None
            for o, (a, b) in enumerate(zip(item.outputs, other.outputs, strict=True))
        )

    def _answers_old_parameters(self, item: Item, outcome: Outcome) -> bool:
        self.pool.parameters.use(0)
        try:
            tensors, _ = self.pool.eager(item.leaves)
        finally:
            self.pool.parameters.use(item.parameters)
        return all(
            a.shape == b.shape
            and torch.allclose(a.double(), b.double(), 1e-3, 1e-4 * float(b.double().abs().max() or 1))
            for a, b in zip(outcome.tensors, tensors, strict=True)
            if a.is_floating_point() and a.numel()
        )

    def _failed(self, outcome: Outcome, item: Item | None) -> Finding:
        return Finding(
            known(outcome.reason), outcome.message or "the candidate failed", kind=item.kind.name if item else ""
        )

    def _refuse(self, finding: Finding) -> bool:
        self.tally.finding = finding
        return False

    def conclude(self) -> bool:
        """Kinds that failed narrow the contract; below the one asked for that is a refusal."""
        if not self.tally.failed:
            return True
        narrow = self.contract()
        asked = self.options.contract
        failed = [f for name, f in self.tally.failed.items() if within(self._kind(name), asked)]
        if not failed or self.tally.inputs < FEWEST_INPUTS:
            return True  # too early to say which contract it passes
        worst = failed[0]
        passes = f"it passes only --contract {narrow}" if narrow else "it passes no contract"
        self.tally.finding = Finding(
            "contract",
            f"{worst.what} on inputs of kind '{worst.kind}'; {passes}",
            worst.output,
            worst.index,
            worst.expected,
            worst.got,
            worst.error,
            worst.limit,
            worst.kind,
            worst.hint,
        )
        return False


def _ties_perhaps(finding: Finding, r: Reference) -> bool:
    """Whole numbers that differ in few places may be ties: 2^-8 of them go unseen at THOROUGH moves."""
    return (
        is_exact(r.eager.dtype)
        and finding.error is not None
        and finding.error * r.eager.numel() <= max(1, MASKED * r.eager.numel())
    )


def _layout(item: Item) -> list:
    return [
        (tuple(leaf.shape), leaf.stride(), leaf.dtype) if isinstance(leaf, torch.Tensor) else repr(leaf)
        for leaf in item.leaves
    ]


def _without_values(tensor: torch.Tensor) -> torch.Tensor:
    return torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device="meta")


def _flat(got: torch.Tensor, eager: torch.Tensor) -> bool:
    """torch.allclose with the flat tolerance, faster where everything is within its absolute part."""
    if got.is_floating_point():
        near = measure_finite(got, target=eager, groups=False)
        if near is not None and near.worst <= FLAT:
            return True
    return torch.allclose(got, eager, FLAT, FLAT, equal_nan=True)


def _identical(a: torch.Tensor, b: torch.Tensor) -> bool:
    if a.shape != b.shape or a.dtype != b.dtype:
        return False
    return torch.equal(a, b) or bool(((a == b) | ((a != a) & (b != b))).all())


def _word(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _brief(structure: object) -> str:
    text = repr(structure).replace("{'tensor': ", "tensor ").replace("}", "")
    return text if len(text) <= 200 else text[:197] + "..."


__all__ = ["Ladder", "Tally", "within"]
