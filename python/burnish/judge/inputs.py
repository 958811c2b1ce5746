"""Draws inputs: the problem's own generator under a secret seed, then one of the kinds, keeping structure."""

from __future__ import annotations

import hashlib

import torch

from burnish.judge.kinds import CHANNELS, GENERATED, NORMAL, ROWS, SIGNS, SPREAD, Kind
from burnish.judge.structure import Structure


def seed_of(secret: bytes, *what: object) -> int:
    """A seed that nobody can guess without the secret, the same each time for the same words."""
    text = "/".join(str(w) for w in what).encode()
    return int.from_bytes(hashlib.blake2b(text, key=secret, digest_size=8).digest(), "little") & (2**62 - 1)


def _powers(shape: tuple[int, ...], gen: torch.Generator, whole: bool) -> torch.Tensor:
    exponents = (torch.rand(shape, generator=gen, dtype=torch.float64) * 2 - 1) * SPREAD
    return torch.exp2(exponents.round() if whole else exponents)


def _scales(x: torch.Tensor, kind: Kind, s: Structure, gen: torch.Generator) -> torch.Tensor:
    """A factor for each row (all but the last dimension) or channel (dimension 1, the last one of a matrix)."""
    if x.dim() == 0:
        return _powers((), gen, True)
    if s.symmetric:
        d = _powers((*x.shape[:-2], x.shape[-1]), gen, True).sqrt()
        return d.unsqueeze(-1) * d.unsqueeze(-2)
    if x.dim() == 1:
        return _powers(tuple(x.shape) if kind is CHANNELS else (1,), gen, True)
    if kind is ROWS:
        return _powers(
            (*x.shape[:-1], 1) if x.dim() == 2 else (x.shape[0], *[1] * (x.dim() - 3), x.shape[-2], 1), gen, False
        )
    dim = 1 if x.dim() > 2 else x.dim() - 1
    return _powers(tuple(n if d == dim else 1 for d, n in enumerate(x.shape)), gen, False)


def _signs(x: torch.Tensor, s: Structure, gen: torch.Generator) -> torch.Tensor:
    signs = torch.randint(0, 2, x.shape, generator=gen, dtype=torch.int8).to(torch.float64) * 2 - 1
    if s.symmetric:
        signs = signs.tril() + signs.tril(-1).mT
    return signs


def _normal(x: torch.Tensor, s: Structure, gen: torch.Generator) -> torch.Tensor:
    noise = torch.randn(x.shape, generator=gen, dtype=torch.float64)
    if s.sums_to_one is not None:
        return noise.softmax(s.sums_to_one)
    if s.unit_norm:
        return noise / noise.norm(dim=-1, keepdim=True).clamp_min(1e-30)
    noise = noise * x.square().mean().sqrt()
    return (noise + noise.mT) / 2**0.5 if s.symmetric else noise


def _vary(x: torch.Tensor, kind: Kind, s: Structure, gen: torch.Generator) -> torch.Tensor:
    """`x` (float64) as another kind. What the structure rules out leaves x as it is."""
    if kind is SIGNS:
        varied = x if s.keep_sign or s.sums_to_one is not None else x * _signs(x, s, gen)
    elif kind is NORMAL:
        varied = _normal(x, s, gen)
    elif not s.scalable:
        varied = x
    elif kind in (ROWS, CHANNELS):
        varied = x * _scales(x, kind, s, gen)
    else:
        varied = x * 2.0**kind.scale
    if s.keep_sign:
        varied = varied.abs()
    if s.unit:
        varied = varied.frac() if bool((varied > 1).any()) else varied
    if s.zeros:
        varied = torch.where(x == 0, x, varied)
    if s.order:
        varied = varied.sort(dim=-1, descending=s.order < 0).values
    return varied


def vary_leaf(leaf: object, kind: Kind, s: Structure, gen: torch.Generator) -> object:
    """One leaf as `kind`; values outside the dtype's range are brought to its largest."""
    if kind is GENERATED or s.fixed or not isinstance(leaf, torch.Tensor):
        return leaf
    varied = _vary(leaf.detach().double(), kind, s, gen)
    if s.pattern is not None:
        varied = torch.where(s.pattern, leaf.double(), varied)
    limit = torch.finfo(leaf.dtype)
    varied = varied.clamp(limit.min, limit.max).to(leaf.dtype)
    if s.positive:
        varied = varied.clamp_min(limit.tiny)
    out = torch.empty_like(leaf)  # the draw's own strides
    out.copy_(varied)
    return out


def vary(leaves: list, kind: Kind, structures: list[Structure], seed: int) -> list:
    gen = torch.Generator().manual_seed(seed)
    return [vary_leaf(leaf, kind, s, gen) for leaf, s in zip(leaves, structures, strict=True)]


def nudge_ulps(leaves: list, ulps: float, seed: int) -> list:
    """Every finite nonzero floating value moved by one unit in its last place, up or down; with `ulps` above one, by
    anything up to that many units, so that equal values part. Zeros stay."""
    gen = torch.Generator().manual_seed(seed)
    moved = []
    for leaf in leaves:
        if not isinstance(leaf, torch.Tensor) or not leaf.is_floating_point() or leaf.numel() == 0:
            moved.append(leaf)
            continue
        if ulps > 1:
            values = _moved_up_to(leaf, ulps, gen)
        else:
            up = torch.empty(-(-leaf.numel() // 8), dtype=torch.int64).random_(-(2**63), None, generator=gen)
            up = (up.view(torch.uint8)[: leaf.numel()] & 1).view(torch.bool).reshape(leaf.shape)
            ends = torch.tensor([-torch.inf, torch.inf], dtype=leaf.dtype)
            values = torch.nextafter(leaf, torch.where(up, ends[1], ends[0]))
        out = torch.empty_like(leaf)  # the draw's own strides
        out.copy_(torch.where(torch.isfinite(leaf) & (leaf != 0), values, leaf))
        moved.append(out)
    return moved


def _moved_up_to(leaf: torch.Tensor, ulps: float, gen: torch.Generator) -> torch.Tensor:
    """In float64: by anything up to so many units in the last place of `leaf`'s type."""
    steps = (torch.rand(leaf.shape, generator=gen, dtype=torch.float64) * 2 - 1) * ulps
    _, exponent = torch.frexp(leaf.float() if leaf.element_size() < 4 else leaf)
    return torch.add(leaf.double(), torch.ldexp(steps, exponent - 1), alpha=torch.finfo(leaf.dtype).eps)


def schedule(inputs: int, kinds: list[Kind]) -> list[Kind]:
    """The kind of each of `inputs` inputs: the even places are as generated, the others go round the rest."""
    others = [k for k in kinds if k is not GENERATED]
    if not others:
        return [GENERATED] * inputs
    return [GENERATED if i % 2 == 0 else others[(i // 2) % len(others)] for i in range(inputs)]
