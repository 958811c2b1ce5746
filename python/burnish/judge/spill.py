"""Large tensors kept in a file instead of in memory: the system writes their pages out, drops them and reads them back
as it sees fit."""

from __future__ import annotations

import mmap
import os
import tempfile
from pathlib import Path

import torch

LEAST_BYTES = 1 << 20  # smaller tensors stay where they are
ALIGNED = 64


def _worth_it(t: object) -> bool:
    return (
        isinstance(t, torch.Tensor)
        and t.device.type == "cpu"
        and t.is_contiguous()
        and not t.is_conj()
        and t.numel() * t.element_size() >= LEAST_BYTES
    )


def spill(values: list, folder: Path) -> list | None:
    """`values` with each large contiguous tensor replaced by an equal one that lies in a file of its own, nameless and
    gone with its last tensor. None where the disk has no room for them (or is none)."""
    places, size = [], 0
    for value in values:
        places.append(size)
        if _worth_it(value):
            size += -(-value.numel() * value.element_size() // ALIGNED) * ALIGNED
    if size == 0:
        return values
    try:
        with tempfile.TemporaryFile(dir=folder, prefix="spilled-") as file:
            os.posix_fallocate(file.fileno(), 0, size)  # a full disk shows here, and not as SIGBUS at a write below
            memory = mmap.mmap(file.fileno(), size, mmap.MAP_SHARED)
    except OSError:
        return None
    kept = []
    for value, at in zip(values, places, strict=True):
        if _worth_it(value):
            there = torch.frombuffer(memory, dtype=value.dtype, count=value.numel(), offset=at).view(value.shape)
            kept.append(there.copy_(value))
        else:
            kept.append(value)
    return kept


def folder_on_disk(preferred: Path) -> Path | None:
    """`preferred` or /var/tmp, whichever does not itself lie in memory; None: neither."""
    in_memory = set()
    try:
        for line in Path("/proc/self/mountinfo").read_text().splitlines():
            fields = line.split()
            if fields[fields.index("-") + 1] in ("tmpfs", "ramfs"):
                major, minor = fields[2].split(":")
                in_memory.add(os.makedev(int(major), int(minor)))
    except (OSError, ValueError, IndexError):
        return preferred  # no Linux: nothing is known
    for folder in (preferred, Path("/var/tmp")):
        if folder.is_dir() and os.access(folder, os.W_OK) and folder.stat().st_dev not in in_memory:
            return folder
    return None
