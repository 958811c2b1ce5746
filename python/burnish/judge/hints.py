"""Looks at wrong outputs for a pattern that names the mistake: feedback for whoever writes the next attempt."""

from __future__ import annotations

import torch

from burnish.judge.numerics import wide


def _close(a: torch.Tensor, b: torch.Tensor, tolerance: float = 1e-3) -> bool:
    if a.shape != b.shape:
        return False
    return bool((a - b).square().mean().sqrt() <= tolerance * b.square().mean().sqrt())


def hint(got: torch.Tensor, expected: torch.Tensor, inputs: list) -> str:
    """One sentence, or nothing. `got` and `expected` have one shape."""
    if got.numel() < 2 or not (got.is_floating_point() or got.is_complex()):
        return ""
    g, e = wide(got), wide(expected)
    both = torch.isfinite(g) & torch.isfinite(e)
    if not bool(both.any()):
        return ""
    wrong = ((g - e).abs() > 1e-3 * e[both].abs().mean()) | (both ^ torch.isfinite(e))
    for found in (_whole(g, e, both, inputs), _where(wrong, e)):
        if found:
            return found
    return ""


def _whole(g: torch.Tensor, e: torch.Tensor, both: torch.Tensor, inputs: list) -> str:
    if bool((g[both] == 0).all()):
        return "every value is zero"
    if g[both].numel() > 1 and float(g[both].std()) == 0:
        return "every value is the same"
    for leaf in inputs:
        if (
            isinstance(leaf, torch.Tensor)
            and leaf.is_floating_point()
            and leaf.shape == g.shape
            and _close(g, wide(leaf), 1e-6)
        ):
            return "the output is the input"
    if g.dim() >= 2 and g.shape[-1] == g.shape[-2] and _close(g.mT, e):
        return "the last two dimensions are swapped"
    if not bool(both.all()):
        return ""
    if _close(-g, e):
        return "the sign is wrong"
    factor = float((g * e).sum() / (e * e).sum().clamp_min(1e-300))
    if factor != 0 and abs(factor - 1) > 1e-3 and _close(g / factor, e, 1e-4):
        return f"every value is {factor:.6g} times what it should be"
    offset = float((g - e).mean())
    if abs(offset) > 0 and _close(g - offset, e, 1e-4):
        return f"every value is off by {offset:.6g}"
    return ""


def _where(wrong: torch.Tensor, e: torch.Tensor) -> str:
    count = int(wrong.sum())
    if count == 0 or count == wrong.numel():
        return ""
    share = f"{count} of {wrong.numel()} values are far off"
    if bool((e[wrong] < 0).all()) and bool((~wrong[e >= 0]).all()) and bool(wrong[e < 0].all()):
        return "only negative values are wrong"
    for d in reversed(range(wrong.dim())):
        over = tuple(k for k in range(wrong.dim()) if k != d)
        touched = (wrong.any(dim=over) if over else wrong).nonzero().reshape(-1).tolist()
        n = wrong.shape[d]
        if touched and touched[0] > 0 and touched == list(range(touched[0], n)) and len(touched) <= n // 2:
            return f"{share}: from index {touched[0]} of dimension {d} on (size {n}): a tail that is not handled?"
        if len(touched) <= max(1, n // 4):
            shown = ", ".join(map(str, touched[:8])) + (" ..." if len(touched) > 8 else "")
            return f"{share}: at index {shown} of dimension {d}"
    return share
