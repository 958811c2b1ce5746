"""A callable as a CUDA graph: captured once for each kind of call, replayed with the caller's own inputs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils import _pytree as pytree

WARM_CALLS = 3  # before a capture: libraries choose algorithms and make workspaces
MOST_KINDS = 8  # of calls that are captured: each keeps its own memory


@dataclass
class Captured:
    """One graph and the memory that it reads and writes."""

    graph: Any
    inputs: list[torch.Tensor | None]  # one a leaf; None: no tensor
    outputs: list[Any]
    given: list[int | None]  # an output that is an input itself: the number of its leaf
    spec: Any


class Graphed:
    """`run` under no_grad. Results are the caller's: copies, since the next replay writes to the same memory.

    `state()` says what a graph holds by heart (addresses of parameters, values that were prepared): where it differs
    from what it was at the capture, `run` itself is called, until two calls in a row have seen the same.
    """

    def __init__(self, run: Callable[..., Any], state: Callable[[], Any]) -> None:
        self._run, self._state = run, state
        self._graphs: dict[Any, Captured | None] = {}  # None: cannot be captured
        self._captured = self._seen = state()

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        leaves, spec = pytree.tree_flatten((args, kwargs))
        if not _on_one_gpu(leaves) or torch.cuda.is_current_stream_capturing() or torch.is_grad_enabled():
            return self._run(*args, **kwargs)
        if not self._valid():
            return self._run(*args, **kwargs)
        kind = (spec, tuple(_kind(leaf) for leaf in leaves))
        if kind not in self._graphs:
            if len(self._graphs) >= MOST_KINDS:
                return self._run(*args, **kwargs)
            with torch.cuda.device(next(leaf.device for leaf in leaves if isinstance(leaf, torch.Tensor))):
                self._graphs[kind] = self._capture(leaves, spec)
        captured = self._graphs[kind]
        return self._run(*args, **kwargs) if captured is None else _replay(captured, leaves)

    def refresh(self) -> None:
        """Captures again from how things are now."""
        if hasattr(self._run, "refresh"):
            self._run.refresh()
        self._graphs.clear()
        self._captured = self._seen = self._state()

    def _valid(self) -> bool:
        now = self._state()
        if now == self._captured:
            return True
        if now == self._seen:
            self._graphs.clear()
            self._captured = now
            return True
        self._seen = now
        return False

    def _capture(self, leaves: list[Any], spec: Any) -> Captured | None:
        """None where the call does something that no graph can hold, such as reading a value back."""
        inputs = [leaf.clone() if isinstance(leaf, torch.Tensor) else None for leaf in leaves]
        args, kwargs = pytree.tree_unflatten(
            [leaf if mine is None else mine for leaf, mine in zip(leaves, inputs, strict=True)], spec
        )
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(WARM_CALLS):
                self._run(*args, **kwargs)
        torch.cuda.current_stream().wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        try:
            with torch.cuda.graph(graph):
                result = self._run(*args, **kwargs)
        except RuntimeError:
            torch.cuda.synchronize()
            return None
        outputs, result_spec = pytree.tree_flatten(result)
        if any(isinstance(o, torch.Tensor) and o.device.type != "cuda" for o in outputs):
            return None  # its values were computed at the capture, once and for all
        mine = {id(t): i for i, t in enumerate(inputs) if t is not None}
        return Captured(graph, inputs, outputs, [mine.get(id(o)) for o in outputs], result_spec)


def _on_one_gpu(leaves: list[Any]) -> bool:
    devices = {leaf.device for leaf in leaves if isinstance(leaf, torch.Tensor)}
    return len(devices) == 1 and next(iter(devices)).type == "cuda"


def _kind(leaf: Any) -> Any:
    if not isinstance(leaf, torch.Tensor):
        return (type(leaf).__name__, repr(leaf))
    return (leaf.dtype, leaf.shape, leaf.stride(), leaf.device)


def _replay(captured: Captured, leaves: list[Any]) -> Any:
    for mine, leaf in zip(captured.inputs, leaves, strict=True):
        if mine is not None:
            mine.copy_(leaf)
    captured.graph.replay()
    results = [
        leaves[at] if at is not None else output.clone() if isinstance(output, torch.Tensor) else output
        for output, at in zip(captured.outputs, captured.given, strict=True)
    ]
    return pytree.tree_unflatten(results, captured.spec)
