"""Runs a module in float64 whatever dtypes it names: every floating operand and every dtype argument is widened on
its way
to ATen, so a cast to float32 or half inside forward does not spoil the reference."""

from __future__ import annotations

import torch
from torch.utils import _pytree as pytree
from torch.utils._python_dispatch import TorchDispatchMode

_WIDER = {
    torch.float16: torch.float64,
    torch.bfloat16: torch.float64,
    torch.float32: torch.float64,
    torch.complex32: torch.complex128,
    torch.complex64: torch.complex128,
}


class CannotWiden(Exception):
    """float64 has no answer for this module: the reason in words."""


def widen(value: object) -> object:
    """A tensor or a dtype in its double width; anything else as it is."""
    if isinstance(value, torch.Tensor):
        return value.to(_WIDER[value.dtype]) if value.dtype in _WIDER else value
    if isinstance(value, torch.dtype):
        return _WIDER.get(value, value)
    return value


class _Widen(TorchDispatchMode):
    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        if func is torch.ops.aten.view.dtype and args[1] not in _WIDER and args[0].is_floating_point():
            raise CannotWiden("forward reads the bits of floating-point values")
        args = pytree.tree_map(widen, args)
        kwargs = pytree.tree_map(widen, kwargs or {})
        return func(*args, **kwargs)


def run_wide(module: torch.nn.Module, args: tuple, kwargs: dict) -> object:
    """forward(*args, **kwargs) in float64. The module's own tensors are not touched. Raises CannotWiden."""
    tensors = {name: widen(t.detach()) for name, t in _named_tensors(module)}
    default = torch.get_default_dtype()
    args, kwargs = pytree.tree_map(widen, (args, kwargs))
    torch.set_default_dtype(torch.float64)
    try:
        with torch.no_grad(), _Widen():
            return torch.func.functional_call(module, tensors, args, kwargs, tie_weights=True)
    except CannotWiden:
        raise
    except Exception as e:  # the module is the user's: whatever it raises, there is no reference
        raise CannotWiden(f"{type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}") from e
    finally:
        torch.set_default_dtype(default)


def _named_tensors(module: torch.nn.Module) -> list[tuple[str, torch.Tensor]]:
    """Parameters and buffers once each: tied ones are tied again by functional_call."""
    return [*module.named_parameters(), *module.named_buffers()]
