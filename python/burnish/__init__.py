"""Burnish: makes PyTorch modules faster with no change to the user's code.

fast = burnish.optimize(model, example_inputs)
fast = burnish.load(model, "folder")
"""

from __future__ import annotations

import importlib
from typing import Any

__version__ = "0.1.0"
__all__ = ["BurnishError", "load", "optimize"]

# Imported when first used: `python -m burnish.judge` and its kind start faster without what they do not need.
_HOMES = {"BurnishError": "burnish.errors", "load": "burnish.deploy", "optimize": "burnish.api"}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'burnish' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
