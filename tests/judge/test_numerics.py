"""The native measuring of differences against the same in PyTorch's own operations."""

from __future__ import annotations

import pytest
import torch
from burnish.judge.numerics import Measure, _measure, measure, measure_finite, wide

SHAPES = [
    (),
    (0,),
    (7,),
    (5000,),
    (3, 200),
    (200, 3),
    (70000, 4),
    (16, 64, 33),
    (4, 3, 9, 80),
    (2, 70, 5, 6, 7),
    (1, 1),
]

DTYPES = [
    (torch.float32, torch.float32),
    (torch.float32, torch.float64),
    (torch.bfloat16, torch.float64),
    (torch.complex64, torch.complex64),
]


def same(a: Measure, b: Measure) -> bool:
    def close(x, y):
        return torch.allclose(torch.as_tensor(x), torch.as_tensor(y), rtol=1e-9, atol=0.0, equal_nan=True)

    return (
        (a.count, a.worst) == (b.count, b.worst)
        and close(a.rms, b.rms)
        and close(a.effective, b.effective)
        and len(a.groups) == len(b.groups)
        and all(close(p, q) and close(s, t) for (p, s), (q, t) in zip(a.groups, b.groups, strict=True))
    )


@pytest.mark.parametrize("shape", SHAPES, ids=str)
@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("dtypes", DTYPES, ids=str)
def test_equals_pytorch(shape, masked, dtypes):
    a = torch.randn(shape, dtype=dtypes[0])
    b = a.to(dtypes[1]) + 1e-5 * torch.randn(shape, dtype=dtypes[1])
    valid = torch.rand(wide(a).shape) > 0.3 if masked else None
    native = measure_finite(a, valid, target=b)
    assert native is not None and same(native, _measure(wide(a) - wide(b), valid, True))
    alone = measure_finite(b, valid)
    assert alone is not None and same(alone, _measure(wide(b), valid, True))


def test_strides_are_followed():
    a, b = torch.randn(40, 96).t(), torch.randn(96, 40)
    assert same(measure_finite(a, target=b), _measure(wide(a) - wide(b), None, True))


@pytest.mark.parametrize("value", [float("nan"), float("inf"), -float("inf")])
def test_what_is_not_finite_is_not_measured(value):
    a, b = torch.randn(100, 100), torch.randn(100, 100)
    a[77, 3] = value
    assert measure_finite(a, target=b) is None and measure_finite(b, target=a) is None
    valid = torch.isfinite(a)
    assert same(measure_finite(a, valid, target=b), _measure(wide(a) - wide(b), valid, True))


@pytest.mark.parametrize("scale", [1e-80, 1e100])
def test_values_whose_powers_are_no_numbers_are_measured_all_the_same(scale):
    a = torch.randn(70, 70, dtype=torch.float64) * scale
    assert measure_finite(a) is None and same(measure(a), _measure(a, None, True)) and measure(a).rms > 0


def test_a_tensor_that_does_not_fit_is_refused():
    from burnish.native import runtime

    with pytest.raises(ValueError, match="one shape"):
        runtime().difference(torch.zeros(3), torch.zeros(4), None, [])
    with pytest.raises(ValueError, match="float32 or float64"):
        runtime().difference(torch.zeros(3).half(), None, None, [])
    with pytest.raises(ValueError, match="keeps the last dimension alone"):
        runtime().difference(torch.zeros(3, 4), None, None, [[0, 1]])
