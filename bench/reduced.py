"""Smaller copies of problems: the same module and operators with smaller numbers, for targets that are slow.

The whole numbers of a problem's file that stand at the top level or in get_inputs and get_init_inputs are halved, the
largest first, while that makes the module cheaper and it still runs. Costs are counted on tensors without memory
(FakeTensorMode), so an original that this machine could not run is no hindrance; on real ones where a module reads
values.
"""

from __future__ import annotations

import ast
import contextlib
import io
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch._subclasses import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import FlopCounterMode

SMALLEST = 4  # numbers below are counts of axes, strides and windows rather than sizes
MOST_TRIALS = 120


@dataclass(frozen=True)
class Cost:
    elements: int  # of the largest tensor of a call
    operations: int  # multiplications and additions of products and convolutions, and elements made

    def fits(self, limit: Cost) -> bool:
        return self.elements <= limit.elements and self.operations <= limit.operations


@dataclass(frozen=True)
class Reduced:
    source: str
    cost: Cost
    was: Cost
    changed: int  # numbers


class _Elements(TorchDispatchMode):
    def __init__(self) -> None:
        super().__init__()
        self.largest = self.made = 0

    def __torch_dispatch__(self, function: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = function(*args, **(kwargs or {}))
        sizes = [leaf.numel() for leaf in tree_leaves((args, out)) if isinstance(leaf, torch.Tensor)]
        made = [leaf.numel() for leaf in tree_leaves(out) if isinstance(leaf, torch.Tensor)]
        self.largest, self.made = max(self.largest, *sizes, 0), self.made + sum(made)
        return out


def cost_of(source: str, fake: bool = True) -> Cost:
    """Of one call of the problem's module; raises what its code raises."""
    names: dict[str, Any] = {"__name__": "problem"}
    exec(compile(source, "problem.py", "exec"), names)
    flops = FlopCounterMode(display=False)
    logging.getLogger("torch._subclasses.fake_tensor").setLevel(logging.CRITICAL)  # sizes that do not suit are expected
    place = FakeTensorMode() if fake else contextlib.nullcontext()
    with place, torch.no_grad(), contextlib.redirect_stdout(io.StringIO()):
        module = names["Model"](*names.get("get_init_inputs", list)()).eval()
        inputs = names["get_inputs"]()
        with flops, _Elements() as elements:
            module(*inputs)
    return Cost(elements.largest, flops.get_total_flops() + elements.made)


def _numbers(tree: ast.Module) -> Iterator[ast.Constant]:
    for statement in tree.body:
        inside = isinstance(statement, ast.FunctionDef) and statement.name in ("get_inputs", "get_init_inputs")
        if inside or isinstance(statement, ast.Assign | ast.AnnAssign):
            yield from (n for n in ast.walk(statement) if isinstance(n, ast.Constant) and type(n.value) is int)


def _with(source: str, where: ast.Constant, value: int) -> str:
    lines = source.split("\n")
    line = lines[where.lineno - 1].encode()
    assert where.end_col_offset is not None
    lines[where.lineno - 1] = (line[: where.col_offset] + str(value).encode() + line[where.end_col_offset :]).decode()
    return "\n".join(lines)


def reduce(source: str, limit: Cost) -> Reduced:
    """The copy that first fits in `limit`, or the smallest that halving led to. Raises what the original raises."""
    fake = True
    try:
        was = cost_of(source)
    except Exception:
        fake, was = False, cost_of(source, fake=False)
    cost = was
    kept: set[int] = set()  # numbers that have to stay, by their place among all
    changed: set[int] = set()
    for _ in range(MOST_TRIALS):
        numbers = enumerate(_numbers(ast.parse(source)))
        free = [(node.value, place, node) for place, node in numbers if node.value >= SMALLEST and place not in kept]
        if cost.fits(limit) or not free:
            break
        value, place, node = max(free, key=lambda f: f[:2])
        trial = _with(source, node, value // 2)
        try:
            found = cost_of(trial, fake)
        except Exception:  # whatever the module says to a size that does not suit it
            found = None
        if found is None or found == cost or not found.fits(cost):
            kept.add(place)
        else:
            source, cost = trial, found
            changed.add(place)
    return Reduced(source, cost, was, len(changed))
