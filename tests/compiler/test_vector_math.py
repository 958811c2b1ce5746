"""Errors of the kernels' own exp, log, tanh ... against double precision."""

from __future__ import annotations

import ctypes
from pathlib import Path

import harness
import pytest
import torch
import torch.nn.functional as F

# Largest error in units of the last place of the result, or of 2^-24 where the result is smaller than 1e-30 or cancels.
BOUNDS = {
    "exp": 1.5, "expm1": 4, "log": 1.5, "log1p": 2, "tanh": 2, "erf": 1.5, "sin": 2, "cos": 2, "sigmoid": 3, "rsqrt": 2,
    "silu": 4, "log2": 3, "log10": 3,
}  # fmt: skip
BY_RMS = {
    "gelu": F.gelu,
    "gelu_tanh": lambda x: F.gelu(x, approximate="tanh"),
    "mish": F.mish,
    "logsigmoid": F.logsigmoid,
}


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("vector_math")
    runtime = harness.ROOT / "src" / "compiler" / "runtime"
    text = "".join((runtime / name).read_text() for name in ("primitives.h", "vector_math.h"))
    for name in [*BOUNDS, *BY_RMS]:
        text += (
            f'extern "C" void t_{name}(const float* x, float* y, int64_t n) {{\n#pragma omp simd\n'
            f"for (int64_t i = 0; i < n; ++i) y[i] = b_{name}(x[i]); }}\n"
        )
    source = Path(folder) / "math.cpp"
    source.write_text(text)
    return harness.build(source)


def apply(library: ctypes.CDLL, name: str, x: torch.Tensor) -> torch.Tensor:
    y = torch.empty_like(x)
    library[f"t_{name}"](ctypes.c_void_p(x.data_ptr()), ctypes.c_void_p(y.data_ptr()), ctypes.c_int64(x.numel()))
    return y


def arguments() -> torch.Tensor:
    g = torch.Generator().manual_seed(3)
    scales = [1.0, 10.0, 80.0, 1e-3, 1e-6]
    return torch.cat([torch.randn(40000, generator=g) * s for s in scales])


@pytest.mark.parametrize("name", BOUNDS)
def test_error_in_units_of_the_last_place(library: ctypes.CDLL, name: str) -> None:
    x = arguments()
    exact = F.silu(x.double()) if name == "silu" else getattr(torch, name)(x.double())
    seen = torch.isfinite(exact) & (exact.abs() > 1e-30) & (exact.abs() < 3e38)
    rounded = exact.float().abs()
    unit = (torch.nextafter(rounded, torch.tensor(torch.inf)) - rounded).double()
    error = ((apply(library, name, x).double() - exact).abs() / unit)[seen]
    assert error.max() <= BOUNDS[name], f"at {x[seen][error.argmax()]}"


@pytest.mark.parametrize("name", BY_RMS)
def test_error_is_no_larger_than_pytorchs(library: ctypes.CDLL, name: str) -> None:
    x = arguments()
    exact = BY_RMS[name](x.double())
    mine = (apply(library, name, x).double() - exact).pow(2).mean().sqrt()
    theirs = (BY_RMS[name](x).double() - exact).pow(2).mean().sqrt()
    assert mine <= 2 * theirs


@pytest.mark.parametrize("name", ["exp", "log", "tanh", "erf", "sigmoid", "sin", "expm1", "log1p"])
def test_special_values(library: ctypes.CDLL, name: str) -> None:
    x = torch.tensor([0.0, -0.0, torch.inf, -torch.inf, torch.nan, -1.0, 1e-42, 200.0, -200.0] * 8)
    torch.testing.assert_close(apply(library, name, x), getattr(torch, name)(x), equal_nan=True, rtol=1e-5, atol=1e-37)
