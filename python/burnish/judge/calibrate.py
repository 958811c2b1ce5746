"""Finds out how accurate eager is on one input: float64, one-ulp moves, and the positions that those upset."""

from __future__ import annotations

import torch

from burnish.judge.inputs import nudge_ulps, seed_of
from burnish.judge.kinds import CHANNELS, GENERATED, ROWS, Kind
from burnish.judge.numerics import Measure, combine, measure, measure_finite, wide
from burnish.judge.trees import flatten_result
from burnish.judge.widen import CannotWiden, run_wide
from burnish.judge.yardstick import FACTOR, MASKED, Reference, floors, is_exact

CLOSE_DRAWS = (
    4  # of the moves behind a calibration, those from this one on go as far as FAR ulps and count for masks only
)
FAR = 4.0


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
    moved: list[list[torch.Tensor]] = []
    for d in range(draws):
        leaves = nudge_ulps(item.leaves, 1.0 if d < CLOSE_DRAWS else FAR, seed_of(pool.secret, "move", item.index, d))
        try:
            tensors, structure = pool.eager(leaves)
        except Exception:  # the user's module: a move that it cannot take says nothing
            continue
        if structure == item.structure and all(
            a.shape == r.eager.shape for a, r in zip(tensors, item.outputs, strict=True)
        ):
            moved.append(tensors)
    for o, r in enumerate(item.outputs):
        others = [m[o] for m in moved]
        if is_exact(r.eager.dtype):
            _calibrate_exact(r, None if exact is None else exact[o], others, item)
        elif r.eager.numel():
            _calibrate_floating(r, None if exact is None else exact[o], others, item.kind)
        else:
            r.change = Measure(0, 0.0, 0.0, float("inf"), [])


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
    eager = wide(r.eager)
    usable = exact is not None and r.eager.dtype not in (torch.float64, torch.complex128)
    r.exact = wide(exact) if usable else None
    target = r.target
    comparable = torch.isfinite(eager) & torch.isfinite(target)
    if kind is GENERATED:
        spread = wide(exact) if exact is not None else eager
        r.nan = _some(torch.isnan(spread) & torch.isnan(eager))
        r.infinite = _some(torch.isinf(spread) & (spread == eager))
    changes, suspect = [], None  # one after another: an output of 300 MB is 600 in float64
    for number, other in enumerate(others):
        change = (wide(other) - eager).abs_()
        comparable &= torch.isfinite(wide(other))
        suspect = change if suspect is None else torch.maximum(suspect, change)
        if number < CLOSE_DRAWS:
            changes.append(change)
    error = (eager - target).abs_() if r.exact is not None else None
    if error is not None:
        suspect = error if suspect is None else torch.maximum(suspect, error)
    _set_scale(r, target, comparable)
    if suspect is not None:
        suspect = torch.where(comparable, suspect, torch.zeros((), dtype=suspect.dtype))
        limit = _outlier_limit(r, suspect)
        _mask_unstable(r, suspect, suspect > limit, comparable, None)
        if r.unstable:
            _set_scale(r, target, r.valid)
    r.error = measure(error, r.valid) if error is not None else None
    close = [measure(c, r.valid) for c in changes]
    r.change = combine(close) if close else Measure(r.eager.numel(), 0.0, 0.0, float("inf"), [])


def _outlier_limit(r: Reference, suspect: torch.Tensor) -> float:
    """Beyond FACTOR times the largest of the usual 99% a change is no rounding: a tie, a routing, a jump."""
    flat = suspect.reshape(-1)
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
