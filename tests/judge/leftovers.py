"""What a judged candidate may not leave behind: processes, shared memory, temporary files."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

SANDBOX_USERS = 2_000_000_000  # src/base/sandbox.cpp: one user a sandbox, where we are root
SETTLE_SECONDS = 3.0


def _alive() -> dict[int, tuple[int, int, str]]:
    """pid -> (parent, user, command line) of every process that is alive."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError):
            after = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if after[0] not in "ZX":
                found[int(entry.name)] = int(after[1]), entry.stat().st_uid, command
    return found


def descendants(root: int) -> dict[int, str]:
    """Command lines of all processes below `root`."""
    alive, found, last = _alive(), {}, {root}
    while last:
        last = {pid for pid, (parent, _, _) in alive.items() if parent in last} - set(found)
        found |= {pid: alive[pid][2] for pid in last}
    return found


def orphans() -> dict[int, str]:
    """Processes of sandboxes whose sandbox is gone."""
    return {
        pid: command
        for pid, (parent, user, command) in _alive().items()
        if parent <= 1 and (user >= SANDBOX_USERS or "burnish" in command or command.startswith("bwrap"))
    }


def memory_files(pid: int) -> int:
    """How many anonymous memory files a process holds open."""
    count = 0
    for fd in Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            count += os.readlink(fd).startswith("/memfd:")
    return count


def settled(condition, seconds: float = SETTLE_SECONDS) -> bool:
    """Whether `condition()` becomes true within a little while: what is just ending may end."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.05)
    return True
