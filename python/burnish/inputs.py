"""Arguments of forward as a flat list of named leaves: what plans guard, what slots carry, what draws produce."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

import torch

from burnish.errors import BurnishError

Call = tuple[tuple, dict[str, Any]]  # arguments and keyword arguments of one call of forward

# Words of the plan's expression grammar: a tensor of that name could not be told from a function.
_RESERVED = {"numel", "size", "stride", "min", "max", "cdiv", "null", "true", "false"}


class Leaf(NamedTuple):
    """One argument, or one part of a nested argument: its name in the plan, its path, its value."""

    name: str
    path: str
    value: Any


def flatten_inputs(forward: Callable, args: tuple, kwargs: Mapping[str, Any]) -> list[Leaf]:
    """The leaves of a call in the order of forward's parameters, defaults included.

    Lists, tuples and dicts are taken apart: `xs[0]`, `batch['mask']`. Everything else is one leaf: tensors, and values
    that a plan guards as they are. Names are made from paths and are unique.
    """
    try:
        bound = inspect.signature(forward).bind(*args, **kwargs)
    except TypeError as error:
        raise BurnishError(
            "inputs",
            f"the inputs do not fit forward: {error}",
            "forward's signature",
            "let get_inputs return what forward takes",
        ) from None
    bound.apply_defaults()
    leaves: list[Leaf] = []
    names = Names()
    for parameter, value in bound.arguments.items():
        kind = bound.signature.parameters[parameter].kind
        if kind is inspect.Parameter.VAR_KEYWORD or kind is inspect.Parameter.VAR_POSITIONAL:
            pairs = list(_walk(value, parameter)) if value else []
        else:
            pairs = list(_walk(value, parameter))
        leaves += [Leaf(names.new(path), path, leaf) for path, leaf in pairs]
    return leaves


def _walk(value: Any, path: str) -> Iterator[tuple[str, Any]]:
    if isinstance(value, Mapping) and all(isinstance(key, str | int) for key in value):
        for key, item in value.items():
            yield from _walk(item, f"{path}[{key!r}]")
    elif isinstance(value, list | tuple):
        for i, item in enumerate(value):
            yield from _walk(item, f"{path}[{i}]")
    else:
        yield path, value


class Names:
    """Hands out names that a plan can carry: letters, digits and underscores, each once."""

    def __init__(self) -> None:
        self._taken: set[str] = set(_RESERVED)

    def new(self, wish: str) -> str:
        base = re.sub(r"[^A-Za-z0-9_]+", "_", wish).strip("_") or "t"
        if base[0].isdigit():
            base = "_" + base
        name, n = base, 1
        while name in self._taken:
            name, n = f"{base}_{n}", n + 1
        self._taken.add(name)
        return name


def tensors_of(tree: Any) -> list[torch.Tensor]:
    """All tensors of a tree of lists, tuples, dicts and registered classes, in order."""
    leaves = torch.utils._pytree.tree_leaves(tree)
    return [leaf for leaf in leaves if isinstance(leaf, torch.Tensor)]
