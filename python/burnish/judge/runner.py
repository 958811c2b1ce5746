"""What the ladder needs of a worker. burnish.workers.Worker is one; tests use a fake that runs a Python callable."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol

import torch


class Outcome(Protocol):
    """One call: tensors are the judge's own copies; `structure` has {"tensor": i} in their places."""

    ok: bool
    reason: str
    message: str
    tensors: list[torch.Tensor]
    structure: Any
    peak_bytes: int
    guard_broken: bool


class Runner(Protocol):
    def set_params(self, params: dict[str, torch.Tensor]) -> None: ...
    def refresh(self) -> Outcome: ...
    def set_slots(self, slots: Sequence[Sequence[Any]]) -> None: ...
    def overwrite_slots(self, slots: Sequence[Sequence[Any]]) -> Outcome: ...
    def call(
        self, slot: int, *, poison: bool = False, keep: bool = False, hoard: bool = False, timeout: float = 60.0
    ) -> Outcome: ...
    def previous(self) -> Outcome: ...
    def inputs_changed(self, slot: int) -> bool: ...
    def params_changed(self) -> bool: ...
