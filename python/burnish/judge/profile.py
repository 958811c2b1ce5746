"""What the judge adds to a worker's own account of its steps, and what it lets through of it."""

from __future__ import annotations

import time

import torch

COPY_BYTES = 128 << 20  # beyond the last-level cache of most machines
COPIES = 5
MOST_STEPS = 5000
COUNTS = ("seconds", "bytes_in", "bytes_out", "calls", "flops", "threads", "groups", "barriers")


def copy_bandwidth(device: str = "cpu") -> float:
    """Bytes a second that PyTorch's own copy moves there, read and written: the roof of steps that only move data."""
    wait = torch.cuda.synchronize if device == "cuda" else lambda: None
    source = torch.ones(COPY_BYTES // 4, device=device)
    target = torch.empty_like(source).copy_(source)  # touched before it is timed
    best = float("inf")
    for _ in range(COPIES):
        wait()
        begin = time.perf_counter()
        target.copy_(source)
        wait()
        best = min(best, time.perf_counter() - begin)
    return 2 * COPY_BYTES / best


def steps_of(reply: dict) -> dict:
    """The worker's reply, its parts made sure of: it hosts a candidate's code."""
    steps = []
    for row in (reply.get("steps") or [])[:MOST_STEPS]:
        if not isinstance(row, dict):
            continue
        numbers = {k: _number(row.get(k)) for k in COUNTS}
        steps.append({"step": str(row.get("step", ""))[:200], **numbers})
    return {"seconds": _number(reply.get("seconds")), "steps": steps}


def _number(value: object) -> float:
    return value if isinstance(value, int | float) and value == value and 0 <= value < 1e18 else 0.0
