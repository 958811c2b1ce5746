"""`burnish.optimize`: the command's work from Python, on a live module. This process is the judge."""

from __future__ import annotations

import atexit
import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any

import torch

from burnish.errors import BurnishError
from burnish.live import InsideWorker, LiveProblem, from_module
from burnish.target import choose_target, on_device

# Options of optimize that are flags of `burnish optimize` of the same name; the command checks their values.
_FLAGS = (
    "target",
    "attempts",
    "rules",
    "seconds",
    "jobs",
    "out",
    "store",
    "resume",
    "inputs",
    "verify_seconds",
    "precision",
    "contract",
    "mode",
)


def optimize(
    model: torch.nn.Module,
    example_inputs: Any,
    *,
    agents: Sequence[str] | str | None = None,
    domain: dict[str, str] | None = None,
    deterministic: bool = False,
    sandbox: bool = True,
    **options: Any,
) -> torch.nn.Module:
    """A module that computes what `model` computes, faster where something faster was found and verified.

    `example_inputs` is a tensor, a tuple of arguments, a dict of keyword arguments, or a list of such examples: sizes
    in which the examples of a list differ may then vary. The result has the same state_dict keys and the original's own
    parameters; calls that it does not cover (other shapes, dtypes, gradients) run the original. `model` is not changed.
    Where it and the examples lie is where it is made fast: on a GPU the target is cuda.

    Options are those of the command: target, attempts, seconds, jobs, out (the folder for `burnish.load`), store,
    resume, inputs, verify_seconds, precision, contract, mode; agents, domain, deterministic, sandbox. Raises
    BurnishError.
    """
    if os.environ.get("BURNISH_WORKER"):
        raise InsideWorker
    if not isinstance(model, torch.nn.Module):
        raise BurnishError(
            "model",
            f"optimize takes a torch.nn.Module, here is {type(model).__name__}",
            "burnish.optimize",
            "wrap functions in a module",
        )
    unknown = sorted(set(options) - set(_FLAGS))
    if unknown:
        raise BurnishError(
            "environment", f"{unknown[0]!r} is no option", "burnish.optimize", f"the options are {', '.join(_FLAGS)}"
        )
    options["target"], device = choose_target(model, example_inputs, options.get("target"))
    problem = from_module(model, example_inputs, mode=options.get("mode", "eval"))
    options.setdefault("out", _temporary_folder())
    with on_device(device):
        result = _run(problem, _flags(agents, domain, deterministic, sandbox, options))
    folder = result.get("dir")
    if result.get("verdict") == "accepted" and folder:
        from burnish.deploy import load

        return load(model, folder)
    return model


def _flags(
    agents: Sequence[str] | str | None,
    domain: dict[str, str] | None,
    deterministic: bool,
    sandbox: bool,
    options: dict[str, Any],
) -> list[str]:
    flags: list[str] = []
    for name in _FLAGS:
        if options.get(name) is not None:
            flags += ["--" + name.replace("_", "-"), str(options[name])]
    if agents is not None:
        flags += ["--agents", agents if isinstance(agents, str) else ",".join(agents)]
    for name, kind in (domain or {}).items():
        flags += ["--domain", f"{name}={kind}"]
    return flags + ["--deterministic"] * deterministic + ["--no-sandbox"] * (not sandbox)


def _run(problem: LiveProblem, flags: list[str]) -> dict[str, Any]:
    """Starts the command with one end of a socket pair, judges at the other, and returns its last JSON line."""
    from burnish.judge.server import serve

    ours, theirs = socket.socketpair()
    with ours, tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as log:
        with theirs:
            fd = theirs.fileno()
            process = subprocess.Popen(
                [executable(), "optimize", "--judge-fd", str(fd), "--name", problem.name, "--json", *flags],
                stdout=output,
                stderr=None if sys.stderr.isatty() else log,
                pass_fds=[fd],
                env=dict(os.environ, BURNISH_PYTHON=sys.executable),
            )
        try:
            with _settings_kept():
                serve(ours, problem)
            ours.close()  # the command, if it still waits for this judge, sees that it is gone
            process.wait()
        except BaseException:  # Ctrl-C too: the command keeps what is done
            process.send_signal(signal.SIGINT)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=10)
            process.kill()
            process.wait()
            raise
        result = _last_json(_text_of(output))
        said = _text_of(log).strip().splitlines()
    if process.returncode != 0 or result is None or result.get("verdict") not in ("accepted", "original"):
        raise _failure(result or {}, said, process.returncode)
    return result


@contextlib.contextmanager
def _settings_kept() -> Iterator[None]:
    """The judge sets the precision that is judged at; this is the caller's process, so it is put back."""
    precision, tf32 = torch.get_float32_matmul_precision(), torch.backends.cudnn.allow_tf32
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(precision)
        torch.backends.cudnn.allow_tf32 = tf32


def _failure(result: dict[str, Any], said: list[str], code: int) -> BurnishError:
    """What the command said went wrong: in its last JSON line, else on stderr."""
    for candidate in (result.get("error"), result.get("detail"), result):
        if isinstance(candidate, dict) and candidate.get("what"):
            reason = candidate.get("reason") or result.get("reason") or "environment"
            return BurnishError(reason, candidate["what"], candidate.get("where") or "", candidate.get("todo") or "")
    what = said[-1] if said else f"`burnish optimize` ended with code {code}"
    return BurnishError(result.get("reason") or "environment", what)


def _text_of(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _last_json(text: str) -> dict[str, Any] | None:
    for line in reversed(text.splitlines()):
        with contextlib.suppress(json.JSONDecodeError):
            found = json.loads(line)
            if isinstance(found, dict):
                return found
    return None


def _temporary_folder() -> str:
    """Where a winner goes whose folder nobody named: removed when the process ends."""
    folder = tempfile.mkdtemp(prefix="burnish-")
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return str(Path(folder) / "winner")


def executable() -> str:
    """The `burnish` command: $BURNISH, else beside this Python, else on PATH."""
    named = os.environ.get("BURNISH")
    if named:
        return named
    beside = Path(sys.executable).parent / "burnish"
    if beside.exists():
        return str(beside)
    found = shutil.which("burnish")
    if found is None:
        raise BurnishError(
            "environment",
            "the command `burnish` is not installed",
            f"beside {sys.executable} and on PATH",
            "run `make setup`, `pip install .`, or set BURNISH to its path",
        )
    return found
