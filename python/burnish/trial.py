"""A winner on another machine, PyTorch or number of threads than it was measured on: the first calls decide."""

from __future__ import annotations

import statistics
import threading
import time
import warnings
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import torch
from torch.utils import _pytree as pytree

from burnish.deployed_folder import processor_flags, target_of

if TYPE_CHECKING:
    from burnish.deploy import Started

CALLS = 8  # of both; the first two warm up
_WARM_UP = 2
# Relative RMS difference that is allowed here: the judge was stricter; this catches a broken build or another library.
_TOLERANCE = {
    torch.float64: 1e-9,
    torch.complex128: 1e-9,
    torch.float32: 1e-3,
    torch.complex64: 1e-3,
    torch.float16: 2e-2,
    torch.bfloat16: 1e-1,
}


def differences(manifest: Mapping[str, Any]) -> list[str]:
    """In what this process differs from the measurement, for people; empty where it does not."""
    changed = []
    if (measured := manifest.get("torch")) and measured != torch.__version__:
        changed.append(f"PyTorch {torch.__version__} instead of {measured}")
    host = manifest.get("host") or {}
    if target_of(manifest) == "cuda":
        measured, here = (host.get("gpu") or {}).get("name"), gpu_name()
        return [*changed, f"{here} instead of {measured}"] if measured and here not in ("", measured) else changed
    if (name := host.get("name")) and processor_name() not in ("", name):
        changed.append(f"{processor_name()} instead of {name}")
    elif host.get("flags") and processor_flags() and not set(host["flags"]) <= processor_flags():
        changed.append("a processor with other instruction sets")
    if (threads := manifest.get("threads")) and threads != torch.get_num_threads():
        changed.append(f"{torch.get_num_threads()} threads instead of {threads}")
    return changed


def gpu_name() -> str:
    """The current GPU's name; "" where there is none."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else ""


def processor_name() -> str:
    """As /proc/cpuinfo has it; "" where that is not known."""
    try:
        with open("/proc/cpuinfo") as file:
            for line in file:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return ""


class Trial:
    """Runs original and winner on the caller's own first calls, compares results and times: `winner` is then set.

    A call is answered with the original's result. Calls that the winner does not cover do not count.
    """

    def __init__(self, started: Started, original: torch.nn.Module, changed: list[str]) -> None:
        self.winner: Callable[..., Any] | None = None
        self._started, self._original, self._changed = started, original, changed
        self._times: tuple[list[float], list[float]] = ([], [])
        self._lock = threading.Lock()

    def __call__(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        if self.winner is not None or not self._lock.acquire(blocking=False):
            return self._original(*args, **kwargs)  # one measurement at a time
        try:
            return self._measure(args, kwargs)
        finally:
            self._lock.release()

    def _measure(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        first = len(self._times[0]) % 2
        timed: list[Any] = [None, None]
        for side in (first, 1 - first):
            run = (self._original, self._started.attempt)[side]
            _wait_for_gpu()
            began = time.perf_counter()
            result = run(*args, **kwargs)
            _wait_for_gpu()
            timed[side] = (result, time.perf_counter() - began)
        (expected, original_seconds), (attempted, winner_seconds) = timed
        if isinstance(attempted, str):
            return expected
        if difference := unlike(attempted[0], expected):
            self._decide(self._original, f"its results differ here: {difference}")
            return expected
        self._times[0].append(original_seconds)
        self._times[1].append(winner_seconds)
        if len(self._times[0]) >= CALLS:
            original, winner = (statistics.median(times[_WARM_UP:]) for times in self._times)
            if winner < original:
                self._decide(self._started.call)
            else:
                self._decide(self._original, f"it takes {winner / original:.2f} times as long here")
        return expected

    def _decide(self, winner: Callable[..., Any], why: str = "") -> None:
        self.winner = winner
        if why:
            text = f"burnish: the original {type(self._original).__name__} stays, {why} ({', '.join(self._changed)})"
            warnings.warn(text, stacklevel=6)


def _wait_for_gpu() -> None:
    if torch.cuda.is_available() and torch.cuda.is_initialized():
        torch.cuda.synchronize()


def unlike(got: Any, expected: Any) -> str:
    """How a result differs from the original's, or ""."""
    got_leaves, got_spec = pytree.tree_flatten(got)
    leaves, spec = pytree.tree_flatten(expected)
    if got_spec != spec:
        return "another structure"
    for number, (a, b) in enumerate(zip(got_leaves, leaves, strict=True)):
        if not isinstance(b, torch.Tensor):
            if a != b:
                return f"output {number} is {a!r} instead of {b!r}"
            continue
        if not isinstance(a, torch.Tensor) or a.shape != b.shape or a.dtype != b.dtype:
            return f"output {number} has another shape or dtype"
        tolerance = _TOLERANCE.get(b.dtype)
        if tolerance is None:
            if not torch.equal(a, b):
                return f"output {number} has other values"
            continue
        wide = torch.complex128 if b.is_complex() else torch.float64
        a, b = a.detach().to(wide), b.detach().to(wide)
        if not torch.equal(a.isfinite(), b.isfinite()):
            return f"output {number} is finite in other places"
        a, b = a.nan_to_num(0, 0, 0), b.nan_to_num(0, 0, 0)
        if (a - b).abs().square().sum() > tolerance**2 * b.abs().square().sum() + 1e-60:
            return f"output {number} has other values"
    return ""
