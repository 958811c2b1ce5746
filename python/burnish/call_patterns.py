"""Forward's signature, the plan's input paths and its result as the patterns that the extension's Caller takes."""

from __future__ import annotations

import ast
import inspect
import json
import re
from collections.abc import Callable, Sequence
from typing import Any

from torch.utils import _pytree as pytree

from burnish.errors import BurnishError

_PART = re.compile(r"\[(?:(-?\d+)|('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"))\]")
_KINDS = {
    inspect.Parameter.POSITIONAL_ONLY: "positional",
    inspect.Parameter.POSITIONAL_OR_KEYWORD: "positional",
    inspect.Parameter.KEYWORD_ONLY: "keyword",
    inspect.Parameter.VAR_POSITIONAL: "rest",
    inspect.Parameter.VAR_KEYWORD: "names",
}


def parse_path(path: str) -> tuple[str, list[int | str]]:
    """ "batch['mask'][0]" -> ("batch", ["mask", 0])."""
    name = re.match(r"[^\[]*", path).group()  # type: ignore[union-attr]
    parts: list[int | str] = []
    at = len(name)
    while at < len(path):
        found = _PART.match(path, at)
        if not found:
            raise BurnishError("plan", f"{path!r} is no path of an input", "inputs", "write x, xs[0] or batch['mask']")
        parts.append(int(found[1]) if found[1] is not None else ast.literal_eval(found[2]))
        at = found.end()
    return name, parts


def parameters_of(forward: Callable, inputs: Sequence[tuple[str, str]]) -> list[tuple]:
    """One (name, kind, default, has_default, pattern) for each parameter of forward."""
    signature = inspect.signature(forward)
    leaves: dict[str, list[tuple[list[int | str], int]]] = {}
    for number, (_, path) in enumerate(inputs):
        name, parts = parse_path(path)
        if name not in signature.parameters:
            raise BurnishError(
                "inputs",
                f"the plan's input {path!r} is no argument of this module's forward",
                f"forward{signature}",
                "load the folder with the module that it was made from",
            )
        leaves.setdefault(name, []).append((parts, number))
    rows = []
    for name, parameter in signature.parameters.items():
        has_default = parameter.default is not inspect.Parameter.empty
        default = parameter.default if has_default else None
        rows.append((name, _KINDS[parameter.kind], default, has_default, _pattern(leaves.get(name, []), name)))
    return rows


def _pattern(leaves: list[tuple[list[int | str], int]], where: str) -> Any:
    if not leaves:
        return None
    if len(leaves) == 1 and not leaves[0][0]:
        return leaves[0][1]
    parts: dict[int | str, list[tuple[list[int | str], int]]] = {}
    for path, number in leaves:
        if not path:
            raise BurnishError(
                "plan", f"the input {where!r} is both a tensor and a container", "inputs", "export it again"
            )
        parts.setdefault(path[0], []).append((path[1:], number))
    children = {key: _pattern(below, f"{where}[{key!r}]") for key, below in parts.items()}
    # Whole numbers from 0 are a list's; a dict with such keys has the same paths, and its calls run the original.
    if sorted(map(str, parts)) == sorted(map(str, range(len(parts)))) and all(isinstance(key, int) for key in parts):
        return ("seq", [children[i] for i in range(len(parts))])
    return ("map", list(children.items()))


def result_of(result: str, result_type: str) -> tuple:
    """How the leaves of a plan's result become forward's result; see src/runtime/python_pattern.h."""
    if result_type:
        spec = pytree.treespec_loads(result_type)
        if spec.is_leaf():
            return ("leaf",)
        if all(child.is_leaf() for child in spec.children()):
            if spec.type in (tuple, list):
                return (spec.type.__name__,)
            if spec.type is dict:
                return ("dict", list(spec.context))
        return ("tree", lambda leaves: pytree.tree_unflatten(leaves, spec))
    tree = json.loads(result)
    if not isinstance(tree, list | dict):
        return ("leaf",)
    if isinstance(tree, list) and not any(isinstance(item, list | dict) for item in tree):
        return ("tuple",)
    return ("tree", lambda leaves: _rebuilt(tree, iter(leaves)))


def _rebuilt(tree: Any, leaves: Any) -> Any:
    """Without a result_type lists are tuples, as forward's `return a, b` gives. Depth first, as the runtime counts."""
    if isinstance(tree, list):
        return tuple(_rebuilt(item, leaves) for item in tree)
    if isinstance(tree, dict) and not (len(tree) == 1 and next(iter(tree)) in ("str", "float") and _is_text(tree)):
        return {key: _rebuilt(item, leaves) for key, item in tree.items()}
    return next(leaves)


def _is_text(tree: dict[str, Any]) -> bool:
    return isinstance(next(iter(tree.values())), str)
