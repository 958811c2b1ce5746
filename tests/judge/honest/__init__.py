"""Honest look-alikes: at least 200 correct but differently written candidates, none of which may be refused."""

from __future__ import annotations

from collections.abc import Iterator

from . import convolutions, losses, norms, pointwise, products, selections, softmaxes, sums
from .family import Lookalike, lookalikes_of

FAMILIES = [
    family
    for module in (norms, products, sums, losses, softmaxes, pointwise, convolutions, selections)
    for family in module.FAMILIES
]


def lookalikes() -> Iterator[Lookalike]:
    """All of them; those of one problem are neighbours."""
    for family in FAMILIES:
        yield from lookalikes_of(family)
