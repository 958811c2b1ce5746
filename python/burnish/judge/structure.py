"""What is the same in every draw of a problem's generator, and so has to be kept when inputs are varied."""

from __future__ import annotations

from dataclasses import dataclass

import torch

DOMAINS = ("any", "nonnegative", "positive", "unit", "probability", "integer", "fixed")


@dataclass
class Structure:
    """Of one leaf of the inputs. A leaf that is `fixed` is always as generated."""

    fixed: bool = False
    why: str = ""  # in words, where fixed
    pattern: torch.Tensor | None = None  # positions whose value is the same in every draw (a causal mask, padding)
    zeros: bool = False  # exact zeros whose places change: they stay where the draw has them
    symmetric: bool = False
    order: int = 0  # 1 ascending along the last dimension, -1 descending
    sums_to_one: int | None = None  # the dimension
    unit_norm: bool = False  # along the last dimension
    nonnegative: bool = False  # in every draw; binds only where `keep_sign`
    keep_sign: bool = False  # the module needs it (found by trying) or the user said so
    unit: bool = False  # the user said: within [0, 1]
    positive: bool = False
    dtype: torch.dtype | None = None

    @property
    def scalable(self) -> bool:
        return not self.fixed and self.sums_to_one is None and not self.unit_norm and not self.unit


def _all(draws: list[torch.Tensor], test) -> bool:
    return all(bool(test(d)) for d in draws)


def _sums_to_one(draws: list[torch.Tensor]) -> int | None:
    first = draws[0]
    tolerance = 4e-3 if first.dtype in (torch.float16, torch.bfloat16) else 4e-5
    if not _all(draws, lambda d: d.min() >= 0):
        return None
    for dim in reversed(range(first.dim())):
        off = max(float((d.sum(dim, dtype=torch.float64) - 1).abs().max()) for d in draws)
        if first.shape[dim] > 1 and off < tolerance:
            return dim
    return None


def _ordered(draws: list[torch.Tensor]) -> int:
    if draws[0].dim() == 0 or draws[0].shape[-1] < 4:
        return 0
    steps = [d.diff(dim=-1) for d in draws]
    if _all(steps, lambda s: s.min() >= 0):
        return 1
    return -1 if _all(steps, lambda s: s.max() <= 0) else 0


def observe_leaf(draws: list) -> Structure:
    """The structure of one leaf from several draws of it."""
    first = draws[0]
    if not isinstance(first, torch.Tensor):
        return Structure(fixed=True, why="is no tensor")
    if not first.is_floating_point():
        return Structure(fixed=True, why="is not floating point", dtype=first.dtype)
    s = Structure(dtype=first.dtype)
    if first.numel() == 0:
        return Structure(fixed=True, why="is empty", dtype=first.dtype)
    if any(d.shape != first.shape or d.dtype != first.dtype for d in draws):
        return Structure(fixed=True, why="changes its shape from draw to draw", dtype=first.dtype)
    draws = [d.detach() for d in draws]
    if not _all(draws, lambda d: torch.isfinite(d).all()):
        return Structure(fixed=True, why="holds infinities or NaN", dtype=first.dtype)
    if _all(draws, lambda d: torch.equal(d, first)):
        return Structure(fixed=True, why="is the same in every draw", dtype=first.dtype)
    if _all(draws, lambda d: torch.equal(d, d.round())):
        return Structure(fixed=True, why="holds whole numbers", dtype=first.dtype)
    same = torch.stack([d == first for d in draws]).all(0)
    if int(same.sum()) > max(1, first.numel() // 1000):
        s.pattern = same
    s.zeros = _all(draws, lambda d: (d == 0).double().mean() > 0.005)
    if first.dim() >= 2 and first.shape[-1] == first.shape[-2] > 1:
        s.symmetric = _all(draws, lambda d: torch.equal(d, d.mT))
    s.order = _ordered(draws)
    s.sums_to_one = _sums_to_one(draws)
    if first.dim() >= 1 and first.shape[-1] > 1 and s.sums_to_one is None:
        s.unit_norm = _all(draws, lambda d: (d.double().norm(dim=-1) - 1).abs().max() < 1e-4)
    s.nonnegative = _all(draws, lambda d: d.min() >= 0)
    return s


def observe(draws: list[list]) -> list[Structure]:
    """One Structure a leaf; `draws` holds the leaves of several draws of the generator."""
    return [observe_leaf(list(leaf)) for leaf in zip(*draws, strict=True)]


def impose(structure: Structure, domain: str) -> Structure:
    """The user's word (`--domain NAME=KIND`) over what was observed."""
    if domain == "any":
        return Structure(dtype=structure.dtype)
    if domain in ("integer", "fixed"):
        return Structure(fixed=True, why="is fixed by --domain", dtype=structure.dtype)
    structure.fixed = False
    if domain == "nonnegative":
        structure.nonnegative = structure.keep_sign = True
    elif domain == "positive":
        structure.nonnegative = structure.keep_sign = structure.positive = True
    elif domain == "unit":
        structure.nonnegative = structure.keep_sign = structure.unit = True
    elif domain == "probability":
        structure.sums_to_one = -1
    else:
        raise ValueError(f"--domain: {domain} is no kind; choose one of {', '.join(DOMAINS)}")
    return structure


def describe(name: str, s: Structure) -> str | None:
    """One note for the verdict where structure narrows what was tried."""
    if s.fixed:
        return (
            f"input {name} {s.why}: always as generated"
            if s.why and "no tensor" not in s.why and "floating" not in s.why
            else None
        )
    kept = [
        word
        for word, on in (
            ("its fixed values", s.pattern is not None),
            ("its zeros", s.zeros),
            ("its symmetry", s.symmetric),
            ("its order", s.order != 0),
            ("sums of one", s.sums_to_one is not None),
            ("unit norms", s.unit_norm),
            ("its sign", s.keep_sign),
            ("its range [0, 1]", s.unit),
        )
        if on
    ]
    return f"input {name} keeps {', '.join(kept)}" if kept else None
