"""One problem and the candidates that are judged on it: what the judge protocol's `open` and `judge` do."""

from __future__ import annotations

import contextlib
import os
import random
import tempfile
import time
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

from burnish import native
from burnish.errors import BurnishError
from burnish.guarded import spare_bytes
from burnish.judge.kinds import GENERATED
from burnish.judge.ladder import Ladder
from burnish.judge.lease import Lease
from burnish.judge.options import FINAL_PAIRS, Misuse, Options
from burnish.judge.pairs import Pairs, Role, pairs_together
from burnish.judge.pool import BadInputs, Item, Pool, parameter_set
from burnish.judge.profile import copy_bandwidth, steps_of
from burnish.judge.reasons import known
from burnish.judge.timing import BATCH_SECONDS, SEARCH_ROUNDS, Side, Stopwatch, Timing, TimingFailed, measure, time_pair
from burnish.judge.twins import REFERENCE, LoadFailed, Workers, deployed_folder, order_of
from burnish.judge.verdict import Verdict
from burnish.judge.yardstick import Finding

FRESH = 2000  # indexes of the pool from which final stages take their inputs
EACH_FINAL = 200  # of them for each
TIMED = 6000  # and timings
TIMED_SLOTS = (6, 64)
TIMED_BYTES = 256 << 20
EVAL_PAIRS = 4  # even: each role begins as often as the other
FEWEST_ROUNDS = {"eval": 2, "final": 4}  # of a pair; what differs between processes is worth more than within one
FURTHER_PAIRS = (8, 12)  # in the final stage, where FINAL_PAIRS do not tell: see intervals.py
# Search: a candidate whose quick timing gives less than the first, and whose interval ends below the second, is not
# verified further; nor is one whose interval ends below what another one surely has.
GIVE_UP_BELOW = (0.9, 0.97)
PROFILE_SECONDS = 0.5
BUILDING, BUILD_HEARD_SECONDS = "building the runtime for this PyTorch", 10
WAITING = "waiting for another Burnish on this machine"
SECONDS = {"search": (0.3, 2.0), "eval": (0.5, 12.0), "final": (2.5, 16.0)}  # of timing: least, most
CALLS_WANTED = {"search": 60, "eval": 240, "final": 600}  # of each side
SAMPLES = {"search": 12, "eval": 99, "final": 150}  # timed calls compared: a cheat in 5% of them passes 99 with 0.6%


class Session:
    """`judge` gives verdicts as JSON objects; failures of the problem itself are raised as BurnishError."""

    def __init__(
        self,
        problem_spec: dict,
        flags: dict,
        scratch: str | None = None,
        *,
        problem: Any = None,
        announce: Callable[[str], None] | None = None,
        progress: Callable[[str, int, int], None] | None = None,
        start: Callable[..., Any] | None = None,
    ) -> None:
        try:
            self.options = Options.of(flags)
        except (Misuse, TypeError) as e:
            raise BurnishError("environment", str(e), "judging flags", "see burnish eval --help") from None
        self._spec, self.problem = problem_spec, problem
        self._own_scratch = None if scratch else tempfile.TemporaryDirectory(prefix="burnish-judge-")
        self.scratch = Path(scratch or self._own_scratch.name)
        self._progress = progress or (lambda phase, done, of: None)
        self.lease = Lease(announce, waiting=self._waiting)
        self.secret = os.urandom(16)
        self.workers = Workers(self.options, None, start=start)
        self.pool: Pool | None = None
        self.plan_dir: str | None = None
        self.notes: list[str] = []
        self._placed: weakref.WeakSet = weakref.WeakSet()  # workers that have parameter set 0
        self._finals = 0
        self._timed = 0

    def _waiting(self) -> contextlib.AbstractContextManager:
        """While another Burnish has the machine: else a verdict that is late for that looks like a judge that hangs."""
        from burnish.problem import watched

        return watched(lambda phase, seconds: self._progress(phase, int(seconds), 0), WAITING)

    # -- open --------------------------------------------------------------------------------------------------------
    def open(self) -> dict:
        """Loads the problem, exports it, and calibrates the yardsticks of its first inputs."""
        _build_runtime(self._progress)
        self.workers.prepare("plan", False, 1)
        if self._timed_here:
            self.workers.prepare("python", True, 1)  # the reference
        _set_precision(self.options.precision)
        if self.problem is None:
            from burnish.problem import load_problem

            self.problem = load_problem(
                self._spec.get("file", ""),
                self._spec.get("class") or "Model",
                self._spec.get("inputs_from"),
                self.options.mode,
                on_slow=lambda phase, seconds: self._progress(phase, int(seconds), 0),
            )
        if hasattr(self.problem, "use"):
            self.problem.use(self.options.target)
        probe = self.problem.probe(slowest=self.options.slowest_seconds) if hasattr(self.problem, "probe") else None
        exported = self._export()
        try:
            self.pool = Pool(self.problem, self.options, self.secret, _memory_for_pool(), self.scratch)
            self.workers.set_problem(getattr(self.problem, "payload", None), self.pool.spec)
            constant = self._calibrate()
        except BadInputs as e:
            raise BurnishError(
                "inputs", str(e), getattr(self.problem, "source", ""), "see docs/judging.md, Inputs"
            ) from None
        return {
            "name": getattr(self.problem, "name", "problem"),
            "source": self.problem.text() if hasattr(self.problem, "text") else "",
            "plan": self.plan_dir,
            "inputs": exported or [{"name": n} for n in self.pool.names],
            "eager_seconds": self.pool.eager_seconds or (probe.seconds if probe else None),
            "trivial": constant == "trivial",
            "saturated": constant == "saturated",
            "eager_error": self.pool.eager_error(),
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "notes": self._all_notes(),
        }

    def _export(self) -> list[dict] | None:
        from burnish.exporter import export

        args, kwargs = self.problem.draw(int.from_bytes(os.urandom(4), "little"))
        folder = self.scratch / "plan"
        try:
            exported = export(
                self.problem.module, args, kwargs, folder, dynamic=getattr(self.problem, "more_examples", None)
            )
        except BurnishError as e:
            self.notes.append(f"no plan: {e.sentence()}")
            return None
        self.plan_dir = str(folder)
        return [{"name": name, "path": path} for name, path in exported.inputs]

    def _calibrate(self) -> str | None:
        """The pool's first inputs: one of each kind. Says whether the output is constant."""
        assert self.pool is not None
        for number, index in enumerate(sorted(self.pool.planned)):
            self.pool.item(index)
            self._progress("calibrate", number + 1, len(self.pool.planned))
        return self.pool.constant()

    def _all_notes(self) -> list[str]:
        return [*self.notes, *(self.pool.describe() if self.pool else [])]

    # -- judge -------------------------------------------------------------------------------------------------------
    def judge(self, candidate: dict, stage: str = "eval") -> dict:
        """A verdict on one candidate."""
        if stage not in SECONDS:
            raise BurnishError("environment", f"unknown stage {stage!r}", "judge protocol", "search, eval or final")
        if self.pool is None:
            raise BurnishError("environment", "no problem is open", "judge protocol", "send `open` first")
        started, waited = time.perf_counter(), self.lease.waited
        # Agents see the verdicts of a search: the seeds come only with one that ends it.
        verdict = Verdict("ok", seeds={} if stage == "search" else {"secret": self.secret.hex()})
        self._verify_and_time(candidate, stage, verdict)
        verdict.notes = [*self._all_notes(), *verdict.notes]
        verdict.seconds["total"] = time.perf_counter() - started
        verdict.seconds["wait"] = self.lease.waited - waited
        self.pool.parameters.use(0)
        if candidate.get("form") == "plan":
            self.workers.prepare("plan", False, 1)
        return verdict.to_json()

    def _verify_and_time(self, candidate: dict, stage: str, verdict: Verdict) -> None:
        form = self._form_for(candidate, stage)
        order = order_of(form)
        started = time.perf_counter()
        try:
            if order is not None:
                self.pool.slot(self.pool.item(0), order)
            with self.lease.shared():
                worker = self.workers.load(form)
        except KeyError as e:
            verdict.refuse(Finding("plan", f"the plan has an input {e.args[0]!r}, and forward has none of that name"))
            return
        except LoadFailed as e:
            verdict.refuse(_of_outcome(e.outcome))
            return
        finally:
            verdict.seconds["load"] = time.perf_counter() - started
        ladder = self._ladder(worker, stage, order)
        try:
            stands = self._climb(ladder, worker, candidate, stage, verdict)
            verdict.take_tally(ladder.tally, ladder.contract(), self.pool.eager_error())
            if not stands:
                verdict.refuse(ladder.tally.finding)
                return
            if stage != "search" and self._timed_here:
                self._time_fresh(ladder, form, stage, verdict)
                # Seconds have passed for the worker that was verified: some are right for the first one only.
                if verdict.reason == "ok" and not ladder.later():
                    verdict.refuse(ladder.tally.finding)
        finally:
            self.workers.drop(worker)
        if verdict.reason == "ok" and (constant := self.pool.constant()):
            verdict.reason = constant
        if ladder.base:  # inputs of this final alone
            self.pool.forget(range(ladder.base, ladder.base + EACH_FINAL))

    def _form_for(self, candidate: dict, stage: str) -> dict:
        """The candidate as it is; a plan in the final stage as it will be deployed."""
        if candidate.get("form") == "plan" and stage == "final" and self._timed_here:
            return deployed_folder(candidate, self.scratch)
        return candidate

    @property
    def _timed_here(self) -> bool:
        """Whether this machine's clock says anything of the target's: an emulator only verifies."""
        return self.options.target != "metal-emulated"

    def _ladder(self, worker: Any, stage: str, order: list[str] | None) -> Ladder:
        base = 0
        if stage == "final":
            base = FRESH + EACH_FINAL * (self._finals % 15)
            self._finals += 1
            self.pool.planned |= {base, base + 2, base + 4}  # generated inputs, for the error that is reported
        return Ladder(
            self.pool,
            worker,
            base=base,
            quiet=self.lease.shared,
            order=order,
            progress=lambda done, of: self._progress("verify", done, of),
        )

    def _climb(self, ladder: Ladder, worker: Any, candidate: dict, stage: str, verdict: Verdict) -> bool:
        if not ladder.first(3):
            return False
        if stage == "search" and self._timed_here:
            try:
                quick = self._quick_timing(ladder, worker)
            except TimingFailed as e:
                return self._timing_failed(e, ladder)
            if ladder.tally.finding is not None:
                return False
            verdict.take_timing(quick)
            if candidate.get("form") != "original" and (slower_than := _slower_than(quick, candidate.get("to_beat"))):
                verdict.notes.append(f"slower than {slower_than} in the quick timing: verified on 3 inputs only")
                return ladder.conclude()
        return ladder.full(self.options.inputs, self.options.verify_seconds)

    # -- profile -----------------------------------------------------------------------------------------------------
    def profile(self, candidate: dict) -> dict:
        """A plan's steps with their times and bytes, for hints: see docs/architecture.md. No part of a verdict."""
        if self.pool is None or candidate.get("form") != "plan":
            raise BurnishError("environment", "only a plan of an open problem has steps", "judge protocol", "")
        items, order = self._timed_items(fresh=False), order_of(candidate)
        try:
            with self.lease.shared(), self.workers.loaded(candidate) as worker:
                self._side(worker, items, order)
                calls = max(5, min(100, round(PROFILE_SECONDS / max(self.pool.eager_seconds or 1e-3, 1e-6))))
                calls = calls if self._timed_here else 1  # an emulator's are asked for what they count
                with self.lease.exclusive(), self.workers.only(worker):
                    bandwidth = copy_bandwidth("cuda" if self.options.target == "cuda" else "cpu")
                    outcome = worker.profile(0, calls, self.options.timeout_seconds * calls)
        except LoadFailed as e:
            outcome = e.outcome
        if not outcome.ok:
            raise BurnishError(known(outcome.reason), outcome.message or "the candidate failed", "profile", "")
        return {**steps_of(outcome.reply), "bytes_per_second": bandwidth, "eager_seconds": self.pool.eager_seconds}

    # -- timing ------------------------------------------------------------------------------------------------------
    def _timed_items(self, fresh: bool) -> list[Item]:
        """Generated inputs under the module's own parameters, a few of them, as much as memory allows."""
        if fresh:
            self._timed += 1
        items: list[Item] = []
        index = TIMED + 200 * (self._timed % 19)
        while len(items) < self._slots_wanted():
            if self.pool.kind_of(index) is GENERATED and parameter_set(index) == 0:
                item = self.pool.item(index)
                if items and sum(i.bytes for i in items) + item.bytes > TIMED_BYTES and len(items) >= 2:
                    break
                items.append(item)
            index += 1
        return items

    def _slots_wanted(self) -> int:
        """Enough for each call of a batch to have an input of its own."""
        batch = BATCH_SECONDS / max(self.pool.eager_seconds or BATCH_SECONDS, 1e-6)
        return max(TIMED_SLOTS[0], min(TIMED_SLOTS[1], round(1.5 * batch)))

    def _side(
        self, worker: Any, items: list[Item], order: list[str] | None, params: dict[str, torch.Tensor] | None = None
    ) -> Side:
        """Puts parameters and inputs into a loaded worker and calls it once. `params` are those of set 0, where
        they are at hand: then several threads may do this at once. Raises LoadFailed."""
        if params is None:
            self.pool.parameters.use(0)
        steps = [
            lambda: worker.set_slots([self.pool.slot(i, order) for i in items]),
            lambda: worker.call(0, timeout=self.options.timeout_seconds),
        ]
        if worker not in self._placed:
            steps.insert(0, lambda: worker.set_params(self.pool.tensors() if params is None else params))
        for step in steps:
            outcome = step()
            if outcome is not None and not outcome.ok:
                raise LoadFailed(outcome)
        self._placed.add(worker)
        vary, poke = self.pool.variable(order), self.pool.variable(order, singly=True)
        return Side(worker, list(range(len(items))), vary, poke, len(items[0].outputs), items[0].bytes)

    def _watch(self, theirs: Side, mine: Side, items: list[Item], ladder: Ladder, samples: int) -> Stopwatch:
        """Sampled outputs are compared with eager on what the worker was really given."""

        def inspect(slot: int, outcome: Any) -> bool:
            item = items[slot]
            if outcome.ok and getattr(outcome, "inputs", None):
                item = self.pool.given(item, outcome.inputs, ladder.order)
            return ladder.judge_outcome(item, outcome)

        rng = random.Random(os.urandom(8))
        return Stopwatch(theirs, mine, flush=True, rng=rng, inspect=inspect, samples=samples)

    def _quick_timing(self, ladder: Ladder, worker: Any) -> Timing:
        """One pair: the worker at hand against a twin that is kept for the whole search."""
        items = self._timed_items(fresh=False)
        timing = Timing()
        started = time.perf_counter()
        self._placed.add(worker)  # the ladder put set 0 there
        with self._search_reference() as reference:
            theirs = self._side_of("reference", reference, items, None)
            mine = self._side_of("candidate", worker, items, ladder.order)
            watch = self._watch(theirs, mine, items, ladder, SAMPLES["search"])
            with self.lease.exclusive(), self.workers.only(reference, worker) as placement:
                watch.settle = placement.renew
                time_pair(
                    watch, self._budget("search"), timing, first="reference", fewest=SEARCH_ROUNDS, give_up_below=0.8
                )
            reference.freeze()
        ladder.forget_calls()
        timing.seconds = time.perf_counter() - started
        return timing

    def _side_of(self, role: str, worker: Any, items: list[Item], order: list[str] | None) -> Side:
        try:
            return self._side(worker, items, order)
        except LoadFailed as e:
            raise TimingFailed(role, e.outcome) from e

    @contextlib.contextmanager
    def _search_reference(self) -> Iterator[Any]:
        try:
            with self.workers.reference() as worker:
                yield worker
        except LoadFailed as e:
            raise TimingFailed("reference", e.outcome) from e

    def _budget(self, stage: str) -> float:
        """Seconds of timing: enough for the calls that are wanted, within the stage's limits."""
        least, most = SECONDS[stage]
        if self.options.timing_seconds:
            return self.options.timing_seconds
        return min(most, max(least, 2.5 * CALLS_WANTED[stage] * (self.pool.eager_seconds or 1e-3)))

    def _time_fresh(self, ladder: Ladder, mine: dict, stage: str, verdict: Verdict) -> None:
        """Fresh pairs of processes; the outputs of calls drawn at random are compared too."""
        count, further = (FINAL_PAIRS, FURTHER_PAIRS) if stage == "final" else (EVAL_PAIRS, ())
        items = self._timed_items(fresh=True)
        pairs = self._fresh_pairs(mine, items, ladder, [count, *further])

        @contextlib.contextmanager
        def make_pair(number: int) -> Iterator[Stopwatch]:
            theirs, ours = pairs.take(number)
            watch = self._watch(theirs, ours, items, ladder, SAMPLES[stage] // count)
            with self.workers.only(theirs.worker, ours.worker) as placement:
                watch.settle = placement.renew
                yield watch

        try:
            timing = measure(
                make_pair,
                count,
                self._budget(stage),
                self.lease,
                fewest=FEWEST_ROUNDS[stage],
                further=further,
                progress=lambda done, of: self._progress("time", done, of),
            )
        except TimingFailed as e:
            self._timing_failed(e, ladder)
            verdict.refuse(ladder.tally.finding)
            return
        finally:
            pairs.close()
            verdict.seconds["start"] = pairs.seconds
        if ladder.tally.finding is not None:
            verdict.refuse(ladder.tally.finding)
            return
        verdict.take_timing(timing)

    def _fresh_pairs(self, mine: dict, items: list[Item], ladder: Ladder, batches: list[int]) -> Pairs:
        self.pool.parameters.use(0)
        params = {path: t.cpu() for path, t in self.pool.tensors().items()}
        held = sum(i.bytes for i in items) + sum(t.numel() * t.element_size() for t in params.values())
        # A ModelNew's host code is the candidate's: those that wait could give the GPU work while the reference is
        # timed.
        alone = mine.get("form") == "model_new"
        return Pairs(
            self.workers,
            Role("reference", REFERENCE, lambda worker: self._side(worker, items, None, params)),
            Role("candidate", mine, lambda worker: self._side(worker, items, ladder.order, params)),
            together=1 if alone else self._together(self.options.device, held, batches[0]),
            batches=batches,
            quiet=self.lease.shared,
        )

    _together = staticmethod(pairs_together)

    def _timing_failed(self, e: TimingFailed, ladder: Ladder) -> bool:
        if e.side == "reference":
            raise BurnishError(
                "environment",
                f"the reference stopped while it was timed: {e.outcome.message or e.outcome.reason}",
                "timing",
                "see that the machine has memory left; try again",
            )
        ladder.tally.finding = _of_outcome(e.outcome)
        return False

    def close(self) -> None:
        self.workers.close()
        self.lease.close()
        if self.pool is not None:
            self.pool.parameters.use(0)
        if self._own_scratch is not None:
            self._own_scratch.cleanup()


def _build_runtime(progress: Callable[[str, int, int], None]) -> None:
    """The first use after an installation builds it: minutes on a slow machine, in which the judge must be heard."""
    from burnish.problem import watched

    with watched(lambda phase, seconds: progress(phase, int(seconds), 0), BUILDING, BUILD_HEARD_SECONDS):
        native.runtime()


def _slower_than(quick: Timing, to_beat: float | None) -> str | None:
    """What a candidate is surely slower than: then it cannot be the winner, and verifying it in full tells nothing."""
    if not quick.pairs:
        return None
    high = quick.interval()[1]
    if quick.speedup < GIVE_UP_BELOW[0] and high < GIVE_UP_BELOW[1]:
        return "the reference"
    return f"another candidate ({to_beat:.2f}x at least)" if to_beat and high < to_beat else None


def _of_outcome(outcome: Any) -> Finding:
    return Finding(known(outcome.reason), outcome.message or "the candidate failed")


def _memory_for_pool() -> int:
    """A quarter of what this process can still have, 4 GB at most."""
    room = spare_bytes()
    return 1 << 30 if room is None else min(4 << 30, room // 4)


def _set_precision(precision: str) -> None:
    """PyTorch's own words; `ieee` is `highest` with TF32 off everywhere."""
    torch.set_float32_matmul_precision("highest" if precision == "ieee" else precision)
    if precision == "ieee" and hasattr(torch.backends, "cudnn"):
        torch.backends.cudnn.allow_tf32 = False
