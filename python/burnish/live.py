"""Problems from live modules: the caller's module, copied, with example inputs from which others are drawn."""

from __future__ import annotations

import contextlib
import copy
import os
import pickle
import sys
import tempfile
import types
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import torch
from torch.utils import _pytree as pytree

from burnish.errors import BurnishError, first_line
from burnish.inputs import Call, flatten_inputs
from burnish.problem import Problem, as_call, load_problem


class InsideWorker(BaseException):
    """Raised by `burnish.optimize` where a worker only wants the definitions of the caller's script."""


def from_module(module: torch.nn.Module, examples: Any, mode: str = "eval", *, seed: int = 0) -> Problem:
    """A problem from a module and example inputs: a tensor, a tuple of arguments, a dict of keyword arguments, or a
    list of such examples. The module is copied, so that judging never touches the caller's parameters.

    Inputs are drawn from the examples: dense values shuffled, with the same distribution therefore; structure (masks,
    sorted indices, constants) kept. Where examples differ in sizes, sizes between them are drawn as well.
    """
    calls = example_calls(examples)
    name = type(module).__name__
    try:
        own = copy.deepcopy(module)
    except Exception as error:
        raise BurnishError(
            "model",
            f"the module cannot be copied: {first_line(error)}",
            name,
            "keep locks, files and generators out of the module",
        ) from error
    if mode == "eval":
        own.eval()
    draws = Draws(own, calls)
    return LiveProblem(name, name, own, draws.draw, mode=mode, seed=seed, calls=calls)


def example_calls(examples: Any) -> list[Call]:
    """The examples as calls. A list is a list of examples; a tuple is the arguments of one."""
    each: Sequence[Any] = examples if isinstance(examples, list) else [examples]
    if not each:
        raise BurnishError(
            "inputs", "there are no example inputs", "example_inputs", "give a tensor, tuple, dict, or list of them"
        )
    calls = [as_call(example, "example_inputs") for example in each]
    for args, kwargs in calls:
        if not any(isinstance(leaf, torch.Tensor) for leaf in pytree.tree_leaves((args, kwargs))):
            raise BurnishError(
                "inputs",
                "an example holds no tensor",
                "example_inputs",
                "a list is a list of examples: give several arguments as a tuple",
            )
    return [pytree.tree_map_only(torch.Tensor, lambda t: t.detach(), call) for call in calls]


class LiveProblem(Problem):
    """A problem whose module exists in this process only, until `payload` writes it down for a worker."""

    def __init__(self, *args: Any, calls: list[Call], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.calls = calls
        self._folder_of_pickle: tempfile.TemporaryDirectory | None = None

    @property
    def more_examples(self) -> list[Call]:
        return self.calls if len(self.calls) > 1 else []

    @property
    def payload(self) -> dict[str, Any]:
        """Written to a temporary folder that goes with the problem. Raises where the module cannot be pickled."""
        if self._folder_of_pickle is None:
            folder = tempfile.TemporaryDirectory(prefix="burnish-module-")
            try:
                torch.save(
                    (self.module, self.calls), Path(folder.name) / "module.pt", pickle_module=_pickler(self.module)
                )
            except BurnishError:
                folder.cleanup()
                raise
            except Exception as error:
                folder.cleanup()
                raise BurnishError(
                    "model",
                    f"the module cannot be written down for a worker: {first_line(error)}",
                    self.name,
                    "define its classes at the top level of a file, without lambdas as attributes",
                ) from error
            self._folder_of_pickle = folder
        return {
            "pickle": str(Path(self._folder_of_pickle.name) / "module.pt"),
            "main": main_file(),
            "path": [os.path.abspath(p) for p in sys.path],
            "device": str(self.device),
            "mode": self.mode,
            "seed": self.seed,
        }


def load_payload(payload: dict[str, Any]) -> Problem:
    """The problem that `Problem.payload` described, in another process."""
    if "file" in payload:
        return load_problem(
            payload["file"], payload["class"], payload["inputs_from"], payload["mode"], seed=payload["seed"]
        )
    os.environ["BURNISH_WORKER"] = "1"  # a script that calls burnish.optimize ends there when it is imported
    sys.path += [p for p in payload["path"] if p not in sys.path]
    if payload["main"]:
        _import_main(Path(payload["main"]))
    # The GPU that the judge has its tensors on is the first one, and the only one, that a worker sees.
    moved = {payload["device"]: "cuda:0"} if payload["device"].startswith("cuda") else None
    module, calls = torch.load(payload["pickle"], weights_only=False, map_location=moved)
    name = type(module).__name__
    return LiveProblem(
        name, name, module, Draws(module, calls).draw, mode=payload["mode"], seed=payload["seed"], calls=calls
    )


def main_file() -> str | None:
    """The script that runs, if it is a file."""
    main = sys.modules.get("__main__")
    spec, file = getattr(main, "__spec__", None), getattr(main, "__file__", None)
    if spec is not None and spec.origin and Path(spec.origin).is_file():
        return spec.origin
    return str(Path(file).resolve()) if file and Path(file).is_file() else None


def _pickler(module: torch.nn.Module) -> Any:
    """Pickle by reference; by value (cloudpickle) for classes of a session that no file holds."""
    in_main = any(type(m).__module__ == "__main__" for m in module.modules())
    if not in_main or main_file():
        return pickle
    try:
        import cloudpickle
    except ImportError:
        raise BurnishError(
            "environment",
            "the module's class was defined in an interactive session",
            type(module).__name__,
            "define it in a file and import it, or install cloudpickle",
        ) from None
    return cloudpickle


def _import_main(path: Path) -> None:
    """Makes the definitions of the caller's script importable as `__main__`, as multiprocessing does.

    A script without `if __name__ == "__main__":` gets as far as its call of burnish.optimize, which ends it here.
    """
    main = types.ModuleType("__mp_main__")
    main.__file__ = str(path)
    sys.modules["__mp_main__"] = sys.modules["__main__"] = main
    with contextlib.suppress(InsideWorker):
        exec(compile(path.read_bytes(), str(path), "exec"), main.__dict__)


class Draws:
    """Draws calls that look like the examples."""

    def __init__(self, module: torch.nn.Module, calls: list[Call]) -> None:
        self._calls = calls
        self._largest = max(calls, key=lambda call: sum(_numels(call)))
        self._groups = _size_groups(module, calls)

    def draw(self, seed: int) -> Call:
        """A call for a seed; the generators have been seeded by the caller."""
        call = self._calls[seed % len(self._calls)]
        if self._groups and seed % 3 == 2:
            call = self._between(self._largest)
        return pytree.tree_map_only(torch.Tensor, shuffled, call)

    def _between(self, call: Call) -> Call:
        """The largest example cut to sizes between the smallest and itself; sizes that go together stay together."""
        cuts: dict[tuple[int, ...], int] = {}
        for sizes in set(self._groups.values()):
            low, high = min(sizes), max(sizes)
            cuts[sizes] = int(torch.randint(low, high + 1, ()))
        tensors = iter(range(10**9))

        def cut(tensor: torch.Tensor) -> torch.Tensor:
            index = next(tensors)
            for d in range(tensor.dim()):
                sizes = self._groups.get((index, d))
                if sizes is not None and tensor.shape[d] > cuts[sizes]:
                    tensor = tensor.narrow(d, 0, cuts[sizes])
            return tensor.contiguous()

        return pytree.tree_map_only(torch.Tensor, cut, call)


def _numels(call: Call) -> Iterable[int]:
    return (leaf.numel() for leaf in pytree.tree_leaves(call) if isinstance(leaf, torch.Tensor))


def _size_groups(module: torch.nn.Module, calls: list[Call]) -> dict[tuple[int, int], tuple[int, ...]]:
    """(number of the tensor, dimension) -> its sizes over the examples, where they differ. Equal tuples go together."""
    if len(calls) == 1:
        return {}
    tensors = [[leaf for leaf in pytree.tree_leaves(call) if isinstance(leaf, torch.Tensor)] for call in calls]
    paths = [[leaf.path for leaf in flatten_inputs(module.forward, *call)] for call in calls]
    if any(p != paths[0] for p in paths) or any(len(t) != len(tensors[0]) for t in tensors):
        raise BurnishError(
            "inputs",
            "the examples differ in their structure",
            "example_inputs",
            "give examples that differ in sizes only",
        )
    groups = {}
    for i, same in enumerate(zip(*tensors, strict=True)):
        if len({t.dim() for t in same}) > 1 or len({t.dtype for t in same}) > 1:
            raise BurnishError(
                "inputs",
                "the examples differ in the rank or dtype of a tensor",
                "example_inputs",
                "give examples that differ in sizes only",
            )
        for d in range(same[0].dim()):
            sizes = tuple(t.shape[d] for t in same)
            if len(set(sizes)) > 1:
                groups[i, d] = sizes
    return groups


def shuffled(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor of the same kind: dense values in another order, structured ones (masks, sorted indices) by rows.

    The layout in memory stays, and values stay within the example's own, so that indices remain valid.
    """
    fresh = torch.empty_like(tensor)
    if tensor.numel() < 2:
        return fresh.copy_(tensor)
    flat = tensor.reshape(-1)
    if _is_structured(tensor):
        order = torch.randperm(tensor.shape[0]) if tensor.dim() > 1 and not tensor.is_floating_point() else None
        return fresh.copy_(tensor if order is None else tensor[order])
    return fresh.copy_(flat[torch.randperm(flat.numel())].reshape(tensor.shape))


def _is_structured(tensor: torch.Tensor) -> bool:
    """Few distinct values, or sorted along the last dimension."""
    if tensor.dtype == torch.bool:
        return True
    sample = tensor.reshape(-1)[:4096]
    if sample.is_complex():
        return False
    if len(torch.unique(sample)) <= max(2, len(sample) // 100):
        return True
    last = tensor if tensor.dim() == 1 else tensor.reshape(-1, tensor.shape[-1])[:64]
    return tensor.shape[-1] > 2 and bool((last.diff(dim=-1) >= 0).all())
