"""The machine-wide lease: while one judge times, no other Burnish process on this machine works.

Timing holds the lock exclusively; verification and compilation hold it shared, for a short while at a time. The
orchestrator is told, so that it stops its compilers first.

flock lets a newcomer share a lock for which somebody waits exclusively: beside three runs that verify, a timing waited
more than 20 s, again and again. So there is a second file, the turn: who waits to time holds it, and who wants to
share passes through it.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
import time
from collections.abc import Callable, Iterator

PLACES = ("/run/lock", "/var/lock", "/tmp")
NAME = "burnish-cpu.lease"
TURN = ".turn"  # after the lock file's name
VARIABLE = "BURNISH_LEASE"  # another file instead: tests, which do not care what their timings say, need not wait


class Lease:
    """Used by one thread. `announce("take")` returns once everybody of this run has stopped; `announce("give")` lets
    them go on. `waiting()` is the time of another Burnish: it says so, while it lasts. `waited` adds up the seconds."""

    def __init__(
        self,
        announce: Callable[[str], None] | None = None,
        path: str | None = None,
        waiting: Callable[[], contextlib.AbstractContextManager] = contextlib.nullcontext,
    ) -> None:
        self._announce, self._waiting = announce or (lambda state: None), waiting
        self._fd, self._turn = _open(path)
        self._held, self._sharing = 0, False
        self.waited = 0.0

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """For timing. May be taken again inside itself, and inside `shared`, which is given up meanwhile: who held it
        while waiting for the turn would wait for one who waits for them."""
        self._held += 1
        try:
            if self._held == 1:
                if self._sharing:
                    self._give()
                self._take(fcntl.LOCK_EX)
                self._announce("take")
            yield
        finally:
            self._held -= 1
            if self._held == 0:
                self._announce("give")
                self._give()
                if self._sharing:
                    self._take(fcntl.LOCK_SH)

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """For work that would disturb a timing. Does nothing while we hold the lease already, in either way."""
        if self._held or self._sharing:
            yield
            return
        self._take(fcntl.LOCK_SH)
        self._sharing = True
        try:
            yield
        finally:
            self._sharing = False
            self._give()

    def close(self) -> None:
        for fd in (self._fd, self._turn):
            if fd is not None:
                os.close(fd)
        self._fd = self._turn = None

    def _take(self, how: int) -> None:
        """First the turn, in the same way; it is kept until the lock is held."""
        locks = [fd for fd in (self._turn, self._fd) if fd is not None]
        try:
            missing = next((i for i, fd in enumerate(locks) if not _at_once(fd, how)), None)
            if missing is not None:
                started = time.monotonic()
                with self._waiting():
                    for fd in locks[missing:]:
                        fcntl.flock(fd, how)
                self.waited += time.monotonic() - started
        finally:
            if self._turn is not None:
                fcntl.flock(self._turn, fcntl.LOCK_UN)

    def _give(self) -> None:
        if self._fd is not None:
            fcntl.flock(self._fd, fcntl.LOCK_UN)


def _at_once(fd: int, how: int) -> bool:
    try:
        fcntl.flock(fd, how | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _open(path: str | None) -> tuple[int | None, int | None]:
    """The lock and the turn beside it."""
    path = path or os.environ.get(VARIABLE)
    for place in [path] if path else [os.path.join(p, NAME) for p in PLACES]:
        if (fd := _open_file(place)) is not None:
            return fd, _open_file(place + TURN)
    return None, None


def _open_file(place: str) -> int | None:
    """One that everybody on the machine may open. None where that cannot be."""
    try:
        fd = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
    except PermissionError:  # sticky folders refuse O_CREAT on another user's file: open it as it is
        try:
            fd = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        except OSError:
            return None
    except OSError:
        return None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        return None
    with contextlib.suppress(OSError):
        os.fchmod(fd, 0o666)
    return fd
