"""Where and with what priority the processes being timed run.

Left alone, the scheduler now and then keeps both threads of a parallel region on one core for tens of milliseconds
after a process was stopped and let go on: whole blocks of calls took two to three times as long, on one twin or the
other. So while it is timed, a process's main thread has the first core to itself and its other threads share the rest.
Only from outside and only meanwhile: OMP_PROC_BIND in the worker's environment would bind whatever it starts later to
one core.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

PRIORITY = -10  # of what is timed, where we may: a neighbour on the same core gets a tenth of it


class Placement:
    """The threads of some processes, placed. `renew` takes in threads that began since."""

    def __init__(self, pids: list[int]) -> None:
        self._pids, self._all = pids, os.sched_getaffinity(0)
        self._placed: dict[int, int] = {}  # thread -> its priority before

    def renew(self) -> None:
        first, *others = sorted(self._all)
        for thread, main in (t for pid in self._pids for t in threads_below(pid)):
            if thread in self._placed:
                continue
            self._placed[thread] = _prefer(thread)
            if others:
                with contextlib.suppress(OSError):
                    os.sched_setaffinity(thread, {first} if main else set(others))

    def undo(self) -> None:
        for thread, priority in self._placed.items():
            with contextlib.suppress(OSError):
                os.setpriority(os.PRIO_PROCESS, thread, priority)
            with contextlib.suppress(OSError):
                os.sched_setaffinity(thread, self._all)
        self._placed.clear()


def _prefer(thread: int) -> int:
    """Lets a thread go before others, if the system lets us; returns the priority that it had."""
    before = 0
    with contextlib.suppress(OSError):
        before = os.getpriority(os.PRIO_PROCESS, thread)
        os.setpriority(os.PRIO_PROCESS, thread, min(before, PRIORITY))
    return before


@contextlib.contextmanager
def placed(pids: list[int]) -> Iterator[Placement]:
    """The processes `pids`, all they started, and this thread go before others meanwhile, each thread in its place."""
    placement = Placement(pids)
    ours = _prefer(0)
    try:
        placement.renew()
        yield placement
    finally:
        placement.undo()
        with contextlib.suppress(OSError):
            os.setpriority(os.PRIO_PROCESS, 0, ours)


def threads_below(pid: int) -> list[tuple[int, bool]]:
    """Threads of a process and of its descendants, and whether each is its process's first."""
    found: list[tuple[int, bool]] = []
    with contextlib.suppress(OSError, ValueError):
        for task in (Path("/proc") / str(pid) / "task").iterdir():
            found.append((int(task.name), int(task.name) == pid))
            for child in (task / "children").read_text().split():
                found += threads_below(int(child))
    return found
