"""A strict stand-in for torch.mps.compile_shader: the same call, argument and error behaviour, as read from
torch/csrc/mps/Module.cpp and aten/src/ATen/native/mps/OperationUtils.mm of PyTorch 2.13. CPU tensors stand for MPS
tensors."""

from __future__ import annotations

import ctypes
import re
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from burnish.metal.emulator import Compiled, Finding, Memory

MAX_THREADS_PER_THREADGROUP = 1024
# What MPS has no type for.
_UNSUPPORTED = {torch.float64, torch.complex128}
_CASTS = {"int32": "<i", "int16": "<h", "int8": "<b", "uint8": "<B"}


def compile_shader(source: str, *, checked: bool = False, sandbox: bool = True) -> ShaderLibrary:
    """Compiles Metal source as torch.mps.compile_shader does; a compile error is a SyntaxError
    "program_source:LINE:COL: error: ...". With `checked` every launch is watched (6 to 20 times slower), and what is
    found raises Finding; without it kernels run at full speed. `sandbox=False` compiles where bubblewrap is missing."""
    if not isinstance(source, str):
        raise TypeError(f"compile_shader() takes the source as str, not {type(source).__name__}")
    return ShaderLibrary(_with_torch_headers(source), checked=checked, sandbox=sandbox)


def _with_torch_headers(source: str) -> str:
    """PyTorch's own headers (c10/metal/...) in place of their #include lines, as torch.mps does it."""
    if not re.search(r'#\s*include\s*["<](c10|ATen)/', source):
        return source
    from torch.utils._cpp_embed_headers import _embed_headers

    include = Path(torch.__file__).parent / "include"
    return _embed_headers([line + "\n" for line in source.split("\n")], [include], set())


class ShaderLibrary:
    """Kernels by name, as attributes."""

    def __init__(self, source: str, *, checked: bool, sandbox: bool) -> None:
        self._compiled = Compiled(source, checked=checked, sandbox=sandbox)
        self._checked = checked
        if checked and self._compiled.warnings:
            self._refuse_unset_variables(source)

    def _refuse_unset_variables(self, source: str) -> None:
        line, _, text = self._compiled.warnings[0].partition(":")
        before = [k for k in self._compiled.kernels.values() if k["line"] <= int(line)]
        kernel = max(before, key=lambda k: k["line"])["name"] if before else next(iter(self._compiled.kernels), "")
        message = text.partition(": ")[2]
        facts = {"kind": "uninitialised", "message": message, "kernel": kernel, "line": int(line)}
        raise Finding({**facts, "thread": (0, 0, 0), "group": (0, 0, 0), "buffer": None, "offset": 0, "variable": ""})

    def __getattr__(self, name: str) -> Kernel:
        if name.startswith("__") or "_compiled" not in self.__dict__:
            raise AttributeError(name)
        facts = self._compiled.kernels.get(name)
        if facts is None:
            raise RuntimeError(f"Failed to create function state object for: {name}")
        return Kernel(self._compiled, facts)

    def __dir__(self) -> list[str]:
        return list(self._compiled.kernels)


class Kernel:
    """Calls as torch.mps's: positional argument i is [[buffer(i)]]."""

    def __init__(self, compiled: Compiled, facts: dict[str, Any]) -> None:
        self._compiled, self._facts = compiled, facts

    @property
    def max_threads_per_threadgroup(self) -> int:
        return min(self._facts["most_threads"], MAX_THREADS_PER_THREADGROUP)

    @property
    def thread_execution_width(self) -> int:
        return 32

    def __call__(
        self,
        *args: Any,
        threads: int | Sequence[int] | None = None,
        group_size: int | Sequence[int] | None = None,
        arg_casts: str | dict[int, str] | None = None,
        timeout_s: float = 10.0,
    ) -> None:
        counts = _sizes(threads)
        groups = _sizes(group_size)
        casts = _casts(arg_casts)
        buffers, keep = [], []
        for index, arg in enumerate(args):
            if isinstance(arg, torch.Tensor):
                buffers.append(_tensor(index, arg))
                if counts is None:
                    counts = [arg.numel()]
                continue
            memory, held = _bytes(index, arg, casts(index))
            buffers.append(memory)
            keep.append(held)
        if counts is None or len(counts) > 3:
            raise RuntimeError("Number of threads is undefined or has wrong dimension")
        if groups is not None and len(groups) != len(counts):
            raise RuntimeError("Expected threads->size() == group_size->size() to be true, but got false.")
        most = self.max_threads_per_threadgroup
        if groups is None:
            groups = [min(counts[0], most) if len(counts) == 1 else most] + [1] * (len(counts) - 1)
        total = 1
        for size in groups:
            total *= size
        if total > most:
            raise ValueError(f"Threadgroup size exceeds {most} limit")
        if 0 in counts:
            return
        self._compiled.run(self._facts["name"], counts, groups, buffers, timeout_s=timeout_s)


def _sizes(value: int | Sequence[int] | None) -> list[int] | None:
    if value is None:
        return None
    sizes = [value] if isinstance(value, int) else [int(v) for v in value]
    if not 0 < len(sizes) < 4:
        raise RuntimeError("Expected vec.size() > 0 && vec.size() < 4 to be true, but got false.")
    if any(not 0 <= size < 2**32 for size in sizes):
        raise RuntimeError("Unable to cast Python instance to C++ type: sizes are whole numbers from 0")
    return sizes


def _casts(arg_casts: str | dict[int, str] | None) -> Any:
    if arg_casts is None:
        return lambda index: ""
    if isinstance(arg_casts, str):
        return lambda index: arg_casts
    if isinstance(arg_casts, dict):
        return lambda index: arg_casts.get(index, "")
    raise RuntimeError(f"Unexpected caster arg type {type(arg_casts).__name__}")


def _span(tensor: torch.Tensor) -> int:
    """Bytes from a tensor's first element to the end of its last one in memory."""
    if tensor.numel() == 0:
        return 0
    last = sum((size - 1) * stride for size, stride in zip(tensor.shape, tensor.stride(), strict=True))
    return (last + 1) * tensor.element_size()


def _place(tensor: torch.Tensor) -> tuple[int, int]:
    if tensor.device.type != "cpu":
        raise RuntimeError(f"the emulator runs on CPU tensors, this one is on {tensor.device}")
    if tensor.dtype in _UNSUPPORTED:
        raise TypeError(
            f"Cannot convert a MPS Tensor to {str(tensor.dtype).removeprefix('torch.')} dtype as the MPS framework "
            "doesn't support it"
        )
    return tensor.data_ptr(), _span(tensor)


def _tensor(index: int, tensor: torch.Tensor) -> Memory:
    address, size = _place(tensor)
    return Memory(index, address, size)


def _packed(values: list[Any], cast: str, decimal: bool) -> bytes:
    if cast == "":
        return struct.pack(f"<{len(values)}{'f' if decimal else 'q'}", *values)
    if cast in ("fp16", "bf16"):
        dtype = torch.float16 if cast == "fp16" else torch.bfloat16
        return bytes(torch.tensor(values, dtype=torch.float32).to(dtype).view(torch.uint8).tolist())
    if cast in _CASTS:
        bits = struct.calcsize(_CASTS[cast]) * 8
        signed = cast[0] == "i"
        wrapped = [int(v) & ((1 << bits) - 1) for v in values]
        if signed:
            wrapped = [v - (1 << bits) if v >> (bits - 1) else v for v in wrapped]
        return b"".join(struct.pack(_CASTS[cast], v) for v in wrapped)
    raise RuntimeError(f"Unsupported cast instruction {cast}")


def _bytes(index: int, arg: Any, cast: str) -> tuple[Memory, Any]:
    """setBytes: a number, a list of numbers, or a list of tensors as their addresses."""
    values = list(arg) if isinstance(arg, (list, tuple)) else [arg]
    if not values:
        raise RuntimeError("Empty list/tuple can not be an argument to metal kernel")
    first = values[0]
    if isinstance(first, torch.Tensor) and isinstance(arg, (list, tuple)):
        room = ctypes.create_string_buffer(8 * len(values))
        tensors = tuple(_place(t) for t in values)
        return Memory(index, ctypes.addressof(room), 8 * len(values), tensors), (room, values)
    if not isinstance(first, (int, float)):
        kind = "Unexpected argument types" if isinstance(arg, (list, tuple)) else "Unsupported argument type"
        raise RuntimeError(kind)
    packed = _packed(values, cast, isinstance(first, float))
    room = (ctypes.c_uint64 * ((len(packed) + 15) // 8 + 2))()  # aligned to 16 below
    address = (ctypes.addressof(room) + 15) // 16 * 16
    ctypes.memmove(address, packed, len(packed))
    return Memory(index, address, len(packed)), room
