"""The target of a live module: where its parameters, buffers and example inputs lie."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree

from burnish.errors import BurnishError

# What runs on tensors of a kind of device; the first where nobody says which.
TARGETS_OF = {"cpu": ("cpu", "metal-emulated"), "cuda": ("cuda",)}


@dataclass(frozen=True)
class Home:
    """The one device that everything lies on, and what a tensor there is called in a sentence."""

    device: torch.device
    name: str


def choose_target(model: torch.nn.Module, examples: Any, wanted: str | None = None) -> tuple[str, torch.device]:
    """The target and the device. Raises BurnishError where tensors lie apart, or not where `wanted` runs."""
    home = home_of(named_devices(model, examples))
    if home is None:  # no tensor at all: what takes the examples apart says so
        return wanted or "cpu", torch.device("cpu")
    return target_at(home, wanted), home.device


def named_devices(model: torch.nn.Module, examples: Any) -> list[tuple[str, torch.device]]:
    """Every tensor as a sentence calls it, with its device: the module's first, then the examples'."""
    named = [(f"the parameter {path!r}", p.device) for path, p in model.named_parameters()]
    named += [(f"the buffer {path!r}", b.device) for path, b in model.named_buffers()]
    leaves = (leaf for leaf in pytree.tree_leaves(examples) if isinstance(leaf, torch.Tensor))
    return named + [(f"tensor {number} of the example inputs", leaf.device) for number, leaf in enumerate(leaves, 1)]


def home_of(named: list[tuple[str, torch.device]]) -> Home | None:
    """Where all of them lie; None where there are none."""
    home: Home | None = None
    for name, device in named:
        if home is None:
            home = Home(device, name)
        elif device != home.device:
            raise BurnishError(
                "device",
                f"{name} lies on {device}, {home.name} on {home.device}",
                "burnish.optimize",
                f"move everything to one device: model.to({str(home.device)!r}), and the inputs as well",
            )
    return home


def target_at(home: Home, wanted: str | None) -> str:
    """The target for tensors there, which must be `wanted` where that is said."""
    possible = TARGETS_OF.get(home.device.type)
    if possible is None:
        raise BurnishError(
            "device",
            f"{home.name} lies on {home.device}, where no target of Burnish runs",
            "burnish.optimize",
            "move model and example inputs to 'cpu' or 'cuda'",
        )
    if wanted is None or wanted in possible:
        return wanted or possible[0]
    elsewhere = next((kind for kind, targets in TARGETS_OF.items() if wanted in targets), None)
    if elsewhere is None:  # no target of that name: the command says which there are
        return wanted
    raise BurnishError(
        "device",
        f"the target {wanted} is asked for, but {home.name} lies on {home.device}",
        "burnish.optimize",
        f"move model and example inputs to {elsewhere!r}, or leave `target` out",
    )


@contextlib.contextmanager
def on_device(device: torch.device) -> Iterator[None]:
    """The judge on that GPU: the current device of this thread, and the only one that processes started meanwhile see.

    A process whose tensors lie on a GPU has started CUDA, so the variable changes nothing for itself.
    """
    if device.type != "cuda":
        yield
        return
    name, before = "CUDA_VISIBLE_DEVICES", os.environ.get("CUDA_VISIBLE_DEVICES")
    alone = only_visible(device.index or 0, before)
    with torch.cuda.device(device):
        if alone is not None:
            os.environ[name] = alone
        try:
            yield
        finally:
            if alone is not None and before is None:
                os.environ.pop(name, None)
            elif before is not None:
                os.environ[name] = before


def only_visible(index: int, visible: str | None) -> str | None:
    """CUDA_VISIBLE_DEVICES for a process whose first GPU is number `index` here; None where it is already."""
    if index == 0:
        return None
    entries = [entry.strip() for entry in (visible or "").split(",") if entry.strip()]
    return entries[index] if index < len(entries) else str(index)
