"""Turns a module into a plan of ATen steps: plan.json and constants.safetensors (docs/plan.md is the format).

torch.export in non-strict mode, from the real module with its real values, under no_grad. Composite operators stay
whole (linear, layer_norm, scaled_dot_product_attention, lstm, batch_norm ...), so that a plan reads like the module.
"""

from __future__ import annotations

import contextlib
import inspect
import logging
import time
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch.export import Dim, ShapesCollection
from torch.utils import _pytree as pytree

from burnish.errors import BurnishError
from burnish.functional import purify
from burnish.guarded import users_code
from burnish.inputs import Call, flatten_inputs
from burnish.plan_files import write_plan, write_safetensors
from burnish.recurrent import quick_shapes
from burnish.translate import Translation, source_of


@dataclass
class Exported:
    """What an export left in `dir`, and how the plan's inputs and parameters are found in the module."""

    dir: Path
    plan: dict[str, Any]
    inputs: list[tuple[str, str]] = field(default_factory=list)  # name, path: in the order of the plan
    params: list[tuple[str, str]] = field(default_factory=list)  # name, path for get_parameter or get_buffer
    seconds: float = 0.0


def export(
    module: torch.nn.Module,
    args: tuple,
    kwargs: Mapping[str, Any] | None,
    out_dir: str | Path,
    *,
    dynamic: Sequence[Call] | None = None,
) -> Exported:
    """Writes the module's plan for calls like `module(*args, **kwargs)` to `out_dir`.

    `dynamic` is a list of further example calls: sizes in which the examples differ become symbols.
    Raises BurnishError: `unsupported` with the operator or the line that stands in the way, `stateful`, `random`.
    """
    started = time.perf_counter()
    out_dir = Path(out_dir)
    kwargs = dict(kwargs or {})
    where = source_of(module)
    args, kwargs, shapes = _prepare_call(module, args, kwargs, dynamic)
    with (
        users_code("unsupported", "exporting the module", where, "take what torch.export cannot trace out of forward"),
        _as_it_was(module),
        _silence(),
        quick_shapes(),
    ):
        with torch.no_grad():
            program = torch.export.export(module, args, kwargs, dynamic_shapes=shapes, strict=False)
        ranges, guards = _conditions(program)
        program = purify(program)
    leaves = flatten_inputs(module.forward, args, kwargs)
    plan, constants = Translation(module, program, leaves, (args, kwargs)).plan(ranges, guards)
    out_dir.mkdir(parents=True, exist_ok=True)
    write_safetensors(out_dir / "constants.safetensors", constants)
    write_plan(out_dir / "plan.json", plan)
    inputs = [(name, value.get("path", name)) for name, value in plan["inputs"].items()]
    return Exported(out_dir, plan, inputs, list(plan["params"].items()), time.perf_counter() - started)


def _prepare_call(
    module: torch.nn.Module, args: tuple, kwargs: dict[str, Any], dynamic: Sequence[Call] | None
) -> tuple[tuple, dict[str, Any], ShapesCollection | None]:
    """Every tensor an object of its own (torch.export knows inputs by identity), and which of their sizes may vary."""
    calls = [(args, kwargs), *(dynamic or [])]
    if len(calls) > 1:  # trace the largest: sizes of 0 and 1 are special to torch.export
        calls.sort(key=lambda call: sum(t.numel() for t in pytree.tree_leaves(call) if isinstance(t, torch.Tensor)))
        calls.reverse()
    seen: set[int] = set()

    def fresh(tensor: torch.Tensor) -> torch.Tensor:
        if id(tensor) in seen or type(tensor) is not torch.Tensor or tensor.requires_grad:
            tensor = tensor.detach().clone(memory_format=torch.preserve_format)
        seen.add(id(tensor))
        return tensor

    args, kwargs = pytree.tree_map_only(torch.Tensor, fresh, calls[0])
    order = [name for name in inspect.signature(module.forward).parameters if name in kwargs]
    kwargs = {name: kwargs[name] for name in [*order, *(k for k in kwargs if k not in order)]}
    if len(calls) == 1:
        return args, kwargs, None
    shapes = ShapesCollection()
    examples = [flatten_inputs(module.forward, *call) for call in [(args, kwargs), *calls[1:]]]
    if any([leaf.path for leaf in leaves] != [leaf.path for leaf in examples[0]] for leaves in examples):
        raise BurnishError(
            "inputs",
            "the examples differ in their structure",
            "the list of examples",
            "give examples that differ in sizes only",
        )
    for leaves in zip(*examples, strict=False):
        first = leaves[0].value
        if not isinstance(first, torch.Tensor):
            continue
        if any(t.value.dtype != first.dtype or t.value.dim() != first.dim() for t in leaves):
            raise BurnishError(
                "inputs",
                f"the examples differ in the rank or dtype of {leaves[0].path!r}",
                "the list of examples",
                "give examples that differ in sizes only",
            )
        shapes[first] = {
            d: Dim.AUTO if len({t.value.shape[d] for t in leaves}) > 1 else Dim.STATIC for d in range(first.dim())
        }
    return args, kwargs, shapes


def _conditions(program: torch.export.ExportedProgram) -> tuple[dict, list]:
    """What torch.export assumed about symbols: their ranges, and comparisons."""
    for node in program.graph.nodes:
        value = node.meta.get("val")
        if node.op == "placeholder" and isinstance(value, torch.Tensor):
            environment = value.fake_mode.shape_env
            if environment is not None:
                return dict(program.range_constraints), [
                    environment.replace(guard.expr) for guard in environment.guards
                ]
    return {}, []


@contextlib.contextmanager
def _as_it_was(module: torch.nn.Module) -> Iterator[None]:
    """Puts attributes back that tracing left behind (an LSTM's flat weights become fake tensors, say)."""
    before = {m: dict(m.__dict__) for m in module.modules()}
    lists = {(m, k): list(v) for m, attributes in before.items() for k, v in attributes.items() if isinstance(v, list)}
    try:
        yield
    finally:
        for m, attributes in before.items():
            for key in set(m.__dict__) - set(attributes):
                del m.__dict__[key]
            m.__dict__.update(attributes)
        for (m, key), items in lists.items():
            m.__dict__[key][:] = items


@contextlib.contextmanager
def _silence() -> Iterator[None]:
    """torch.export warns and logs about what Burnish handles or says in its own words."""
    loggers = [
        logging.getLogger(name) for name in ("torch.export", "torch.fx", "torch._export", "torch._functorch", "torch")
    ]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in zip(loggers, levels, strict=False):
            logger.setLevel(level)
