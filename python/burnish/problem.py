"""Problems: a module, how to construct it, and how to draw inputs for it.

A file follows KernelBench's convention: `Model`, `get_inputs()` and `get_init_inputs()` (which may be left out where
the constructor needs nothing). `FILE:Class` names another class, `--inputs-from FILE:function` other inputs.
get_inputs returns a tensor, a list or tuple of arguments, a dict of keyword arguments, or a pair of both.
"""

from __future__ import annotations

import contextlib
import importlib.util
import inspect
import os
import re
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from burnish.errors import BurnishError
from burnish.guarded import beside, seeded, users_code
from burnish.inputs import Call, Leaf, flatten_inputs, tensors_of

Progress = Callable[[str, float], None]  # what is going on, and for how many seconds


@dataclass
class Probe:
    """What two calls of forward on the same input showed."""

    seconds: float
    result: Any
    args: tuple
    kwargs: dict[str, Any]


class Problem:
    """A module and a generator of its inputs. `module` is in the mode asked for; callers run it under no_grad."""

    def __init__(
        self,
        name: str,
        source: str,
        module: torch.nn.Module,
        generate: Callable[[int], Call],
        *,
        mode: str,
        seed: int,
        origin: dict[str, Any] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.name, self.source, self.module, self.mode, self.seed = name, source, module, mode, seed
        self._origin = origin
        self._generate, self._folder = generate, folder
        self.device = torch.device("cpu")

    def text(self) -> str:
        """The module as its user wrote it, for whoever has to write it anew: the file whole, or the class."""
        if self._origin is not None and "file" in self._origin:
            return Path(self._origin["file"]).read_text(encoding="utf-8", errors="replace")
        try:
            return inspect.getsource(type(self.module))
        except (OSError, TypeError):  # a class of a session that no file holds: its plan says what it computes
            return f"(the source of {self.name} is in no file)"

    def use(self, target: str) -> None:
        """Moves the module, and what draw() gives from now on, to where the target's kernels run."""
        if target != "cuda":  # metal-emulated runs on CPU tensors
            return
        if not torch.cuda.is_available():
            raise BurnishError(
                "environment",
                "this PyTorch sees no NVIDIA GPU",
                "--target cuda",
                "see what `burnish doctor` and nvidia-smi say; a CPU-only build of PyTorch has no CUDA",
            )
        self.device = torch.device("cuda", torch.cuda.current_device())
        with users_code("model", "moving the module to the GPU", self.source, "see that Model().cuda() works"):
            self.module.to(self.device)

    def draw(self, seed: int) -> Call:
        """Arguments and keyword arguments of one call, the same for the same seed. No generator outside is touched."""
        with (
            users_code("inputs", "drawing inputs", self.source, "see that get_inputs runs by itself"),
            self._place(),
            seeded(seed),
        ):
            args, kwargs = self._generate(seed)
        return self._placed(args), self._placed(kwargs)

    def _placed(self, tree: Any) -> Any:
        return torch.utils._pytree.tree_map_only(torch.Tensor, lambda t: t.detach().to(self.device), tree)

    @property
    def more_examples(self) -> list[Call]:
        """Calls of other sizes that the exported plan has to cover as well; for `export(..., dynamic=...)`."""
        return []

    @property
    def payload(self) -> dict[str, Any]:
        """JSON from which burnish.live.load_payload makes the same problem in another process."""
        assert self._origin is not None
        return dict(self._origin)

    def leaves(self, args: tuple, kwargs: dict[str, Any]) -> list[Leaf]:
        """The call's arguments as a plan names them: (name, path, value), defaults included."""
        return flatten_inputs(self.module.forward, args, kwargs)

    def run(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        """One forward of the module under no_grad; what it prints does not reach stdout."""
        with (
            users_code("model", "forward", self.source, "see that Model runs on what get_inputs returns"),
            self._place(),
            torch.no_grad(),
        ):
            return self.module(*args, **kwargs)

    def probe(self, seed: int = 0, slowest: float = 0.0) -> Probe:
        """Calls forward twice on the same input; raises where Burnish cannot judge this module.

        `slowest`: seconds that a forward may take (0: any; the first, which warms up, twice that).
        Reasons: `inputs`, `model`, `too-large`, `too-slow`, `random`, `stateful`, `training-mode`, `unsupported`.
        """
        args, kwargs = self.draw(seed)
        before = _state(self.module)
        kept = [t.clone() for t in tensors_of((args, kwargs))]
        started = time.perf_counter()
        first = self.run(args, kwargs)
        self._refuse_slow((time.perf_counter() - started) / 2, slowest)
        tensors = tensors_of(first)
        if not tensors:
            raise BurnishError(
                "model",
                f"forward returns no tensor but {type(first).__name__}",
                self.source,
                "return a tensor, or a list, tuple or dict of tensors",
            )
        for tensor in tensors:
            if tensor.layout is not torch.strided or tensor.is_quantized:
                raise BurnishError(
                    "unsupported",
                    f"forward returns a tensor of layout {tensor.layout}",
                    self.source,
                    "return dense tensors",
                )
        if not _same(kept, tensors_of((args, kwargs))):
            raise BurnishError("stateful", "forward changes its inputs", self.source, "write to a copy of the input")
        changed = _changed(before, self.module)
        if changed:
            self._refuse_state(
                f"forward changes {changed!r}",
                "stateful",
                "modules that keep state between calls are not supported yet",
            )
        kept_result = [t.detach().clone() for t in tensors]
        started = time.perf_counter()
        second = self.run(args, kwargs)
        seconds = time.perf_counter() - started
        self._refuse_slow(seconds, slowest)
        if not _close(kept_result, tensors_of(second)):
            self._refuse_state(
                "forward gives different results for the same input",
                "random",
                "take the randomness (or the count of calls) out of forward, or pass noise as an input",
            )
        return Probe(seconds, second, args, kwargs)

    def _refuse_slow(self, seconds: float, slowest: float) -> None:
        if slowest and seconds > slowest:
            raise BurnishError(
                "too-slow", f"one forward takes {seconds:.1f} s", self.source, f"raise --slowest (it is {slowest:g} s)"
            )

    def _refuse_state(self, what: str, reason: str, todo: str) -> None:
        if any(m.training for m in self.module.modules()):
            raise BurnishError(
                "training-mode",
                f"{what} in training mode",
                self.source,
                "judge it with --mode eval: dropout and running statistics make no fixed function",
            )
        raise BurnishError(reason, what, self.source, todo)

    def _place(self) -> contextlib.AbstractContextManager:
        return beside(self._folder) if self._folder else contextlib.nullcontext()


def load_problem(
    file: str | os.PathLike,
    cls: str = "Model",
    inputs_from: str | None = None,
    mode: str = "eval",
    *,
    seed: int = 42,
    on_slow: Progress | None = None,
) -> Problem:
    """The problem in a file. The constructor runs under `seed`; `on_slow(phase, seconds)` is called every 5 s.

    Raises BurnishError with the reasons `file`, `import`, `model`, `inputs`, `too-large`.
    """
    if mode not in ("eval", "train"):
        raise BurnishError("environment", f"unknown mode {mode!r}", "--mode", "say eval or train")
    path = _existing(file)
    with watched(on_slow, "importing"):
        user = _import(path)
    model_class = _class(user, cls, path)
    here, inputs_path = user, path
    if inputs_from is not None:
        other, _, function = str(inputs_from).partition(":")
        inputs_path = _existing(other) if other else path
        with watched(on_slow, "importing"):
            here = user if inputs_path == path else _import(inputs_path)
        get_inputs = _function(here, function or "get_inputs", inputs_path)
    else:
        get_inputs = _function(user, "get_inputs", path)
    get_init = getattr(user, "get_init_inputs", None) or getattr(here, "get_init_inputs", None)
    with watched(on_slow, "constructing"), beside(path.parent):
        module = _construct(model_class, get_init, path, seed)
    if mode == "eval":
        module.eval()
    name = path.stem if cls == "Model" else f"{path.stem}:{cls}"
    origin = {
        "file": str(path),
        "class": cls,
        "inputs_from": inputs_from and str(inputs_from),
        "mode": mode,
        "seed": seed,
    }

    def generate(seed: int) -> Call:
        with beside(inputs_path.parent):
            return as_call(get_inputs(), str(inputs_path))

    return Problem(
        name,
        str(path),
        module,
        generate,
        mode=mode,
        seed=seed,
        origin=origin,
        folder=path.parent,
    )


def as_call(value: Any, where: str) -> Call:
    """What a generator of inputs returned, as arguments and keyword arguments."""
    if isinstance(value, torch.Tensor):
        return (value,), {}
    if isinstance(value, dict):
        return (), dict(value)
    if (
        isinstance(value, tuple)
        and len(value) == 2
        and isinstance(value[0], list | tuple)
        and isinstance(value[1], dict)
    ):
        return tuple(value[0]), dict(value[1])
    if isinstance(value, list | tuple):
        return tuple(value), {}
    raise BurnishError(
        "inputs",
        f"inputs are {type(value).__name__}, not a list of arguments",
        where,
        "return a list or tuple of arguments, a dict of keyword arguments, or both as a pair",
    )


@contextlib.contextmanager
def watched(on_slow: Progress | None, phase: str, every_s: float = 5.0) -> Iterator[None]:
    """Calls `on_slow(phase, seconds so far)` from a thread every few seconds while the body runs."""
    if on_slow is None:
        yield
        return
    over = threading.Event()
    started = time.monotonic()

    def report() -> None:
        while not over.wait(every_s):
            on_slow(phase, time.monotonic() - started)

    thread = threading.Thread(target=report, daemon=True, name="burnish-watch")
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def _existing(file: str | os.PathLike) -> Path:
    path = Path(file)
    if not path.exists():
        raise BurnishError("file", f"there is no file {str(file)!r}", str(path), "check the path")
    if path.is_dir():
        raise BurnishError(
            "file", f"{str(file)!r} is a folder", str(path), "name a Python file; `burnish suite` takes folders"
        )
    if not os.access(path, os.R_OK):
        raise BurnishError("file", f"{str(file)!r} cannot be read", str(path), "check its permissions")
    return path.resolve()


_imported = 0


def _import(path: Path) -> ModuleType:
    """The file as a module of its own, imported from its own folder. Each import is a fresh one."""
    global _imported
    _imported += 1
    name = f"burnish_problem_{_imported}_{re.sub(r'[^A-Za-z0-9_]', '_', path.stem)}"
    loader = importlib.machinery.SourceFileLoader(name, str(path))
    spec = importlib.util.spec_from_file_location(name, path, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # classes are pickled and dataclasses resolved by this name
    try:
        todo = "see that it imports by itself: python FILE"
        with users_code("import", "importing the file", str(path), todo), beside(path.parent):
            _refuse_binary(path)
            loader.exec_module(module)
    except BaseException:
        sys.modules.pop(name, None)
        raise
    return module


def _refuse_binary(path: Path) -> None:
    """Says early, as reason `file`, that a file is no Python at all."""
    data = path.read_bytes()
    if b"\0" in data:
        raise BurnishError(
            "file", f"{path.name!r} is not a Python file", str(path), "name a Python file with a Model in it"
        )


def _function(module: ModuleType, name: str, path: Path) -> Callable:
    function = getattr(module, name, None)
    if function is None:
        raise BurnishError(
            "inputs",
            f"there is no function {name!r}",
            str(path),
            "add get_inputs(), or name another with --inputs-from FILE:function",
        )
    if not callable(function):
        raise BurnishError(
            "inputs", f"{name!r} is {type(function).__name__}, not a function", str(path), "make it a function"
        )
    return function


def _class(module: ModuleType, name: str, path: Path) -> type[torch.nn.Module]:
    found = getattr(module, name, None)
    if found is None:
        others = [
            k
            for k, v in vars(module).items()
            if isinstance(v, type) and issubclass(v, torch.nn.Module) and v.__module__ == module.__name__
        ]
        hint = (
            f"name one of its modules as FILE:Class: {', '.join(others)}"
            if others
            else "name a file with a torch.nn.Module in it"
        )
        raise BurnishError("model", f"there is no class {name!r}", str(path), hint)
    if not (isinstance(found, type) and issubclass(found, torch.nn.Module)):
        raise BurnishError("model", f"{name!r} is not a torch.nn.Module", str(path), "derive it from torch.nn.Module")
    return found


def _construct(cls: type[torch.nn.Module], get_init: Callable | None, path: Path, seed: int) -> torch.nn.Module:
    todo = "see that Model(*get_init_inputs()) works by itself"
    with users_code("model", f"constructing {cls.__name__}", str(path), todo), seeded(seed):
        args, kwargs = as_call(get_init(), str(path)) if get_init else ((), {})
        try:
            inspect.signature(cls).bind(*args, **kwargs)
        except TypeError as error:
            given = "what get_init_inputs returns" if get_init else "nothing: there is no get_init_inputs"
            raise BurnishError(
                "model",
                f"the constructor of {cls.__name__} does not take {given}: {error}",
                str(path),
                "let get_init_inputs() return the constructor's arguments",
            ) from None
        except ValueError:  # no signature to be had
            pass
        module = cls(*args, **kwargs)
    return module


def _state(module: torch.nn.Module) -> dict[str, tuple[torch.Tensor, int, torch.Tensor | None]]:
    """Every parameter with its version, every buffer with its version and a copy."""
    state: dict[str, tuple[torch.Tensor, int, torch.Tensor | None]] = {}
    for name, parameter in module.named_parameters():
        state[name] = (parameter, parameter._version, None)
    for name, buffer in module.named_buffers():
        state[name] = (buffer, buffer._version, buffer.detach().clone())
    return state


def _changed(before: dict[str, tuple[torch.Tensor, int, torch.Tensor | None]], module: torch.nn.Module) -> str | None:
    """The first parameter or buffer whose value is another than before."""
    now = dict(module.named_parameters()) | dict(module.named_buffers())
    for name, (tensor, version, copy) in before.items():
        if name not in now:
            return name
        if copy is None:
            if now[name] is not tensor or tensor._version != version:
                return name
        elif not _same([copy], [now[name]]):
            return name
    new = set(now) - set(before)
    return min(new) if new else None


def _same(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    """Equal in shape, dtype and every value, NaN being equal to NaN."""
    return len(a) == len(b) and all(
        x.dtype == y.dtype and x.shape == y.shape and bool(((x == y) | ((x != x) & (y != y))).all())
        for x, y in zip(a, b, strict=False)
    )


def _close(a: list[torch.Tensor], b: list[torch.Tensor]) -> bool:
    """Equal but for rounding: sums may be split differently from call to call, by 1e-3 of a tensor's RMS at most."""
    if _same(a, b):
        return True
    if len(a) != len(b) or any(x.shape != y.shape or x.dtype != y.dtype for x, y in zip(a, b, strict=False)):
        return False
    for x, y in zip(a, b, strict=False):
        if not (x.is_floating_point() or x.is_complex()):
            if not _same([x], [y]):
                return False
            continue
        wide = torch.complex128 if x.is_complex() else torch.float64
        x, y = x.to(wide).nan_to_num(), y.to(wide).nan_to_num()
        scale = x.abs().square().mean().sqrt()
        if bool((x - y).abs().square().mean().sqrt() > 1e-3 * scale):
            return False
    return True
