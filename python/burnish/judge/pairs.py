"""The pairs of fresh processes of one timing: brought up several at a time where that takes long.

On a GPU a process needs seconds until its first call has ended (PyTorch's libraries, CUDA's context, the module), and a
final timing wants ten of them. As many pairs as fit into memory come up side by side, each process has made one call,
and all but the pair that is timed are stopped. A worker answers a call once its GPU has nothing left to do, so that
those that wait leave the GPU alone as well.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

import torch

from burnish.guarded import spare_bytes
from burnish.judge.timing import Side, TimingFailed
from burnish.judge.twins import LoadFailed, Workers

PROCESS_BYTES = 2 << 30  # of a worker that has started CUDA, in host memory
CONTEXT_BYTES = 1 << 30  # and on the GPU


@dataclass
class Role:
    """One of the twins: `name` says who failed, "reference" or "candidate"; `set_up` makes a loaded worker ready for
    timed calls, and raises LoadFailed."""

    name: str
    candidate: dict[str, Any]
    set_up: Callable[[Any], Side]


class Pairs:
    """`take(number)` gives pair `number`, the reference first. `seconds` were spent on bringing processes up."""

    def __init__(
        self,
        workers: Workers,
        reference: Role,
        candidate: Role,
        *,
        together: int,
        batches: Sequence[int],
        quiet: Callable[[], AbstractContextManager],
    ) -> None:
        """`batches`: up to how many pairs will be asked for, and up to how many then (timing.measure's `further`)."""
        self._workers, self._roles = workers, (reference, candidate)
        self._together, self._batches, self._quiet = max(1, together), batches, quiet
        self._ready: dict[int, tuple[Side, Side]] = {}
        self._spent: list[Any] = []
        self.seconds = 0.0

    def take(self, number: int) -> tuple[Side, Side]:
        """Raises TimingFailed."""
        if number not in self._ready:
            started = time.perf_counter()
            self._drop_spent()
            end = next((n for n in self._batches if n > number), number + 1)
            with self._quiet():
                self._bring_up(range(number, min(end, number + self._together)))
            self.seconds += time.perf_counter() - started
        pair = self._ready.pop(number)
        self._spent += [side.worker for side in pair]
        return pair

    def close(self) -> None:
        self._spent += [side.worker for pair in self._ready.values() for side in pair]
        self._ready.clear()
        self._drop_spent()

    def _bring_up(self, numbers: range) -> None:
        """The order in which a pair's processes start turns from one pair to the next."""
        loaded: list[Any] = []

        def start(role: Role) -> Any:
            try:
                worker = self._workers.load(role.candidate)
                loaded.append(worker)
                return role.set_up(worker) if len(numbers) > 1 else worker
            except LoadFailed as e:
                raise TimingFailed(role.name, e.outcome) from e

        order = [(n, which) for n in numbers for which in ((0, 1) if n % 2 == 0 else (1, 0))]
        try:
            with ThreadPoolExecutor(len(order), thread_name_prefix="burnish-pairs") as threads:
                futures = {at: threads.submit(start, self._roles[at[1]]) for at in order}
            made = {at: futures[at].result() for at in sorted(futures)}
            if len(numbers) == 1:  # where cores are shared, one after the other
                made = {at: self._set_up(self._roles[at[1]], worker) for at, worker in made.items()}
        except BaseException as e:
            self._spent += loaded
            self._drop_spent()
            if len(numbers) == 1 or not isinstance(e, TimingFailed):
                raise
            self._together = 1  # perhaps there was no room for all of them
            self._bring_up(numbers[:1])
            return
        self._ready |= {n: (made[n, 0], made[n, 1]) for n in numbers}

    @staticmethod
    def _set_up(role: Role, worker: Any) -> Side:
        try:
            return role.set_up(worker)
        except LoadFailed as e:
            raise TimingFailed(role.name, e.outcome) from e

    def _drop_spent(self) -> None:
        """Side by side: the driver takes its time with the memory of a process that ends."""
        if self._spent:
            with ThreadPoolExecutor(len(self._spent), thread_name_prefix="burnish-pairs") as threads:
                list(threads.map(self._workers.drop, self._spent))
        self._spent = []


def pairs_together(device: str, held_bytes: int, wanted: int) -> int:
    """How many pairs may be up at once: one on a CPU, where they come up fast and share its caches and memory. Each
    process holds `held_bytes` of inputs and parameters, on the GPU and in host memory."""
    if device != "cuda":
        return 1
    room = [(spare_bytes() or 0) // 2 // (2 * (PROCESS_BYTES + held_bytes))]
    if torch.cuda.is_available():
        # What a call needs beside them is not known for the candidate: as much as the judge ever needed, float64 too.
        each = CONTEXT_BYTES + held_bytes + torch.cuda.max_memory_reserved()
        room.append(torch.cuda.mem_get_info()[0] // 2 // (2 * each))
    return max(1, min(wanted, *room))
