"""The `burnish` that a benchmark starts, and the problems that it is given."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def burnish() -> str:
    beside = Path(sys.executable).parent / "burnish"
    return os.environ.get("BURNISH") or (str(beside) if beside.exists() else "burnish")


def part_of(text: str) -> Callable[[Sequence], Sequence]:
    """`K/N`, for argparse: what takes the K-th of N pieces of a list."""
    number, slash, count = text.partition("/")
    if not (slash and number.isdigit() and count.isdigit() and 1 <= int(number) <= int(count)):
        raise argparse.ArgumentTypeError(f"{text!r}: write K/N, for example 2/4")
    k, n = int(number), int(count)
    return lambda items: items[len(items) * (k - 1) // n : len(items) * k // n]


def add_part(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--part", type=part_of, default=part_of("1/1"), metavar="K/N", help="the K-th of N pieces")
