"""What a judged candidate may not leave behind: processes, shared memory, temporary files."""

from __future__ import annotations

import contextlib
import os
import time
from pathlib import Path

SETTLE_SECONDS = 60.0  # of two cores, the kernel needs seconds to take down what a fork bomb left


def _alive() -> dict[int, tuple[int, str]]:
    """pid -> (parent, command line) of every process that is alive."""
    found = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        with contextlib.suppress(OSError, IndexError):
            after = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            if after[0] not in "ZX":
                found[int(entry.name)] = int(after[1]), command
    return found


def descendants(root: int) -> dict[int, str]:
    """Command lines of all processes below `root`."""
    alive, found, last = _alive(), {}, {root}
    while last:
        last = {pid for pid, (parent, _) in alive.items() if parent in last} - set(found)
        found |= {pid: alive[pid][1] for pid in last}
    return found


def strays(judge: int, scratch: Path) -> dict[int, str]:
    """Processes that came from this judge and are not below it any more. Workers have its folder for temporary files in
    their environment, or, in a sandbox, among their mounts."""
    below = {judge, *descendants(judge)}
    found = {}
    for pid, (_, command) in _alive().items():
        if pid in below or pid == os.getpid():
            continue
        for place in ("environ", "mountinfo"):
            with contextlib.suppress(OSError):
                if str(scratch).encode() in Path(f"/proc/{pid}/{place}").read_bytes():
                    found[pid] = command
    return found


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
