"""Recipes: declarative PyTorch settings for the user's own module. docs/recipes.md is the reference.

Applying a recipe never changes what the process has set (threads, precision, backends) and never touches the module:
its parameters stay where and how they are, and later changes to them are seen.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch.utils import _pytree as pytree

from burnish.errors import BurnishError, first_line
from burnish.graphed import Graphed

_MODES = ("default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs")
_FORMATS = {"channels_last": torch.channels_last, "channels_last_3d": torch.channels_last_3d}
_DIMS = {torch.channels_last: 4, torch.channels_last_3d: 5}
_KEYS = ("burnish_recipe", "compile", "memory_format", "freeze", "cudnn_benchmark", "cuda_graph")
_SWITCHES = ("freeze", "cudnn_benchmark", "cuda_graph")


def check(recipe: Any, where: str = "the recipe") -> dict[str, Any]:
    """The recipe, if it is one; else BurnishError with reason `plan` that says what is wrong with it."""

    def wrong(what: str, todo: str) -> BurnishError:
        return BurnishError("plan", what, where, todo)

    if not isinstance(recipe, Mapping):
        raise wrong(f"a recipe is a JSON object, here is {type(recipe).__name__}", 'write {"burnish_recipe": 1, ...}')
    if recipe.get("burnish_recipe") != 1 or isinstance(recipe.get("burnish_recipe"), bool):
        raise wrong("this is no recipe of version 1", 'write "burnish_recipe": 1')
    for key in recipe:
        if key not in _KEYS:
            raise wrong(f"{key!r} is no key of a recipe", f"the keys are {', '.join(_KEYS)}")
    options = recipe.get("compile")
    if options is not None:
        if not isinstance(options, Mapping):
            raise wrong("'compile' is an object", 'write "compile": {"mode": "default"}')
        for key, value in options.items():
            if key == "mode" and value not in _MODES:
                raise wrong(f"{value!r} is no mode of torch.compile", f"the modes are {', '.join(_MODES)}")
            if key == "dynamic" and not isinstance(value, bool):
                raise wrong("'dynamic' is true or false", "leave it out for torch.compile's own choice")
            if key not in ("mode", "dynamic"):
                raise wrong(f"{key!r} is no key of 'compile'", "the keys are mode, dynamic")
    if recipe.get("memory_format", "channels_last") not in tuple(_FORMATS):
        raise wrong(f"{recipe['memory_format']!r} is no memory format", f"the formats are {', '.join(_FORMATS)}")
    for key in _SWITCHES:
        if not isinstance(recipe.get(key, False), bool):
            raise wrong(f"{key!r} is true or false", "write true or false")
    if not any(recipe.get(key) for key in _KEYS[1:]) and options is None:
        raise wrong("the recipe changes nothing", f"use one of {', '.join(_KEYS[1:])}")
    return dict(recipe)


def apply(recipe: Mapping[str, Any], module: torch.nn.Module) -> Callable:
    """A callable that runs `module` as the recipe says, for evaluation under no_grad.

    Compilation happens at the first call. `refresh()`, where the result has it, takes over writes
    that PyTorch does not count.
    """
    recipe = check(recipe)
    run = _prepared(recipe, module)
    if recipe.get("cudnn_benchmark"):
        run = _benchmarked(run)
    if recipe.get("cuda_graph"):
        run = Graphed(run, _held(run, module))
    return run


def _prepared(recipe: Mapping[str, Any], module: torch.nn.Module) -> Callable:
    fmt = _FORMATS.get(recipe.get("memory_format", ""))
    freeze, options = bool(recipe.get("freeze")), recipe.get("compile")
    if options is not None and freeze:
        return Frozen(module, lambda own: _converted(_compiled(_laid_out(own, fmt), options, frozen=True), fmt))
    if freeze:
        return Frozen(module, lambda own: _converted(_laid_out(_folded(own), fmt), fmt))
    if fmt is not None:
        return Frozen(module, lambda own: _converted(_compiled(_laid_out(own, fmt), options), fmt))
    return _compiled(module, options)


def reset() -> None:
    """Forgets what torch.compile compiled before in this process: two memory formats would count as dynamic shapes."""
    torch._dynamo.reset()


class Frozen:
    """A prepared copy of a module, which holds as long as the module's parameters stay as they were.

    When one changes, the module itself runs, until as many calls in a row have seen the same values as make a new
    preparation worth while.
    """

    _PATIENCE = 50  # calls

    def __init__(self, module: torch.nn.Module, prepare: Callable[[torch.nn.Module], Callable]) -> None:
        self._module, self._prepare = module, prepare
        self._calm = 0
        self.refresh()

    def refresh(self) -> None:
        """Prepares again from the module's parameters as they are now."""
        self._state = [
            (owners, key)
            for m in self._module.modules()
            for owners in (m._parameters, m._buffers)
            for key, tensor in owners.items()
            if tensor is not None
        ]
        self._seen = self._fingerprint()
        self._run = self._prepare(_copy(self._module))
        self._prepared = self._seen

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        now = self._fingerprint()
        if now == self._prepared:
            return self._run(*args, **kwargs)
        self._calm = self._calm + 1 if now == self._seen else 0
        self._seen = now
        if self._calm >= self._PATIENCE:
            self.refresh()
            return self._run(*args, **kwargs)
        return self._module(*args, **kwargs)

    def holds(self) -> Any:
        """Changes with the parameters and with every new preparation."""
        return self._fingerprint(), id(self._run)

    def _fingerprint(self) -> list[int]:
        tensors = [owners[key] for owners, key in self._state]  # looked up each time: one may be replaced by another
        return [n for t in tensors for n in (t._version, t.data_ptr())]


def _benchmarked(run: Callable) -> Callable:
    """cuDNN measures its algorithms for each convolution that it sees for the first time in this process. Switched on
    around the call alone."""

    def call(*args: Any, **kwargs: Any) -> Any:
        with torch.backends.cudnn.flags(
            enabled=torch.backends.cudnn.enabled,
            benchmark=True,
            deterministic=torch.backends.cudnn.deterministic,
            allow_tf32=torch.backends.cudnn.allow_tf32,
        ):
            return run(*args, **kwargs)

    for name in ("refresh", "holds"):
        if hasattr(run, name):
            setattr(call, name, getattr(run, name))
    return call


def _held(run: Callable, module: torch.nn.Module) -> Callable[[], Any]:
    """What a CUDA graph of `run` depends on beside its inputs: where parameters lie, and for a prepared copy their
    values, too."""
    if hasattr(run, "holds"):
        return run.holds
    places = [
        (owners, key)
        for m in module.modules()
        for owners in (m._parameters, m._buffers)
        for key, tensor in owners.items()
        if tensor is not None
    ]
    return lambda: [owners[key].data_ptr() for owners, key in places]


def _copy(module: torch.nn.Module) -> torch.nn.Module:
    try:
        return copy.deepcopy(module)
    except Exception as error:
        raise BurnishError(
            "unsupported",
            f"the module cannot be copied: {first_line(error)}",
            type(module).__name__,
            "a recipe that freezes or changes layouts works on a copy",
        ) from error


def _laid_out(module: torch.nn.Module, fmt: torch.memory_format | None) -> torch.nn.Module:
    """The module with its parameters and buffers in the format. Those alone that have its number of dimensions:
    Module.to(memory_format=) refuses a module that has both 2-D and 3-D convolutions."""
    if fmt is None:
        return module

    def into(tensor: torch.Tensor) -> torch.Tensor:
        fits = tensor.dim() == _DIMS[fmt] and tensor.is_floating_point()
        return tensor.contiguous(memory_format=fmt) if fits else tensor

    return module._apply(into)


def _converted(run: Callable, fmt: torch.memory_format | None) -> Callable:
    """Inputs into the format, and results back: callers go on to .view() what the original gave them contiguous."""
    if fmt is None:
        return run
    dims = _DIMS[fmt]

    def into(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.contiguous(memory_format=fmt) if tensor.dim() == dims and tensor.is_floating_point() else tensor

    def back(tensor: torch.Tensor) -> torch.Tensor:
        return tensor.contiguous() if tensor.dim() == dims else tensor

    def call(*args: Any, **kwargs: Any) -> Any:
        args, kwargs = pytree.tree_map_only(torch.Tensor, into, (args, kwargs))
        result = run(*args, **kwargs)
        return back(result) if isinstance(result, torch.Tensor) else pytree.tree_map_only(torch.Tensor, back, result)

    return call


def _compiled(module: torch.nn.Module, options: Mapping[str, Any] | None, frozen: bool = False) -> Callable:
    if options is None:
        return module
    mode = options.get("mode", "default")
    if not frozen:
        return torch.compile(module, mode=mode, dynamic=options.get("dynamic"))
    patch = dict(torch._inductor.list_mode_options(mode)) | {"freezing": True}
    return torch.compile(module, options=patch, dynamic=options.get("dynamic"))


def _folded(module: torch.nn.Module) -> torch.nn.Module:
    """Batch norms folded into the convolutions and linear layers before them (torch.fx has to be able to trace it)."""
    from torch.fx.experimental.optimization import fuse, remove_dropout

    try:
        return remove_dropout(fuse(module, inplace=True))
    except Exception as error:
        raise BurnishError(
            "unsupported",
            f"torch.fx cannot trace the module: {first_line(error)}",
            type(module).__name__,
            "leave freeze out, or add compile: its freezing needs no trace",
        ) from error
