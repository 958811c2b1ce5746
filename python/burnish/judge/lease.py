"""The machine-wide lease: while one judge times, no other Burnish process on this machine works.

Timing holds the lock exclusively; verification and compilation hold it shared, for a short while at a time. The
orchestrator is told, so that it stops its compilers first.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import stat
from collections.abc import Callable, Iterator

PLACES = ("/run/lock", "/var/lock", "/tmp")
NAME = "burnish-cpu.lease"
VARIABLE = "BURNISH_LEASE"  # another file instead: tests, which do not care what their timings say, need not wait


class Lease:
    """`announce("take")` returns once everybody of this run has stopped; `announce("give")` lets them go on."""

    def __init__(self, announce: Callable[[str], None] | None = None, path: str | None = None) -> None:
        self._announce = announce or (lambda state: None)
        self._fd = _open(path)
        self._held = 0

    @contextlib.contextmanager
    def exclusive(self) -> Iterator[None]:
        """For timing. May be taken again inside itself."""
        self._held += 1
        try:
            if self._held == 1:
                self._lock(fcntl.LOCK_EX)
                self._announce("take")
            yield
        finally:
            self._held -= 1
            if self._held == 0:
                self._announce("give")
                self._lock(fcntl.LOCK_UN)

    @contextlib.contextmanager
    def shared(self) -> Iterator[None]:
        """For work that would disturb a timing. Does nothing while the lease is held exclusively by us."""
        if self._held:
            yield
            return
        self._lock(fcntl.LOCK_SH)
        try:
            yield
        finally:
            self._lock(fcntl.LOCK_UN)

    def close(self) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _lock(self, how: int) -> None:
        if self._fd is not None:
            fcntl.flock(self._fd, how)


def _open(path: str | None) -> int | None:
    """A lock file that everybody on the machine may open. None where the machine has no place for one."""
    path = path or os.environ.get(VARIABLE)
    for place in [path] if path else [os.path.join(p, NAME) for p in PLACES]:
        try:
            fd = os.open(place, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o666)
        except PermissionError:  # sticky folders refuse O_CREAT on another user's file: open it as it is
            try:
                fd = os.open(place, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
            except OSError:
                continue
        except OSError:
            continue
        if not stat.S_ISREG(os.fstat(fd).st_mode):
            os.close(fd)
            continue
        with contextlib.suppress(OSError):
            os.fchmod(fd, 0o666)
        return fd
    return None
