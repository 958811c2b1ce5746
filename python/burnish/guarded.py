"""Runs the user's code (imports, constructors, generators, forwards) so that it cannot harm the process that judges."""

from __future__ import annotations

import contextlib
import ctypes
import os
import random
import sys
from collections.abc import Iterator
from pathlib import Path

import torch

from burnish.errors import BurnishError, first_line

try:
    import resource
except ImportError:  # not on every platform
    resource = None  # type: ignore[assignment]


@contextlib.contextmanager
def quiet_stdout() -> Iterator[None]:
    """Sends what is written to descriptor 1, from Python or from C, to descriptor 2: stdout carries results only."""
    sys.stdout.flush()
    try:
        saved = os.dup(1)
    except OSError:  # no stdout at all
        yield
        return
    os.dup2(2, 1)
    try:
        with contextlib.redirect_stdout(sys.stderr):
            yield
    finally:
        with contextlib.suppress(Exception):
            ctypes.CDLL(None).fflush(None)
        os.dup2(saved, 1)
        os.close(saved)


@contextlib.contextmanager
def beside(folder: Path) -> Iterator[None]:
    """The working directory and the first entry of sys.path are the problem's folder, as when it is run by itself."""
    before = None
    with contextlib.suppress(OSError):
        before = os.getcwd()
    sys.path.insert(0, str(folder))
    os.chdir(folder)
    try:
        yield
    finally:
        with contextlib.suppress(ValueError):
            sys.path.remove(str(folder))
        if before is not None:
            os.chdir(before)


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Seeds the generators of torch, Python and numpy, and puts their states back afterwards."""
    numpy = sys.modules.get("numpy")
    python_state = random.getstate()
    numpy_state = numpy.random.get_state() if numpy else None
    # A GPU that nobody has used yet has no state to put back, and asking for it would start CUDA: that takes seconds.
    devices = list(range(torch.cuda.device_count())) if torch.cuda.is_initialized() else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        random.seed(seed)
        if numpy:
            numpy.random.seed(seed % 2**32)
        try:
            yield
        finally:
            random.setstate(python_state)
            if numpy:
                numpy.random.set_state(numpy_state)


@contextlib.contextmanager
def memory_limit() -> Iterator[None]:
    """Makes an allocation that the machine cannot hold fail (Linux) where the kernel's killer would end the process.

    The limit on private data is what the process has now and spare_bytes(). Soft, and lifted afterwards.
    """
    room = spare_bytes()
    if resource is None or room is None:
        yield
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_DATA)
    most = _data_bytes() + room
    resource.setrlimit(resource.RLIMIT_DATA, (most if hard == resource.RLIM_INFINITY else min(most, hard), hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, (soft, hard))


def _data_bytes() -> int:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0


def spare_bytes() -> int | None:
    """What this process can still have: of the machine, or what its own limit on private data leaves. None: unknown."""
    room = _available_bytes()
    if resource is not None and (soft := resource.getrlimit(resource.RLIMIT_DATA)[0]) != resource.RLIM_INFINITY:
        left = max(0, soft - _data_bytes())
        room = left if room is None else min(room, left)
    return room


def _available_bytes() -> int | None:
    """What the machine, or the control group of this process where that is less, can still hand out."""
    try:
        fields = dict(line.split(":") for line in Path("/proc/meminfo").read_text().splitlines())
        room = int(fields["MemAvailable"].split()[0]) * 1024
    except (OSError, KeyError, ValueError):
        return None
    with contextlib.suppress(OSError, ValueError):
        top = Path("/sys/fs/cgroup")
        limit, used = (top / "memory.max").read_text(), (top / "memory.current").read_text()
        cached = sum(
            int(line.split()[1])
            for line in (top / "memory.stat").read_text().splitlines()
            if line.split()[0] in ("inactive_file", "active_file")
        )
        room = min(room, int(limit) - int(used) + cached)
    return max(room, 0)


_OUT_OF_MEMORY = (
    "can't allocate memory",
    "out of memory",
    "not enough memory",
    "std::bad_alloc",
    "Cannot allocate memory",
    "Storage size calculation overflowed",
)


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory did not suffice."""
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or any(s in str(error) for s in _OUT_OF_MEMORY)


@contextlib.contextmanager
def users_code(reason: str, doing: str, where: str, todo: str) -> Iterator[None]:
    """Turns what the user's code does wrong into a BurnishError: exceptions, sys.exit, memory, a missing package."""
    try:
        with quiet_stdout(), memory_limit():
            yield
    except (BurnishError, KeyboardInterrupt):
        raise
    except SystemExit as error:
        raise BurnishError(
            reason,
            f"{doing} called sys.exit({error.code!r})",
            where,
            'take the call out, or put it under `if __name__ == "__main__":`',
        ) from None
    except ModuleNotFoundError as error:
        raise BurnishError(
            "import",
            f"{doing} needs the package {error.name!r}, which is not installed",
            where,
            f"install it in this environment ({sys.executable} -m pip install ...)",
        ) from error
    except BaseException as error:  # GeneratorExit and what libraries derive from BaseException too
        if is_out_of_memory(error):
            raise BurnishError(
                "too-large",
                f"{doing} does not fit in memory: {first_line(error)}",
                where,
                "make the problem smaller, or use a machine with more memory",
            ) from error
        raise BurnishError(reason, f"{doing} failed: {first_line(error)}", _innermost(error, where), todo) from error


def _innermost(error: BaseException, where: str) -> str:
    """File and line of the last frame in the user's own file, where there is one."""
    file = where.split(":")[0]
    line = None
    trace = error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == file:
            line = trace.tb_lineno
        trace = trace.tb_next
    if isinstance(error, SyntaxError) and error.filename == file:
        line = error.lineno
    return f"{file}:{line}" if line else where
