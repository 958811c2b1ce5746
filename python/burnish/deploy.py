"""`burnish.load`: a deployed folder and a module become a module that is faster, else the same (docs/deploy.md)."""

from __future__ import annotations

import copy
import importlib.util
import json
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from burnish import deployed_folder
from burnish.call_patterns import parameters_of, result_of
from burnish.deployed_folder import Folder, open_folder
from burnish.errors import BurnishError
from burnish.trial import Trial, differences


def load(model: torch.nn.Module, dir: str | os.PathLike[str]) -> torch.nn.Module:
    """The winner in `dir` for `model`: a module with the model's own parameters and the same state_dict keys.

    Raises BurnishError where the folder is damaged, made for another module or for a processor with more instruction
    sets. Where the machine or PyTorch is another one than at the measurement, the first calls compare and time both.
    """
    if not isinstance(model, torch.nn.Module):
        raise BurnishError("model", f"load takes a torch.nn.Module, here is {type(model).__name__}", "burnish.load", "")
    if isinstance(model, Burnished):
        model = model.original
    folder = deployed_folder.runnable(open_folder(dir))
    return model if folder.form == "original" else Burnished(model, folder)


class Burnished(torch.nn.Module):
    """A module that runs a plan or recipe where it holds, and the original everywhere else.

    Parameters, buffers and submodules are the original's own. Attributes that are not found here are the original's.
    """

    def __init__(self, original: torch.nn.Module, folder: Folder) -> None:
        super().__init__()
        put = self.__dict__.__setitem__
        put("_original", original)
        put("_folder", folder)
        for shared in ("_parameters", "_buffers", "_modules", "_non_persistent_buffers_set"):
            put(shared, original.__dict__[shared])
        started = _starters[folder.form](original, folder)
        put("_run", started.call)
        put("_refresh", started.refresh)
        changed = differences(folder.manifest)
        put("_trial", Trial(started, original, changed) if changed else None)

    @property
    def original(self) -> torch.nn.Module:
        """The module that was given to burnish.load."""
        return self._original

    @property
    def training(self) -> bool:
        return self.__dict__["_original"].training if "_original" in self.__dict__ else False

    @training.setter
    def training(self, mode: bool) -> None:
        if "_original" in self.__dict__:
            self._original.training = mode

    def forward(self, *args: Any, **kwargs: Any) -> Any:
        if self._trial is not None:
            return self._in_trial(args, kwargs)
        return self._run(*args, **kwargs)

    def _in_trial(self, args: tuple, kwargs: dict[str, Any]) -> Any:
        trial = self._trial
        result = trial(args, kwargs)
        if trial.winner is not None:
            self.__dict__["_run"], self.__dict__["_trial"] = trial.winner, None
        return result

    def refresh(self) -> None:
        """Prepares again from the parameters of now, for writes that PyTorch does not count (`p.data.mul_(2)`)."""
        self._refresh()

    def train(self, mode: bool = True) -> Burnished:
        self._original.train(mode)
        return self

    def state_dict(self, *args: Any, **kwargs: Any) -> Any:
        return self._original.state_dict(*args, **kwargs)

    def load_state_dict(self, *args: Any, **kwargs: Any) -> Any:
        return self._original.load_state_dict(*args, **kwargs)

    def _apply(self, *args: Any, **kwargs: Any) -> Burnished:
        self._original._apply(*args, **kwargs)
        return self

    def extra_repr(self) -> str:
        return f"{type(self._original).__name__}, {self._folder.form} from {self._folder.path}"

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            if "_original" not in self.__dict__:
                raise
            return getattr(self.__dict__["_original"], name)

    def __deepcopy__(self, memo: dict[int, Any]) -> Burnished:
        return Burnished(copy.deepcopy(self._original, memo), self._folder)

    def __copy__(self) -> Burnished:
        return Burnished(self._original, self._folder)

    def __reduce_ex__(self, protocol: Any) -> tuple:
        return _unpickle, (self._original, deployed_folder.pack(self._folder))


def _unpickle(original: torch.nn.Module, files: dict[str, bytes]) -> torch.nn.Module:
    return load(original, deployed_folder.unpack(files))


@dataclass(frozen=True)
class Started:
    """A winner at work on a module. `call` falls back to the original by itself."""

    call: Callable[..., Any]
    attempt: Callable[..., tuple | str]  # (result,), or why it does not hold for this call
    refresh: Callable[[], None]


def _warn(name: str) -> Callable[[str], None]:
    def missed(reason: str) -> None:
        warnings.warn(f"burnish: the original {name} runs for calls like this one: {reason}", stacklevel=3)

    return missed


def _start_plan(original: torch.nn.Module, folder: Folder) -> Started:
    from burnish import native

    runtime = native.runtime()
    try:
        program = runtime.load(str(folder.path), folder.kernels)
        homes = [_home(original, path) for _, path in program.params]
        _check_params(homes, program.params, folder)
        bound = program.bind([owner[key] for owner, key in homes])
    except runtime.Error as error:
        raise BurnishError(error.reason or "plan", error.what, error.where, error.todo) from None
    # Nothing here refers to the Burnished module: the caller is opaque to Python's garbage collector.
    caller = runtime.Caller(
        {
            "bound": bound,
            "parameters": parameters_of(original.forward, program.inputs),
            "result": result_of(program.result, program.result_type),
            "original": original,
            "missed": _warn(type(original).__name__),
            "rebind": _rebinder(bound, homes),
            "watched": _watched(original, folder),
            "counted": _hooks(original),
            "params": [(owner, key, owner[key]) for owner, key in homes],
        }
    )
    return Started(caller, caller.attempt, bound.refresh)


def _home(module: torch.nn.Module, path: str) -> tuple[dict[str, Any], str]:
    """The dict that holds a parameter or buffer, and its key there."""
    prefix, _, key = path.rpartition(".")
    try:
        owner = module.get_submodule(prefix)
    except AttributeError:
        owner = None
    for home in (owner._parameters, owner._buffers) if owner is not None else ():
        if home.get(key) is not None:
            return home, key
    raise BurnishError(
        "parameters",
        f"the module has no parameter or buffer {path!r}",
        type(module).__name__,
        "load the folder with the module that it was made from",
    )


def _check_params(homes: list[tuple[dict[str, Any], str]], params: list[tuple[str, str]], folder: Folder) -> None:
    """Where the manifest says what the parameters were, they are that."""
    known = folder.manifest.get("params") or {}
    for (owner, key), (_, path) in zip(homes, params, strict=True):
        wanted, tensor = known.get(path), owner[key]
        found = {"dtype": str(tensor.dtype).removeprefix("torch."), "shape": list(tensor.shape)}
        if wanted and {k: wanted.get(k) for k in found} != found:
            raise BurnishError(
                "parameters",
                f"the parameter {path!r} is {found['dtype']} {found['shape']}, the plan was made for "
                f"{wanted.get('dtype')} {wanted.get('shape')}",
                str(folder.path),
                "load the folder with the module that it was made from",
            )


def _rebinder(bound: Any, homes: list[tuple[dict[str, Any], str]]) -> Callable[[], tuple[list[Any], str]]:
    """Takes over parameters that were replaced: gives them, and why the plan does not hold for them, or ""."""

    def rebind() -> tuple[list[Any], str]:
        tensors = [owner.get(key) for owner, key in homes]
        if any(type(tensor) not in (torch.Tensor, torch.nn.Parameter) for tensor in tensors):
            return tensors, "a parameter was taken away or replaced by another kind of tensor"
        try:
            bound.set_params(tensors)
        except RuntimeError as error:
            return tensors, str(error)
        return tensors, ""

    return rebind


def _in_training_mode(folder: Folder) -> bool:
    """Whether the winner was judged with the module as it is constructed (`--mode train`), not in evaluation mode."""
    return (folder.manifest.get("judging") or {}).get("mode") == "train"


def _watched(original: torch.nn.Module, folder: Folder) -> list[tuple[dict[str, Any], str, Any]]:
    """What must be so at a call: the mode of every module, and the same submodules."""
    train = _in_training_mode(folder)
    modes = [(m.__dict__, "training", m.training and train) for m in original.modules()]
    return modes + [(m._modules, key, child) for m in original.modules() for key, child in m._modules.items()]


def _hooks(original: torch.nn.Module) -> list[tuple[dict, int]]:
    kinds = ("_forward_hooks", "_forward_pre_hooks")
    return [(m.__dict__[kind], len(m.__dict__[kind])) for m in original.modules() for kind in kinds]


def _start_callable(
    original: torch.nn.Module, folder: Folder, run: Callable[..., Any], refresh: Callable[[], None]
) -> Started:
    """For recipes and ModelNew, which know no guards: gradients and training mode belong to the original."""
    training = original.training and _in_training_mode(folder)
    missed = _warn(type(original).__name__)
    warned = False

    def attempt(*args: Any, **kwargs: Any) -> tuple | str:
        if original.training != training:
            return "the module is in training mode"
        if torch.is_grad_enabled():
            leaves = [*args, *kwargs.values(), *original.parameters()]
            if any(isinstance(leaf, torch.Tensor) and leaf.requires_grad for leaf in leaves):
                return "grad mode is on and an input or parameter requires grad (call it under torch.no_grad())"
        with torch.no_grad():
            return (run(*args, **kwargs),)

    def call(*args: Any, **kwargs: Any) -> Any:
        nonlocal warned
        result = attempt(*args, **kwargs)
        if isinstance(result, tuple):
            return result[0]
        if not warned:
            warned = True
            missed(result)
        return original(*args, **kwargs)

    return Started(call, attempt, refresh)


def _start_recipe(original: torch.nn.Module, folder: Folder) -> Started:
    from burnish import recipe

    run = recipe.apply(json.loads((folder.path / "recipe.json").read_text()), original)
    return _start_callable(original, folder, run, getattr(run, "refresh", lambda: None))


def _start_model_new(original: torch.nn.Module, folder: Folder) -> Started:
    """The file's ModelNew, with the original's own parameters and buffers in the places of its own."""
    spec = importlib.util.spec_from_file_location(f"burnish_model_new_{folder.identity}", folder.path / "model_new.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    arguments = folder.manifest.get("init_inputs")
    if arguments is None:
        arguments = module.get_init_inputs() if hasattr(module, "get_init_inputs") else []
    new = module.ModelNew(*arguments)
    for path, tensor in [*new.named_parameters(), *new.named_buffers()]:
        owner, key = _home(original, path)
        if owner[key].shape != tensor.shape:
            raise BurnishError(
                "parameters", f"ModelNew's {path!r} has another shape than the module's", str(folder.path), ""
            )
        home, name = _home(new, path)
        home[name] = owner[key]
    new.train(original.training)
    return _start_callable(original, folder, new, lambda: None)


_starters: dict[str, Callable[[torch.nn.Module, Folder], Started]] = {
    "plan": _start_plan,
    "recipe": _start_recipe,
    "model_new": _start_model_new,
}
