"""How far one tensor is from another: over the whole, its rows and channels, and its worst element. No limits here."""

from __future__ import annotations

import functools
from dataclasses import dataclass

import torch

from burnish.native import runtime

FULL = 64  # rows and channels of fewer values are not judged alone


def wide(t: torch.Tensor) -> torch.Tensor:
    """In float64, complex numbers as pairs."""
    t = t.detach()
    return torch.view_as_real(t.resolve_conj()).double() if t.is_complex() else t.double()


def groupings(shape: tuple[int, ...]) -> list[tuple[str, tuple[int, ...]]]:
    """Ways to cut a tensor into parts of FULL values or more: (name, dimensions that are summed over)."""
    dims, numel = len(shape), 1
    for n in shape:
        numel *= n
    found: list[tuple[str, tuple[int, ...]]] = []
    if dims < 2 or numel < 2 * FULL:
        return found
    if shape[-1] >= FULL:
        found.append(("row", (dims - 1,)))
    if dims >= 4 and numel // (shape[0] * shape[1]) >= FULL:
        found.append(("plane", tuple(range(2, dims))))
    for d in range(dims):
        over = tuple(k for k in range(dims) if k != d)
        if shape[d] >= 2 and numel // shape[d] >= FULL and all(over != seen for _, seen in found):
            found.append(("channel" if d else "sample", over))
    return found


@dataclass
class Measure:
    """Root mean squares, absolute. `effective` is how many values carry the error: its square's participation
    number."""

    count: int
    rms: float
    worst: float
    effective: float
    groups: list[tuple[torch.Tensor, torch.Tensor]]  # for each grouping: rms and effective count of each part


def _participation(squares: torch.Tensor, fourth: torch.Tensor) -> torch.Tensor:
    return torch.where(fourth > 0, squares * squares / fourth.clamp_min(5e-324), torch.full_like(squares, float("inf")))


def measure(
    values: torch.Tensor,
    valid: torch.Tensor | None = None,
    *,
    target: torch.Tensor | None = None,
    groups: bool = True,
) -> Measure:
    """Of values - target (of values, where there is no target) in float64. Positions that are not `valid` count as no
    error and no value."""
    found = measure_finite(values, valid, target=target, groups=groups)
    if found is not None:
        return found
    return _measure(wide(values) if target is None else wide(values) - wide(target), valid, groups)


# The fourth powers of such differences are no longer, or not yet, numbers of float64.
COMFORTABLE = (1e-60, 1e75)


def measure_finite(
    values: torch.Tensor,
    valid: torch.Tensor | None = None,
    *,
    target: torch.Tensor | None = None,
    groups: bool = True,
) -> Measure | None:
    """The same in one pass over memory (src/runtime/difference.h); None where a difference is not finite, or so large
    or small that its powers are not."""
    a = real(values)
    b = None if target is None else real(target)
    ways = groupings(tuple(a.shape)) if groups else []
    cuts = [[d for d in range(a.dim()) if d not in over] for _, over in ways]
    finite, count, worst, total, fourth, sums = runtime().difference(a, b, valid, cuts)
    if not finite or worst > COMFORTABLE[1] or 0 < worst < COMFORTABLE[0]:
        return None
    if count == 0:
        return Measure(0, 0.0, 0.0, float("inf"), [])
    parts = []
    for (_, over), (s, f, counts) in zip(ways, sums, strict=True):
        n = _size(a.shape, over) if counts is None else counts
        parts.append(((s / n).nan_to_num_(0.0).sqrt_(), _participation(s, f)))
    effective = total * total / fourth if fourth > 0 else float("inf")
    return Measure(count, (total / count) ** 0.5, worst, effective, parts)


def real(t: torch.Tensor) -> torch.Tensor:
    """Of float32 or float64, complex numbers as pairs."""
    t = t.detach()
    if t.is_complex():
        t = torch.view_as_real(t.resolve_conj())
    return t if t.dtype in (torch.float32, torch.float64) else t.float() if t.is_floating_point() else t.double()


def _measure(delta: torch.Tensor, valid: torch.Tensor | None, groups: bool) -> Measure:
    """In PyTorch's own operations: for values beyond those of measure_finite, and for its tests."""
    if valid is not None:
        delta = torch.where(valid, delta, torch.zeros((), dtype=delta.dtype))
    count = int(valid.sum()) if valid is not None else delta.numel()
    if delta.numel() == 0 or count == 0:
        return Measure(0, 0.0, 0.0, float("inf"), [])
    worst = float(delta.abs().max())
    scale = worst if worst > 0 else 1.0
    squares = (delta / scale).square_()
    total, fourth = squares.sum(), squares.square().sum()
    parts = []
    for _, over in groupings(tuple(delta.shape)) if groups else ():
        n = valid.sum(over, dtype=torch.float64) if valid is not None else _size(delta.shape, over)
        s, f = squares.sum(over), squares.square().sum(over)
        parts.append(((s / n).nan_to_num_(0.0).sqrt_() * scale, _participation(s, f)))
    return Measure(count, float((total / count).sqrt()) * scale, worst, float(_participation(total, fourth)), parts)


def _size(shape: torch.Size, over: tuple[int, ...]) -> float:
    n = 1
    for d in over:
        n *= shape[d]
    return float(n)


def combine(measures: list[Measure], largest_parts: bool = False) -> Measure:
    """Of several draws of the same error: squares averaged (of parts the largest, where asked), effective counts
    added."""
    if len(measures) == 1:
        return measures[0]
    k = len(measures)

    def mean(values: list[torch.Tensor]) -> torch.Tensor:
        return (sum(v.square() for v in values) / k).sqrt()

    of_part = (lambda values: functools.reduce(torch.maximum, values)) if largest_parts else mean
    groups = [
        (
            of_part([m.groups[i][0] for m in measures]),
            sum(torch.where(m.groups[i][0] > 0, m.groups[i][1], 0.0) for m in measures),
        )
        for i in range(min(len(m.groups) for m in measures))
    ]
    return Measure(
        measures[0].count,
        (sum(m.rms**2 for m in measures) / k) ** 0.5,
        max(m.worst for m in measures),
        sum(m.effective for m in measures if m.rms > 0) or float("inf"),
        groups,
    )


def locate(group: str, over: tuple[int, ...], part: int, shape: tuple[int, ...]) -> str:
    """A part of a grouping in words: row [3, :], channel [:, 5, :]."""
    kept = [d for d in range(len(shape)) if d not in over]
    index = []
    for d in reversed(kept):
        index.append(part % shape[d])
        part //= shape[d]
    places = dict(zip(kept, reversed(index), strict=True))
    return f"{group} [{', '.join(str(places[d]) if d in places else ':' for d in range(len(shape)))}]"
