"""The Python form of a worker: hosts one callable for a judge (docs/architecture.md, "Worker protocol").

Started by burnish.workers, never by hand: python -m burnish.worker --runtime FILE --threads N [--confined], or
forked by burnish.nursery.

Kinds of `load`: `reference` (the problem's own module), `recipe` (it under a recipe), `deployed` (a folder loaded onto
it): trusted. `model_new` (a candidate's file with a class ModelNew): untrusted, confined.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import importlib.machinery
import importlib.util
import json
import os
import pickle
import resource
import signal
import sys
import types
from collections.abc import Callable
from typing import Any

import torch
from torch.utils import _pytree as pytree

from burnish.errors import BurnishError, first_line

MOST_PROCESSES = 512  # of a confined worker: an inline extension's compilers and PyTorch's threads


class Host:
    """What the call loop in C++ talks to: `control` for set-up, `callable` and `slots` for calls."""

    def __init__(self, runtime: types.ModuleType, memory: Any, confined: bool) -> None:
        self._runtime, self._memory, self._confined = runtime, memory, confined
        self._device = "cuda" if memory.on_gpu else "cpu"
        self._module: torch.nn.Module | None = None
        self._spec: Any = None
        self._refresh: Callable[[], Any] | None = None
        self._filtered = False
        self.callable: Callable | None = None
        self.slots: list[tuple[tuple, dict]] = []

    def control(self, line: str) -> str:
        request = json.loads(line)
        handler = {
            "load": self._load, "params": self._params, "slots": self._set_slots, "refresh": self._refreshed,
            "seal": self._seal,
        }.get(request["do"])  # fmt: skip
        if handler is None:
            raise BurnishError("protocol", f"unknown message {request['do']!r}", "control socket", "")
        return json.dumps(handler(request) or {})

    # -- set-up ------------------------------------------------------------------------------------------------------
    def _load(self, request: dict) -> dict:
        self.callable, self.slots, self._module, self._refresh = None, [], None, None
        if request.get("precision"):
            torch.set_float32_matmul_precision(request["precision"])
        if request.get("call"):
            self._spec = pytree.treespec_loads(request["call"])
        kind = request["kind"]
        if kind == "model_new":
            self._load_model_new(request)
        else:
            self._load_trusted(kind, request)
        return {"params": [name for name, _ in _named(self._module)]} if self._module is not None else {}

    def _load_trusted(self, kind: str, request: dict) -> None:
        if self._confined:
            raise BurnishError("protocol", f"a confined worker does not load {kind!r}", "load", "")
        from burnish.live import load_payload

        problem = load_payload(request["problem"])
        self._module = problem.module.to(self._device)
        if kind == "reference":
            self.callable = self._module
        elif kind == "recipe":
            from burnish import recipe

            self.callable = recipe.apply(request["recipe"], self._module)
        elif kind == "deployed":
            from burnish.deploy import load

            self.callable = load(self._module, request["dir"])
        else:
            raise BurnishError("protocol", f"unknown kind {kind!r}", "load", "")
        self._refresh = getattr(self.callable, "refresh", None)

    def _load_model_new(self, request: dict) -> None:
        """The candidate's file runs here for the first time: import, then construction under Model's seed."""
        file = request["file"]
        name = "burnish_candidate"
        sys.path.insert(0, os.path.dirname(file))
        spec = importlib.util.spec_from_file_location(name, file)
        assert spec is not None and spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        with _as_candidate("importing the candidate"):
            spec.loader.exec_module(module)
        cls = getattr(module, "ModelNew", None)
        if not (isinstance(cls, type) and issubclass(cls, torch.nn.Module)):
            raise BurnishError(
                "plan", "the file has no class ModelNew that is a torch.nn.Module", os.path.basename(file), "define it"
            )
        args, kwargs = pickle.loads(base64.b64decode(request["init"])) if request.get("init") else ((), {})
        with _as_candidate("constructing ModelNew"):
            torch.manual_seed(request.get("seed", 0))
            made = cls(*args, **kwargs)
        if request.get("mode", "eval") == "eval":
            made.eval()
        made = made.to(self._device)
        self._module, self.callable = made, made

    def _params(self, request: dict) -> dict:
        """Parameters and buffers become views of the arena: values that the judge writes there are seen at once."""
        if self._module is None:
            raise BurnishError("protocol", "nothing is loaded", "params", "")
        own = dict(_named(self._module))
        given = {path: self._memory.tensor(json.dumps(d)) for path, d in request["params"].items()}
        reached = {id(own[path]) for path in given if path in own}  # tied parameters have several paths
        extra = [p for p, t in own.items() if isinstance(t, torch.nn.Parameter) and id(t) not in reached]
        lacking = [p for p, t in given.items() if p not in own and t.is_floating_point()]  # counters may be left out
        if extra or lacking:
            which = f"has parameters that Model lacks: {extra[:5]}" if extra else f"lacks Model's {lacking[:5]}"
            raise BurnishError(
                "parameters",
                f"ModelNew {which}",
                "parameters",
                "keep Model's names and shapes of parameters and buffers",
            )
        given = {path: value for path, value in given.items() if path in own}
        for path, value in given.items():
            if own[path].shape != value.shape or own[path].dtype != value.dtype:
                raise BurnishError(
                    "parameters", f"{path} is {_kind(own[path])}, Model's is {_kind(value)}", "parameters",
                    "keep Model's names and shapes of parameters and buffers",
                )  # fmt: skip
        with torch.no_grad():
            for path, value in given.items():
                own[path].data = value
        return self._refreshed(request)

    def _refreshed(self, request: dict) -> dict:
        """Values changed in place: version counters must say so, as after an optimiser's step."""
        with torch.no_grad():
            for _, tensor in _named(self._module):
                tensor.copy_(tensor)
        if self._refresh is not None and request["do"] == "refresh":
            self._refresh()
        return {}

    def _set_slots(self, request: dict) -> dict:
        slots = []
        for leaves in request["slots"]:
            values = [d["value"] if "value" in d else self._memory.tensor(json.dumps(d)) for d in leaves]
            values = [_plain(v) for v in values]
            args, kwargs = pytree.tree_unflatten(values, self._spec) if self._spec is not None else (tuple(values), {})
            slots.append((tuple(args), dict(kwargs)))
        self.slots = slots
        return {}

    def _seal(self, request: dict) -> dict:
        """Nothing but this process remains, and it can start nothing: the candidate is warm and will be judged."""
        if self._confined and not self._filtered:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)  # every process of our namespace but ourselves and its init
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, 0)[0]:
                    pass
            self._runtime.take_filter()
            self._filtered = True
        return {}


def _plain(value: Any) -> Any:
    """Values that JSON cannot say arrive as {"float": "inf"}."""
    return float(value["float"]) if isinstance(value, dict) and set(value) == {"float"} else value


def _named(module: torch.nn.Module | None) -> list[tuple[str, torch.Tensor]]:
    """Every parameter and buffer, tied ones by each of their paths."""
    if module is None:
        return []
    return [*module.named_parameters(remove_duplicate=False), *module.named_buffers(remove_duplicate=False)]


def _kind(tensor: torch.Tensor) -> str:
    return f"{str(tensor.dtype).removeprefix('torch.')}{list(tensor.shape)}"


@contextlib.contextmanager
def _as_candidate(what: str):
    """Whatever the candidate raises becomes an error of the candidate, SystemExit too."""
    try:
        yield
    except BurnishError:
        raise
    except BaseException as error:
        text = str(error)
        build = "error building extension" in text.lower() or "ninja" in text.lower()
        memory = isinstance(error, MemoryError) or "can't allocate memory" in text
        reason = "compile" if build or isinstance(error, SyntaxError) else "memory" if memory else "crash"
        detail = text[:3000] if build else first_line(error)
        raise BurnishError(reason, f"{what} failed: {type(error).__name__}: {detail}", "ModelNew", "") from None


def load_runtime(file: str) -> types.ModuleType:
    loader = importlib.machinery.ExtensionFileLoader("burnish._runtime", file)
    spec = importlib.util.spec_from_file_location("burnish._runtime", file, loader=loader)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["burnish._runtime"] = module
    loader.exec_module(module)
    return module


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m burnish.worker")
    parser.add_argument("--runtime", required=True)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--confined", action="store_true")
    options = parser.parse_args()
    if options.confined:
        _, hard = resource.getrlimit(resource.RLIMIT_NPROC)
        most = MOST_PROCESSES if hard == resource.RLIM_INFINITY else min(hard, MOST_PROCESSES)
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    return host(load_runtime(options.runtime), options.threads, options.confined)


def host(runtime: types.ModuleType, threads: int, confined: bool = False) -> int:
    """Serves the judge on the descriptors of the worker protocol until it closes them; returns the exit status."""
    runtime.install_watched_allocator()
    torch.set_num_threads(threads)
    torch.set_grad_enabled(False)
    runtime.warm_up(threads)
    memory = runtime.SharedMemory()
    if memory.on_gpu:
        _wake_gpu()
    hello = {"form": "python", "threads": torch.get_num_threads(), "pid": os.getpid()}
    return runtime.serve(Host(runtime, memory, confined), memory, json.dumps(hello))


def _wake_gpu() -> None:
    """CUDA's context and cuBLAS before anybody waits for them. What fails fails again, and is told, at the load."""
    with contextlib.suppress(Exception):
        torch.empty(1, device="cuda")
        torch.cuda.current_blas_handle()
        torch.cuda.synchronize()


if __name__ == "__main__":
    sys.exit(main())
