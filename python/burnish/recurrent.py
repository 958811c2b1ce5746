"""Shapes of recurrent layers at once, while a module is traced.

torch.export would run an LSTM of fake tensors step by step, through Python: seconds for a long sequence, although the
operator stays whole in the graph and only the shapes of its results are wanted.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch._C import DispatchKey
from torch._subclasses.fake_tensor import FakeTensor

_NAMES = ("lstm", "gru", "rnn_tanh", "rnn_relu")
_KEYS = (DispatchKey.Autograd, DispatchKey.CompositeImplicitAutograd, DispatchKey.Meta)


@contextlib.contextmanager
def quick_shapes() -> Iterator[None]:
    """Within, recurrent operators on fake tensors give empty results of the right shape, dtype and layout."""
    replaced: list[tuple[Any, dict]] = []
    try:
        for name in _NAMES:
            operator = getattr(torch.ops.aten, name).input
            before = dict(operator.py_kernels)
            replaced.append((operator, before))
            for key in _KEYS:
                if key in before:
                    operator.py_kernels[key] = _shapes_of(name, before[key])
            operator._dispatch_cache.clear()
        yield
    finally:
        for operator, before in replaced:
            operator.py_kernels.clear()
            operator.py_kernels.update(before)
            operator._dispatch_cache.clear()


def _shapes_of(name: str, original: Any) -> Any:
    def shapes(
        input: torch.Tensor,
        hx: torch.Tensor | Sequence[torch.Tensor],
        params: Sequence[torch.Tensor],
        has_biases: bool,
        num_layers: int,
        dropout: float,
        train: bool,
        bidirectional: bool,
        batch_first: bool,
    ) -> Any:
        if not isinstance(input, FakeTensor):
            return original(input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first)
        states = list(hx) if name == "lstm" else [hx]
        rows, columns = (1, 0) if batch_first else (0, 1)
        width = states[0].shape[-1] * (2 if bidirectional else 1)
        output = input.new_empty(input.shape[rows], input.shape[columns], width)
        if batch_first:
            output = output.transpose(0, 1)
        return (output, *(input.new_empty(state.shape) for state in states))

    return shapes
