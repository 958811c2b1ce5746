"""Looking at trees of processes, from /proc."""

from __future__ import annotations

import os
from pathlib import Path


def tree_of(root: int) -> list[int]:
    """The process and its descendants, parents first; ended ones that nobody waited for are left out."""
    children: dict[int, list[int]] = {}
    for entry in filter(str.isdigit, os.listdir("/proc")):
        try:
            state, parent = Path(f"/proc/{entry}/stat").read_text(errors="replace").rpartition(") ")[2].split()[:2]
        except (OSError, ValueError):  # it has just ended
            continue
        if state != "Z":
            children.setdefault(int(parent), []).append(int(entry))
    found = [root]
    for parent in found:
        found += children.get(parent, [])
    return found
