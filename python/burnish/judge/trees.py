"""Arguments and results as flat lists of leaves beside a structure."""

from __future__ import annotations

import inspect
from itertools import pairwise

import torch
from torch.utils import _pytree as pytree


def flatten_call(args: tuple, kwargs: dict) -> tuple[list, object]:
    """The leaves of a call in order, and the spec that puts them back."""
    return pytree.tree_flatten((tuple(args), dict(kwargs)))


def unflatten_call(leaves: list, spec: object) -> tuple[tuple, dict]:
    return pytree.tree_unflatten(leaves, spec)


def names_of(args: tuple, kwargs: dict, parameters: list[str]) -> list[str]:
    """A name for each leaf, by forward's parameter names: x, xs[0], batch['mask']."""
    named = {(parameters[i] if i < len(parameters) else f"args[{i}]"): a for i, a in enumerate(args)} | kwargs
    names = []
    for name, value in named.items():
        for path, _ in pytree.tree_flatten_with_path(value)[0]:
            names.append(name + pytree.keystr(path))
    return names


def forward_names(module: torch.nn.Module) -> list[str]:
    """Names of forward's positional parameters."""
    kinds = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in inspect.signature(module.forward).parameters.values() if p.kind in kinds]


def flatten_result(result: object) -> tuple[list[torch.Tensor], object]:
    """Tensors in order, and the result's structure as JSON with {"tensor": i} in their places. Classes that JSON cannot
    say (a dataclass, a named tuple) become the list of their leaves under their name."""
    tensors: list[torch.Tensor] = []
    structure = _structure_of(result, tensors)
    return tensors, structure


def _structure_of(node: object, tensors: list[torch.Tensor]) -> object:
    """Appends node's tensors. No inner function: one that calls itself is a cycle, in which they would all live on."""
    if isinstance(node, torch.Tensor):
        tensors.append(node)
        return {"tensor": len(tensors) - 1}
    if node is None or isinstance(node, bool | int | float | str):
        return node
    if type(node) in (list, tuple):
        return [_structure_of(n, tensors) for n in node]
    if isinstance(node, dict):
        return {str(k): _structure_of(v, tensors) for k, v in node.items()}
    leaves, _ = pytree.tree_flatten(node)
    if len(leaves) == 1 and leaves[0] is node:
        return {"value": repr(node)[:200]}
    return {"class": type(node).__name__, "leaves": [_structure_of(n, tensors) for n in leaves]}


def align(expected: object, got: object, tensors: list[torch.Tensor]) -> list[torch.Tensor] | None:
    """The tensors of a result in the order of the expected structure: a dict may have its keys in another order. None
    where the structures differ. Nothing in `got` is trusted."""
    order: list[int] = []
    if not _aligned(expected, got, len(tensors), order) or len(set(order)) != len(order) or len(order) != len(tensors):
        return None
    return [tensors[i] for i in order]


def _aligned(expected: object, got: object, tensors: int, order: list[int]) -> bool:
    """Appends the numbers of got's tensors, of which there are `tensors`."""
    if isinstance(expected, dict):
        if not isinstance(got, dict) or set(expected) != set(got):
            return False
        if set(expected) == {"tensor"} and isinstance(expected["tensor"], int):
            number = got["tensor"]
            order.append(number)
            return isinstance(number, int) and not isinstance(number, bool) and 0 <= number < tensors
        return all(_aligned(expected[k], got[k], tensors, order) for k in expected)
    if isinstance(expected, list):
        if not isinstance(got, list) or len(expected) != len(got):
            return False
        return all(_aligned(e, g, tensors, order) for e, g in zip(expected, got, strict=True))
    return type(expected) is type(got) and (expected == got or (expected != expected and got != got))


def sharing(tensors: list[torch.Tensor], addresses: list[int]) -> list[tuple[int, int]]:
    """Pairs of outputs that share memory: dense tensors whose bytes overlap. Interleaved views of one buffer, which
    forward may well return, are not dense and do not count."""
    spans = []
    for i, (t, address) in enumerate(zip(tensors, addresses, strict=False)):
        if t.numel() and t.layout is torch.strided:
            reach = 1 + sum((n - 1) * s for n, s in zip(t.shape, t.stride(), strict=True))
            if reach == t.numel():
                spans.append((address, address + reach * t.element_size(), i))
    spans.sort()
    return [(min(a[2], b[2]), max(a[2], b[2])) for a, b in pairwise(spans) if b[0] < a[1]]
