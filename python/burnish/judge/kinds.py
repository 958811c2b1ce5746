"""The kinds of input and the contract that each belongs to."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Kind:
    name: str
    contract: str  # the narrowest contract that holds this kind
    scale: int = 0  # power of two, for the scaled kinds


GENERATED = Kind("generated", "generator")
SIGNS = Kind("signs", "narrow")
NORMAL = Kind("normal", "narrow")
ROWS = Kind("rows scaled", "full")
CHANNELS = Kind("channels scaled", "full")
SCALED = tuple(Kind(f"scaled 2^{e}", "narrow" if abs(e) <= 10 else "full", e) for e in (-20, -10, 10, 20))
KINDS = (GENERATED, SIGNS, NORMAL, *SCALED, ROWS, CHANNELS)
WIDTH = {"generator": 0, "narrow": 1, "full": 2}
SPREAD = 12.0  # rows and channels are scaled by 2^U(-SPREAD, SPREAD)


def within(kind: Kind, contract: str) -> bool:
    return WIDTH[kind.contract] <= WIDTH[contract]
