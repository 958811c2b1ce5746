"""What a candidate may differ by: at most FACTOR times the larger of eager's own error (against float64) and eager's
own
change when its inputs move by one unit in the last place. DESIGN section 4; docs/judging.md says why."""

from __future__ import annotations

from dataclasses import dataclass, field

import torch

from burnish.judge.numerics import FULL, Measure, groupings, locate, measure, measure_finite, wide

FACTOR = 4.0
MASKED = 0.01  # of an output may be masked as unstable
PARTS = 16  # rows or channels, at least, of which a usual error can be told
NEAR = 16.0  # times its limit: a part refused by less is looked at with more moves
TINY = 2.0**-44  # of an output's RMS: a part whose reference is exactly zero may be this far off
CLASSIFIED = (2.0**-18, 2.0**-5)  # relative errors between which an evenly spread error is called one of precision

# dtype of the output: (RMS of the whole error, of a row's or channel's, largest single error), relative to the RMS of
# the whole or of the part. A row is often off by one common factor (its sum was rounded): it scatters like one value.
# DESIGN has 2^-19 for the whole; sums one by one over 16,384 values of one sign leave up to 3.3e-6, so it is 2^-18.
# Half types: one ulp (rounding to nearest leaves 0.29), two, four. float64 has no wider reference: fp32's, 29 bits on.
FLOORS = {
    torch.float32: (2.0**-18, 2.0**-17, 2.0**-16),
    torch.float64: (2.0**-47, 2.0**-46, 2.0**-45),
    torch.float16: (2.0**-10, 2.0**-9, 2.0**-8),
    torch.bfloat16: (2.0**-7, 2.0**-6, 2.0**-5),
}
REAL = {torch.complex64: torch.float32, torch.complex128: torch.float64, torch.complex32: torch.float16}


def floors(dtype: torch.dtype) -> tuple[float, float, float]:
    return FLOORS.get(REAL.get(dtype, dtype), FLOORS[torch.bfloat16])


def slack(values: float) -> float:
    """The mean square of few values scatters: room for it where fewer than FULL are pooled, 8 for one."""
    return max(1.0, (FULL / max(values, 1.0)) ** 0.5)


def is_exact(dtype: torch.dtype) -> bool:
    return not (dtype.is_floating_point or dtype.is_complex)


@dataclass
class Reference:
    """One output of eager on one input, and what was found out about it."""

    eager: torch.Tensor
    exact: torch.Tensor | None = None  # float64, where calibrated
    valid: torch.Tensor | None = None  # compared positions; None: all
    rms: float = 0.0
    group_rms: list[torch.Tensor] = field(default_factory=list)
    error: Measure | None = None  # eager against float64
    close: list[Measure] = field(default_factory=list)  # eager against eager, one a set of inputs moved by one ulp
    change: Measure | None = None  # all of them together
    nan: torch.Tensor | None = None  # positions where NaN is demanded
    infinite: torch.Tensor | None = None  # positions where eager's infinity is demanded
    uneven: bool = False  # rows or channels of an input have scales of their own: few of them carry the whole output
    unstable: float = 0.0  # share of positions that one-ulp moves upset

    @property
    def calibrated(self) -> bool:
        return self.change is not None

    @property
    def known(self) -> torch.Tensor:
        """The best that is known of the output, in the dtype that it was computed in."""
        return self.exact if self.exact is not None else self.eager

    @property
    def target(self) -> torch.Tensor:
        return wide(self.known)


@dataclass
class Pooled:
    """The yardstick of one output over the calibrated inputs of a kind, relative to the output's RMS."""

    error_squares: float = 0.0
    change_squares: float = 0.0
    worst: float = 0.0
    values: float = 0.0
    effective: float = 0.0

    def add(self, r: Reference) -> None:
        if r.rms <= 0 or r.change is None:
            return
        n = r.change.count
        self.values += n
        self.change_squares += n * (r.change.rms / r.rms) ** 2
        self.error_squares += n * ((r.error.rms / r.rms) ** 2 if r.error else 0.0)
        self.worst = max(self.worst, r.change.worst / r.rms, r.error.worst / r.rms if r.error else 0.0)
        larger = max((m for m in (r.error, r.change) if m), key=lambda m: m.rms)
        self.effective += min(larger.effective, n) if larger.rms > 0 else n

    @property
    def error(self) -> float:
        return (self.error_squares / self.values) ** 0.5 if self.values else 0.0

    @property
    def rms(self) -> float:
        return (max(self.error_squares, self.change_squares) / self.values) ** 0.5 if self.values else 0.0


@dataclass
class Finding:
    """Why an output is refused: where, and by how much."""

    reason: str
    what: str
    output: int = 0
    index: list[int] | None = None
    expected: float | int | bool | str | None = None
    got: float | int | bool | str | None = None
    error: float | None = None  # relative to the reference's RMS
    limit: float | None = None
    kind: str = ""
    hint: str = ""
    part: bool = False  # of a row, channel or plane, not of the whole output

    @property
    def near(self) -> bool:
        """A part beyond its limit by so little that chance in the limit may have done it."""
        return self.part and self.error is not None and self.limit is not None and self.error <= NEAR * self.limit

    def detail(self) -> dict:
        return {k: v for k, v in self.__dict__.items() if k not in ("reason", "part") and v not in (None, "")}


def _plain(t: torch.Tensor, index: list[int]) -> float | int | bool | str:
    value = t[tuple(index)].item() if t.dim() else t.item()
    if isinstance(value, complex):
        return str(value)
    if isinstance(value, float) and (value != value or value in (float("inf"), float("-inf"))):
        return str(value)
    return value


def _at(t: torch.Tensor, flat: int) -> list[int]:
    index = []
    for n in reversed(t.shape):
        index.append(flat % n)
        flat //= n
    return index[::-1]


def _worst_index(delta: torch.Tensor, like: torch.Tensor) -> list[int]:
    flat = int(delta.reshape(-1).argmax()) if delta.numel() else 0
    return _at(like, flat // (2 if like.is_complex() else 1))


def check_exact(got: torch.Tensor, r: Reference, output: int) -> Finding | None:
    """Integers and booleans: equal wherever the reference is stable."""
    differs = got != r.eager
    if r.valid is not None:
        differs = differs & r.valid
    if not bool(differs.any()):
        return None
    index = _at(r.eager, int(differs.reshape(-1).int().argmax()))
    return Finding(
        "values",
        f"{int(differs.sum())} of {differs.numel()} whole values differ",
        output,
        index,
        _plain(r.eager, index),
        _plain(got, index),
        float(differs.double().mean()),
        0.0,
    )


def _check_special(
    got: torch.Tensor, wide_got: torch.Tensor, valid: torch.Tensor | None, r: Reference, output: int
) -> Finding | None:
    finite = torch.isfinite(wide_got)
    bad = ~finite if valid is None else valid & ~finite
    if bool(bad.any()):
        index = _at(got, int(bad.reshape(-1).int().argmax()) // (2 if got.is_complex() else 1))
        return Finding(
            "nan",
            f"{int(bad.sum())} of {bad.numel()} values are NaN or infinite where the reference is finite",
            output,
            index,
            _plain(r.eager, index),
            _plain(got, index),
        )
    if r.nan is not None and bool((r.nan & ~torch.isnan(wide_got)).any()):
        missing = r.nan & ~torch.isnan(wide_got)
        index = _at(got, int(missing.reshape(-1).int().argmax()) // (2 if got.is_complex() else 1))
        return Finding(
            "nan",
            "the reference is NaN here, in float64 too, and the candidate is not",
            output,
            index,
            _plain(r.eager, index),
            _plain(got, index),
        )
    if r.infinite is not None:
        wrong = r.infinite & (wide_got != wide(r.eager))
        if bool(wrong.any()):
            index = _at(got, int(wrong.reshape(-1).int().argmax()) // (2 if got.is_complex() else 1))
            return Finding(
                "values",
                "the reference is infinite here, in float64 too, and the candidate is not",
                output,
                index,
                _plain(r.eager, index),
                _plain(got, index),
            )
    return None


@dataclass
class Checked:
    finding: Finding | None
    error: float = 0.0  # relative RMS against the target


def check(got: torch.Tensor, r: Reference, pooled: Pooled, output: int = 0) -> Checked:
    """`got` (same shape and dtype as eager's) within the limits of its kind and of its own input."""
    if is_exact(r.eager.dtype):
        return Checked(check_exact(got, r, output))
    if got.numel() == 0:
        return Checked(None)
    same = r.exact is None and r.nan is None and torch.equal(got, r.eager)
    if same:
        return Checked(None)
    found = measure_finite(got, r.valid, target=r.known) if r.nan is None and r.infinite is None else None
    if found is None:  # something is not finite, or must not be
        if (special := _check_special(got, wide(got), r.valid, r, output)) is not None:
            return Checked(special)
        found = measure(got, r.valid, target=r.known)
    error = found.rms / r.rms if r.rms > 0 else float("inf") if found.rms > 0 else 0.0
    if found.worst <= _least(r) * floors(r.eager.dtype)[0]:
        return Checked(None, error)  # within every floor, without looking closer
    return Checked(_against_limits(got, r, pooled, output, found), error)


def _delta(got: torch.Tensor, r: Reference) -> torch.Tensor:
    """Sizes of the differences, in float64, zero where nothing is compared."""
    delta = (wide(got) - r.target).abs_()
    return delta if r.valid is None else torch.where(r.valid, delta, torch.zeros((), dtype=delta.dtype))


def _least(r: Reference) -> float:
    parts = [float(g.min()) for g in r.group_rms if g.numel()]
    return min([r.rms, *parts])


def _own(r: Reference) -> list[Measure]:
    return [m for m in (r.error, r.change) if m is not None]


def _against_limits(
    got: torch.Tensor,
    r: Reference,
    pooled: Pooled,
    output: int,
    found: Measure,
) -> Finding | None:
    floor_rms, floor_part, floor_worst = floors(r.eager.dtype)
    if r.uneven:
        floor_rms = floor_part  # the whole is as good as a part
    # Without a float64 reference for this very input, the target is eager: its own error comes on top.
    factor = FACTOR if r.exact is not None else FACTOR + 1
    own = _own(r)
    few = slack(min([pooled.effective or FULL, *[m.effective for m in own if m.rms > 0]]))
    yard = max([pooled.rms * r.rms, *[m.rms for m in own]])
    limit = max(factor * yard * few, floor_rms * r.rms * max(slack(found.count), few), TINY * r.rms)
    scale = r.rms or 1.0

    def finding(what: str, error: float, allowed: float, place: list[int] | None = None) -> Finding:
        reason = "precision" if _like_rounding(found, r) else "values"
        at = place or _worst_index(_delta(got, r), got)
        return Finding(
            reason,
            what,
            output,
            at,
            _plain(r.target if not got.is_complex() else r.eager, at),
            _plain(got, at),
            error / scale,
            allowed / scale,
        )

    if found.rms > limit:
        return finding("the error of the whole output", found.rms, limit)
    peak = max([pooled.worst * r.rms, *[m.worst for m in own]])
    allowed = max(factor * peak * few, floor_worst * r.rms)
    if found.worst > allowed and not _large_enough(r, _delta(got, r), allowed):
        return finding("the largest single error", found.worst, allowed)
    shape = tuple((torch.view_as_real(got) if got.is_complex() else got).shape)
    for g, (name, over) in enumerate(groupings(shape)):
        errors, base = found.groups[g][0], r.group_rms[g]
        limits = torch.maximum(base * max(factor * pooled.rms, floor_part), torch.full_like(base, TINY * r.rms))
        for m in own:
            if g < len(m.groups):
                part, carried = m.groups[g]
                limits = torch.maximum(limits, factor * part * (FULL / carried.clamp(1, FULL)).sqrt())
                limits = torch.maximum(limits, factor * base * _usual(part, base))
        over_limit = (errors - limits).reshape(-1)
        part = int(over_limit.argmax())
        if float(over_limit[part]) > 0:
            where = locate(name, over, part, shape)
            outside = torch.tensor(-1.0, dtype=torch.float64)
            inside = torch.where(_part_mask(shape, over, part), _delta(got, r), outside)
            own_rms = float(base.reshape(-1)[part]) or scale
            f = finding(
                f"the error of {where}",
                float(errors.reshape(-1)[part]),
                float(limits.reshape(-1)[part]),
                _worst_index(inside, got),
            )
            f.error, f.limit, f.part = f.error * scale / own_rms, f.limit * scale / own_rms, True
            return f
    return None


def _usual(part: torch.Tensor, base: torch.Tensor) -> float:
    """What nine in ten parts of eager's own output are off by, relative to each. A part is often off by one common
    factor (the gate of a channel, the norm of a row), which for some of thousands happens to be nearly right in eager:
    they cannot be held to their own error. Not the largest: one part that cancels would excuse all."""
    counts = base > 0
    if int(counts.sum()) < PARTS:
        return 0.0
    relative = (part[counts] / base[counts]).reshape(-1)
    return float(relative.kthvalue(max(1, int(0.9 * relative.numel()))).values)


def _large_enough(r: Reference, delta: torch.Tensor, allowed: float) -> bool:
    """Beyond the output's RMS a single error is judged relative to its own value: half types by their ulps, the others
    by what a part may have (the common factor of a row is off in its largest value too)."""
    half = r.eager.dtype in (torch.float16, torch.bfloat16)
    floor = floors(r.eager.dtype)[2 if half else 1]
    return bool((delta <= torch.maximum(r.target.abs() * floor, torch.tensor(allowed, dtype=torch.float64))).all())


def _part_mask(shape: tuple[int, ...], over: tuple[int, ...], part: int) -> torch.Tensor:
    kept = [n if d not in over else 1 for d, n in enumerate(shape)]
    flat = torch.zeros(kept, dtype=torch.bool)
    flat.view(-1)[part] = True
    return flat.expand(shape)


def _like_rounding(found: Measure, r: Reference) -> bool:
    """An error spread evenly over the values and of the size that TF32, half or bfloat16 products leave."""
    relative = found.rms / r.rms if r.rms > 0 else float("inf")
    even = found.effective > 0.05 * found.count and found.worst < 64 * found.rms
    return found.count >= FULL and CLASSIFIED[0] <= relative <= CLASSIFIED[1] and even
