"""libburnish_metal.so through ctypes (src/base/metal_engine.h)."""

from __future__ import annotations

import ctypes
import functools
import json
import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from burnish.errors import BurnishError


class Finding(RuntimeError):
    """What is wrong with a kernel: `kind`, `kernel`, `line` (and `other_line` of a race), `thread` (in the
    threadgroup), `group`, `buffer` (argument
    index, or None), `offset` in bytes, `variable` (of threadgroup memory)."""

    def __init__(self, facts: dict[str, Any]) -> None:
        self.kind: str = facts["kind"]
        self.message: str = facts["message"]
        self.kernel: str = facts["kernel"]
        self.line: int = facts["line"]
        self.other_line: int = facts.get("other_line", 0)
        self.thread: tuple[int, ...] = tuple(facts["thread"])
        self.group: tuple[int, ...] = tuple(facts["group"])
        self.buffer: int | None = facts["buffer"]
        self.offset: int = facts["offset"]
        self.variable: str = facts["variable"]
        place = f"program_source:{self.line}: " if self.line else ""
        who = f"kernel {self.kernel}, thread {self.thread} of threadgroup {self.group}"
        there = f"; the other access is on line {self.other_line}" if self.other_line else ""
        super().__init__(f"{place}{self.kind}: {self.message} ({who}{there})")


@dataclass(frozen=True)
class Memory:
    """A buffer argument: an address and its bytes; with `tensors` a list of addresses that the emulator fills in."""

    index: int
    address: int
    bytes: int
    tensors: tuple[tuple[int, int], ...] = ()


class _Buffer(ctypes.Structure):
    _fields_ = (
        ("index", ctypes.c_int32),
        ("addresses", ctypes.c_int32),
        ("data", ctypes.c_void_p),
        ("bytes", ctypes.c_uint64),
        ("tensors", ctypes.POINTER(ctypes.c_void_p)),
        ("tensor_bytes", ctypes.POINTER(ctypes.c_uint64)),
    )


class _Launch(ctypes.Structure):
    _fields_ = (
        ("threads", ctypes.c_uint32 * 3),
        ("group", ctypes.c_uint32 * 3),
        ("buffers", ctypes.POINTER(_Buffer)),
        ("buffer_count", ctypes.c_int32),
        ("dynamic_count", ctypes.c_int32),
        ("dynamic_bytes", ctypes.POINTER(ctypes.c_uint32)),
        ("timeout_s", ctypes.c_double),
        ("threads_of_system", ctypes.c_int32),
        ("in_place", ctypes.c_int32),
        ("parallel", ctypes.c_void_p),
        ("barriers", ctypes.POINTER(ctypes.c_uint64)),
        ("products", ctypes.POINTER(ctypes.c_uint64)),
    )


def library_path() -> Path:
    """libburnish_metal.so: inside an installed package, beside the command, or in the prefix it was installed to."""
    name = "libburnish_metal.so"
    places = [Path(__file__).resolve().parents[1] / "native" / name]
    command = os.environ.get("BURNISH") or shutil.which("burnish") or str(Path(sys.executable).parent / "burnish")
    folder = Path(command).resolve().parent
    places += [folder / name, folder.parent / "lib" / "burnish" / name, Path(sys.prefix) / "lib" / "burnish" / name]
    for place in places:
        if place.is_file():
            return place
    todo = "build it with `make build`" if sys.platform == "linux" else "the emulator runs on Linux on x86-64 only"
    raise BurnishError("environment", f"the Metal emulator ({name}) is not installed", str(places[-1]), todo)


def cache_folder() -> Path:
    """Where compiled kernels are kept, by content: $BURNISH_HOME/metal, else the user's cache folder."""
    if home := os.environ.get("BURNISH_HOME"):
        return Path(home).expanduser() / "metal"
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "burnish" / "metal"


@functools.lru_cache(maxsize=1)
def _native() -> ctypes.CDLL:
    native = ctypes.CDLL(str(library_path()))
    reply = ctypes.POINTER(ctypes.c_void_p)
    native.burnish_metal_compile.restype = ctypes.c_void_p
    native.burnish_metal_compile.argtypes = (ctypes.c_char_p, reply)
    native.burnish_metal_close.argtypes = (ctypes.c_void_p,)
    native.burnish_metal_free.argtypes = (ctypes.c_void_p,)
    native.burnish_metal_run.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.POINTER(_Launch), reply)
    return native


def _take(native: ctypes.CDLL, reply: ctypes.c_void_p) -> dict[str, Any]:
    if not reply.value:
        return {}
    text = ctypes.string_at(reply.value)
    native.burnish_metal_free(reply)
    return json.loads(text)


def _error(facts: dict[str, str]) -> Exception:
    if facts["reason"] in ("compile", "unsupported"):
        return SyntaxError(facts["what"].rstrip("\n") + (f"\n{facts['todo']}" if facts["todo"] else ""))
    if facts["reason"] == "launch":
        return RuntimeError(facts["what"] + (f" ({facts['where']})" if facts["where"] else ""))
    return BurnishError(facts["reason"], facts["what"], facts["where"], facts["todo"])


class Compiled:
    """A compiled and loaded source."""

    def __init__(self, source: str, *, checked: bool, sandbox: bool) -> None:
        self._native = _native()
        request = {"source": source, "checked": checked, "cache": str(cache_folder()), "sandbox": sandbox}
        reply = ctypes.c_void_p()
        self._handle = self._native.burnish_metal_compile(json.dumps(request).encode(), ctypes.byref(reply))
        facts = _take(self._native, reply)
        if not self._handle:
            raise _error(facts["error"])
        self.kernels: dict[str, dict[str, Any]] = {k["name"]: k for k in facts["kernels"]}
        self.warnings: list[str] = facts["warnings"]
        self.object = Path(facts["object"])

    def __del__(self) -> None:
        if getattr(self, "_handle", None):
            self._native.burnish_metal_close(self._handle)
            self._handle = None

    def run(
        self,
        kernel: str,
        threads: Sequence[int],
        group: Sequence[int],
        buffers: Sequence[Memory],
        *,
        timeout_s: float = 10.0,
    ) -> None:
        """Runs a kernel to its end; raises Finding, or RuntimeError for what the caller did wrong."""
        array = (_Buffer * max(1, len(buffers)))()
        keep: list[Any] = []
        for slot, b in zip(array, buffers, strict=False):
            slot.index, slot.data, slot.bytes, slot.addresses = b.index, b.address, b.bytes, len(b.tensors)
            if b.tensors:
                addresses = (ctypes.c_void_p * len(b.tensors))(*[t[0] for t in b.tensors])
                sizes = (ctypes.c_uint64 * len(b.tensors))(*[t[1] for t in b.tensors])
                keep += [addresses, sizes]
                slot.tensors, slot.tensor_bytes = addresses, sizes
        launch = _Launch(buffers=array, buffer_count=len(buffers), timeout_s=timeout_s)
        launch.threads[:] = [*threads, 1, 1][:3]
        launch.group[:] = [*group, 1, 1][:3]
        reply = ctypes.c_void_p()
        status = self._native.burnish_metal_run(
            self._handle, kernel.encode(), ctypes.byref(launch), ctypes.byref(reply)
        )
        facts = _take(self._native, reply)
        if status == 2:
            raise Finding(facts["finding"])
        if status != 0:
            raise _error(facts["error"])
