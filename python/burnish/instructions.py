"""Remembers which vector instructions torch.compile's C++ compiler and this processor have, from process to process.

PyTorch asks once a process: it compiles half a dozen small programs and loads each in a Python of its own. That takes
4 seconds on two quick cores and was measured at 45 with a CUDA build of PyTorch on one core, for every problem anew.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from burnish.native import cache_home


def find() -> None:
    """Has PyTorch look, or remember, in this process; those forked from it know. Nothing happens where a PyTorch of
    another version keeps this elsewhere."""
    with contextlib.suppress(ImportError, AttributeError):
        from torch._inductor.cpu_vec_isa import VecISA, pick_vec_isa

        with remembered(VecISA, cache_home().parent / "instructions"):
            pick_vec_isa()


@contextlib.contextmanager
def remembered(kind: type, folder: Path):
    """While it lasts, kind.check_build(code) answers from a file in `folder`, one for each state of PyTorch, compiler
    and processor; what the file lacks is found out, and written at the end."""
    file = folder / f"{_state()}.json"
    known, ask = _read(file), kind.check_build
    before = dict(known)
    kind.check_build = _answering(known, ask)
    try:
        yield
    finally:
        kind.check_build = ask
        if known != before:
            with contextlib.suppress(OSError):  # a full or read-only disk costs seconds, no more
                _write(file, known)


def _answering(known: dict[str, bool], ask: Callable[[Any, str], bool]) -> Callable[[Any, str], bool]:
    def check_build(self: Any, code: str) -> bool:
        flags = getattr(self, "_arch_flags", ""), self.build_arch_flags() if hasattr(self, "build_arch_flags") else ""
        key = hashlib.sha256(repr((code, flags)).encode()).hexdigest()[:32]
        if key not in known:
            known[key] = bool(ask(self, code))
        return known[key]

    return check_build


def _state() -> str:
    """Names what the answers depend on."""
    import torch

    parts = [torch.__version__, str(Path(torch.__file__).resolve()), os.environ.get("CXX", "")]
    for tool in (os.environ.get("CXX") or "g++", "as"):
        if found := shutil.which(tool):
            real = Path(found).resolve()
            parts.append(f"{real} {real.stat().st_mtime_ns} {real.stat().st_size}")
    with contextlib.suppress(OSError):
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        parts += [line for line in lines if line.startswith(("flags", "Features"))][:1]
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]


def _read(file: Path) -> dict[str, bool]:
    try:
        known = json.loads(file.read_text())
    except (OSError, ValueError):
        return {}
    return {k: v for k, v in known.items() if isinstance(v, bool)} if isinstance(known, dict) else {}


def _write(file: Path, known: dict[str, bool]) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=file.parent, suffix=".new", delete=False) as new:
        json.dump(known, new)
    os.replace(new.name, file)
