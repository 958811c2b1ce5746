"""Finds out how accurate eager is on one input: float64, one-ulp moves, and the positions that those upset."""

from __future__ import annotations

import math

import torch

from burnish.judge.inputs import nudge_ulps, seed_of
from burnish.judge.kinds import CHANNELS, GENERATED, ROWS, Kind
from burnish.judge.numerics import Measure, combine, measure, measure_finite, real, wide
from burnish.judge.trees import flatten_result
from burnish.judge.widen import CannotWiden, run_wide
from burnish.judge.yardstick import FACTOR, MASKED, Reference, floors, is_exact

CLOSE_DRAWS = (
    4  # of the moves behind a calibration, those from this one on go as far as FAR ulps and count for masks only
)
FAR = 4.0
MORE_DRAWS = 12
PIECE = 1 << 22  # values


def first_look(eager: torch.Tensor, kind: Kind) -> Reference:
    """What is known of an output before it is calibrated."""
    r = Reference(eager, uneven=kind in (ROWS, CHANNELS))
    if not is_exact(eager.dtype) and eager.numel():
        _set_scale(r, eager)
        if kind is GENERATED and r.valid is not None:
            spread = wide(eager)
            r.nan, r.infinite = _some(torch.isnan(spread)), _some(torch.isinf(spread))
    return r


def _some(mask: torch.Tensor) -> torch.Tensor | None:
    return mask if bool(mask.any()) else None


def _set_scale(r: Reference, target: torch.Tensor, extra: torch.Tensor | None = None) -> None:
    if extra is not None and bool(extra.all()):
        extra = None
    m = measure_finite(target, extra)
    if m is not None:
        r.valid = extra
    else:
        target = wide(target)
        finite = torch.isfinite(target)
        if extra is not None:
            finite &= extra
        r.valid = None if bool(finite.all()) else finite
        m = measure(target, r.valid)
    r.rms, r.group_rms = m.rms, [g for g, _ in m.groups]


def calibrate(pool, item, draws: int) -> None:
    """Fills error, change, masks and the float64 target of each output of `item`. `pool` runs the module."""
    exact = _float64(pool, item)
    moved = [tensors for d in range(draws) if (tensors := _moved(pool, item, 1.0 if d < CLOSE_DRAWS else FAR, d))]
    for o, r in enumerate(item.outputs):
        others = [m[o] for m in moved]
        if is_exact(r.eager.dtype):
            _calibrate_exact(r, None if exact is None else exact[o], others, item)
        elif r.eager.numel():
            _calibrate_floating(r, None if exact is None else exact[o], others, item.kind)
        else:
            r.change = Measure(0, 0.0, 0.0, float("inf"), [])


def look_closer(pool, item) -> None:
    """More moves by one ulp behind the change of each output, one at a time, and each part's largest instead of its
    mean. A part that is off by one common factor scatters like one value, and among thousands some change little in
    each of four moves by chance: an instance norm in floats, as accurate as eager's change, was refused for one row of
    32,768. Where a part's values are independent, the largest change is the mean. Once for a calibration."""
    if any(len(r.close) > CLOSE_DRAWS for r in item.outputs):
        return
    for d in range(MORE_DRAWS):
        for o, tensor in enumerate(_moved(pool, item, 1.0, 1000 + d) or []):
            r = item.outputs[o]
            change = measure(tensor, r.valid, target=r.eager) if r.close else None
            if change is not None and math.isfinite(change.worst):  # an overflow would allow its part anything
                r.close.append(change)
    for r in item.outputs:
        if r.close:
            r.change = combine(r.close, largest_parts=True)


def _moved(pool, item, ulps: float, draw: int) -> list[torch.Tensor] | None:
    """The module's outputs on inputs moved by `ulps`; nothing where it cannot take them or gives other shapes."""
    leaves = nudge_ulps(item.leaves, ulps, seed_of(pool.secret, "move", item.index, draw))
    try:
        tensors, structure = pool.eager(leaves)
    except Exception:  # the user's module: a move that it cannot take says nothing
        return None
    if structure != item.structure:
        return None
    shapes_agree = all(a.shape == r.eager.shape for a, r in zip(tensors, item.outputs, strict=True))
    return tensors if shapes_agree else None


def _float64(pool, item) -> list[torch.Tensor] | None:
    if pool.wide_fails:
        return None
    args, kwargs = pool.call_of(item.leaves)
    try:
        tensors, structure = flatten_result(run_wide(pool.module, args, kwargs))
    except CannotWiden as e:
        pool.wide_fails = str(e)
        return None
    if structure != item.structure or any(
        a.shape != r.eager.shape for a, r in zip(tensors, item.outputs, strict=False)
    ):
        pool.wide_fails = "in float64 the module gives another structure"
        return None
    return [pool.here(t) for t in tensors]


def _calibrate_exact(r: Reference, exact: torch.Tensor | None, others: list[torch.Tensor], item) -> None:
    votes = torch.zeros(r.eager.shape, dtype=torch.int32)
    for other in [*others, *([exact.to(r.eager.dtype)] if exact is not None else [])]:
        votes += (other != r.eager).int()
    _mask_unstable(r, votes.double(), votes > 0, None, item)
    r.change = Measure(r.eager.numel(), 0.0, 0.0, float("inf"), [])


def _calibrate_floating(r: Reference, exact: torch.Tensor | None, others: list[torch.Tensor], kind: Kind) -> None:
    usable = exact is not None and r.eager.dtype not in (torch.float64, torch.complex128)
    r.exact = wide(exact) if usable else None
    spread = real(exact if exact is not None else r.eager)
    suspect, comparable, nan, infinite = _compare(r, spread, others)
    if kind is GENERATED:
        r.nan, r.infinite = _some(nan), _some(infinite)
    _set_scale(r, r.known, comparable)
    limit = _outlier_limit(r, suspect)
    _mask_unstable(r, suspect, suspect > limit, comparable, None)
    if r.unstable:
        _set_scale(r, r.known, r.valid)
    r.error = measure(r.eager, r.valid, target=r.exact) if usable else None
    r.close = [measure(other, r.valid, target=r.eager) for other in others[:CLOSE_DRAWS]]
    r.change = combine(r.close) if r.close else Measure(r.eager.numel(), 0.0, 0.0, float("inf"), [])


def _compare(r: Reference, spread: torch.Tensor, others: list[torch.Tensor]) -> tuple[torch.Tensor, ...]:
    """By position: the largest that eager's output is off or was moved by, whether it can be compared, and whether it
    is NaN and infinite in `spread` (float64's output, where there is one) as well. Piece by piece: an output of 300 MB
    is 600 in float64, and several of them at a time were most of the judge's memory."""
    shape = (*r.eager.shape, 2) if r.eager.is_complex() else r.eager.shape
    eager, target, spread, *moved = (real(t).reshape(-1) for t in (r.eager, r.known, spread, *others))
    large = eager.numel() > PIECE and r.eager.dtype not in (torch.float64, torch.complex128)
    suspect = torch.empty(eager.numel(), dtype=torch.float32 if large else torch.float64)
    comparable, nan, infinite = (torch.empty(eager.numel(), dtype=torch.bool) for _ in range(3))
    for start in range(0, eager.numel(), PIECE):
        at = slice(start, start + PIECE)
        e, t, s = eager[at].double(), target[at].double(), spread[at].double()
        comparable[at] = torch.isfinite(e) & torch.isfinite(t)
        nan[at] = torch.isnan(s) & torch.isnan(e)
        infinite[at] = torch.isinf(s) & (s == e)
        off = (e - t).abs_()
        for m in moved:
            other = m[at].double()
            comparable[at] &= torch.isfinite(other)
            off = torch.maximum(off, other.sub_(e).abs_())
        suspect[at] = torch.where(comparable[at], off, torch.zeros((), dtype=torch.float64))
    return tuple(t.view(shape) for t in (suspect, comparable, nan, infinite))


def _outlier_limit(r: Reference, suspect: torch.Tensor) -> float:
    """Beyond FACTOR times the largest of the usual 99% a change is no rounding: a tie, a routing, a jump."""
    flat = suspect.reshape(-1)
    # A selection tells the quantile of many; by an odd step, which meets every column of rows of even length.
    flat = flat[:: -(-flat.numel() // PIECE) | 1]
    keep = max(1, int(flat.numel() * (1 - MASKED)))
    usual = float(flat.kthvalue(keep).values) if flat.numel() > 1 else float(flat.max())
    return max(FACTOR * usual, floors(r.eager.dtype)[2] * r.rms)


def _mask_unstable(
    r: Reference, score: torch.Tensor, unstable: torch.Tensor, comparable: torch.Tensor | None, item
) -> None:
    count = int(unstable.sum())
    if not count:
        return
    r.unstable = count / max(1, unstable.numel())
    allowed = max(1, int(MASKED * unstable.numel()))
    if count > allowed:
        if item is not None and item.kind is not GENERATED:
            item.notes.append(f"unstable on {r.unstable:.0%} of an output: not compared there")
        else:  # the most upset ones only
            threshold = score.reshape(-1).topk(allowed).values[-1]
            unstable = unstable & (score >= threshold)
            if int(unstable.sum()) > allowed:
                places = unstable.reshape(-1).nonzero().reshape(-1)[:allowed]
                unstable = torch.zeros_like(unstable).reshape(-1).index_fill_(0, places, True).reshape(unstable.shape)
    stable = ~unstable
    r.valid = stable if comparable is None else comparable & stable
