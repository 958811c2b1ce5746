"""What this machine can do at most: the bytes that a copy moves and the fp32 operations of registers, a second each.

    python -m burnish.roofline [--target cuda] [--object FILE]

`burnish doctor --measure` runs it and keeps what it prints, one JSON line. FILE is the compiled kernel `peak` of
src/cli/measure.cpp: multiplications with additions that wait neither for memory nor for each other. On a GPU the peak
is that of PyTorch's own fp32 product, without TF32.
"""

from __future__ import annotations

import argparse
import ctypes
import json
import threading
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch

from burnish.judge.profile import copy_bandwidth

SECONDS = 0.15  # a measurement
REPEATS = 5  # of which the best counts: what disturbs makes it slower only
SIDE = 8192  # of the matrices on a GPU


class Peak:
    """The compiled kernel: rounds in, and the operations of one round out."""

    def __init__(self, path: Path) -> None:
        self.entry = ctypes.CDLL(str(path)).burnish_entry_peak
        self.entry.restype = None

    def __call__(self, rounds: int) -> float:
        out = (ctypes.c_float * 2)()
        args = (ctypes.c_void_p * 1)(ctypes.addressof(out))
        self.entry(ctypes.c_int64(0), ctypes.c_int64(rounds), args)
        return out[0]


def seconds_of(work: Callable[[], object], threads: int) -> float:
    """From the start of the first thread until the last is done; ctypes lets them run side by side."""
    others = [threading.Thread(target=work) for _ in range(threads - 1)]
    begin = time.perf_counter()
    for other in others:
        other.start()
    work()
    for other in others:
        other.join()
    return time.perf_counter() - begin


def peak_of(kernel: Callable[[int], float], threads: int) -> float:
    """Operations a second of so many threads."""
    rounds = 1000
    while seconds_of(partial(kernel, rounds), 1) < SECONDS / 4:
        rounds *= 4
    best = min(seconds_of(partial(kernel, rounds), threads) for _ in range(REPEATS))
    return kernel(1) * rounds * threads / best


def product_peak() -> float:
    """Operations a second of the GPU's library in fp32."""
    torch.backends.cuda.matmul.allow_tf32 = False
    a = torch.randn(SIDE, SIDE, device="cuda")

    def product() -> None:
        torch.mm(a, a)
        torch.cuda.synchronize()

    product()
    return 2 * SIDE**3 / min(seconds_of(product, 1) for _ in range(REPEATS))


def measure(target: str, path: Path | None) -> dict[str, object]:
    threads = torch.get_num_threads()
    if target == "cuda":
        flops = product_peak()
    else:
        assert path is not None, "the target cpu needs --object"
        flops = peak_of(Peak(path), threads)
    return {
        "bytes_per_second": copy_bandwidth(target),
        "flops_per_second": flops,
        "threads": threads,
        "torch": torch.__version__,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--target", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--object", type=Path)
    options = parser.parse_args()
    print(json.dumps(measure(options.target, options.object)), flush=True)


if __name__ == "__main__":
    main()
