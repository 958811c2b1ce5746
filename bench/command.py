"""The `burnish` that a benchmark starts, and the problems that it is given."""

from __future__ import annotations

import os
import sys
from pathlib import Path

EXAMPLES = Path(__file__).resolve().parents[1] / "examples"


def burnish() -> str:
    beside = Path(sys.executable).parent / "burnish"
    return os.environ.get("BURNISH") or (str(beside) if beside.exists() else "burnish")
