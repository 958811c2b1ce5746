"""Changes a module's parameters in place, so that weights that were read once and kept are seen."""

from __future__ import annotations

import torch

STRENGTH = 0.25  # of a parameter's RMS
ALL_ZERO = 0.05  # what a parameter of nothing but zeros (a fresh bias) moves by
PART = 1 / 32  # of a parameter's values that even sets move, never its ends: a look at some does not tell of a change


def _is_table(t: torch.Tensor) -> bool:
    """Masks and indices kept as floats: whole numbers and infinities only."""
    finite = torch.isfinite(t)
    return bool(((t == t.round()) | ~finite).all())


def perturbable(module: torch.nn.Module) -> dict[str, torch.Tensor]:
    """What is perturbed: floating-point parameters, and persistent floating-point buffers that are no tables."""
    kept = module.state_dict(keep_vars=True)
    chosen: dict[str, torch.Tensor] = {}
    for name, p in module.named_parameters():
        if p.is_floating_point() and p.numel():
            chosen[name] = p
    for name, b in module.named_buffers():
        statistic = name.endswith(("running_mean", "running_var"))
        if name in kept and b.is_floating_point() and b.numel() and (statistic or not _is_table(b)):
            chosen[name] = b
    return chosen


class Parameters:
    """Sets of parameter values by number: 0 is as constructed, the others are drawn, even ones for a part only. The
    module's tensors stay the same objects: values are written in place."""

    def __init__(self, module: torch.nn.Module, seed_of_set) -> None:
        self._tensors = perturbable(module)
        self._original = {name: t.detach().clone() for name, t in self._tensors.items()}
        self._seed_of_set = seed_of_set
        self.current = 0

    def __bool__(self) -> bool:
        return bool(self._tensors)

    @torch.no_grad()
    def use(self, number: int) -> bool:
        """Writes the values of a set into the module; says whether anything changed."""
        if number == self.current or not self._tensors:
            return False
        gen = torch.Generator().manual_seed(self._seed_of_set(number)) if number else None
        for name, t in self._tensors.items():
            start = self._original[name]
            t.copy_(start if gen is None else self._drawn(name, start, gen, number))
        self.current = number
        return True

    def _drawn(self, name: str, start: torch.Tensor, gen: torch.Generator, number: int) -> torch.Tensor:
        moved = _moved(name, start, gen)
        if number % 2 == 1 or start.numel() < 1 / PART:
            return moved
        moves = torch.rand(start.numel(), generator=gen) < PART
        moves[0] = moves[-1] = False
        moves[1 + number % (start.numel() - 2)] = True  # one at least
        return torch.where(moves.reshape(start.shape).to(start.device), moved, start.to(moved.dtype))


def _moved(name: str, start: torch.Tensor, gen: torch.Generator) -> torch.Tensor:
    noise = torch.randn(start.shape, generator=gen, dtype=torch.float64).to(start.device)
    wide = start.double()
    if name.endswith("running_var"):
        return wide * torch.exp(STRENGTH * noise.clamp(-3, 3))
    rms = float(wide.square().mean().sqrt())
    if rms == 0:
        return ALL_ZERO * noise
    moved = wide + STRENGTH * rms * noise
    zeros = wide == 0  # a padding row, a pruned weight
    if bool((wide > 0).all()):  # a scale, a temperature: stays a positive number
        moved = wide * torch.exp(STRENGTH * noise.clamp(-3, 3))
    return torch.where(zeros, wide, moved)
