"""Kinds of input and the structure that they keep."""

from __future__ import annotations

import pytest
import torch
from burnish.judge.inputs import nudge_ulps, schedule, seed_of, vary
from burnish.judge.kinds import GENERATED, KINDS, ROWS, SCALED, SIGNS, within
from burnish.judge.structure import impose, observe

OTHERS = [k for k in KINDS if k is not GENERATED]


def seen(draw):
    torch.manual_seed(0)
    draws = [[draw()] for _ in range(4)]
    return draws[0], observe(draws)


def test_seeds_cannot_be_guessed_and_do_not_change():
    assert seed_of(b"a" * 16, "input", 1) == seed_of(b"a" * 16, "input", 1)
    assert len({seed_of(b"a" * 16, "input", i) for i in range(100)} | {seed_of(b"b" * 16, "input", 1)}) == 101


@pytest.mark.parametrize("kind", OTHERS, ids=lambda k: k.name)
@pytest.mark.parametrize(
    ("draw", "holds"),
    [
        (lambda: torch.rand(8, 8).tril(), lambda x: bool((x.triu(1) == 0).all())),
        (
            lambda: torch.rand(6, 9).softmax(-1),
            lambda x: bool(((x.sum(-1) - 1).abs() < 1e-5).all()) and bool((x >= 0).all()),
        ),
        (lambda: (lambda a: a + a.T)(torch.randn(8, 8)), lambda x: torch.equal(x, x.T)),
        (lambda: torch.randn(4, 16).sort(-1).values, lambda x: bool((x.diff(dim=-1) >= 0).all())),
        (
            lambda: torch.nn.functional.normalize(torch.randn(4, 16)),
            lambda x: bool(((x.norm(dim=-1) - 1).abs() < 1e-4).all()),
        ),
        (lambda: torch.randint(0, 5, (4, 9)).float(), lambda x: torch.equal(x, x.round())),
        (
            lambda: torch.nn.functional.one_hot(torch.randint(0, 5, (9,)), 5).float(),
            lambda x: bool((x.sum(-1) == 1).all()),
        ),
    ],
    ids=["zeros", "sums", "symmetric", "sorted", "norms", "whole", "one-hot"],
)
def test_structure_is_kept(kind, draw, holds):
    leaves, structures = seen(draw)
    assert holds(vary(leaves, kind, structures, 7)[0])


@pytest.mark.parametrize("kind", OTHERS, ids=lambda k: k.name)
def test_kinds_change_what_is_free(kind):
    leaves, structures = seen(lambda: torch.rand(16, 32))
    varied = vary(leaves, kind, structures, 7)[0]
    assert not torch.equal(varied, leaves[0]) and torch.isfinite(varied).all()
    assert torch.equal(varied, vary(leaves, kind, structures, 7)[0])


def test_scales_are_what_they_say():
    leaves, structures = seen(lambda: torch.rand(16, 32))
    for kind in SCALED:
        assert torch.equal(vary(leaves, kind, structures, 1)[0], leaves[0] * 2.0**kind.scale)
    assert bool((vary(leaves, SIGNS, structures, 1)[0] < 0).any())
    ratio = vary(leaves, ROWS, structures, 1)[0] / leaves[0]
    assert bool(((ratio / ratio[:, :1] - 1).abs() < 1e-6).all()) and float(ratio.max() / ratio.min()) > 2.0**8


def test_strides_are_kept():
    leaves, structures = seen(lambda: torch.rand(8, 16).T)
    assert vary(leaves, SIGNS, structures, 1)[0].stride() == leaves[0].stride()


@pytest.mark.parametrize(
    ("domain", "holds"),
    [
        ("nonnegative", lambda x: bool((x >= 0).all())),
        ("positive", lambda x: bool((x > 0).all())),
        ("unit", lambda x: bool(((x >= 0) & (x <= 1)).all())),
        ("probability", lambda x: bool(((x.sum(-1) - 1).abs() < 1e-5).all())),
    ],
)
def test_domains(domain, holds):
    for kind in OTHERS:
        leaves, structures = seen(lambda: torch.rand(6, 8).softmax(-1))
        assert holds(vary(leaves, kind, [impose(structures[0], domain)], 3)[0]), kind.name


def test_half_types_stay_finite():
    leaves, structures = seen(lambda: torch.rand(8, 8).half())
    assert all(torch.isfinite(vary(leaves, k, structures, 1)[0]).all() for k in KINDS)


def test_one_ulp_is_one_ulp():
    x = torch.cat([torch.rand(1000), torch.zeros(3), -torch.rand(1000)])
    moved = nudge_ulps([x], 1.0, 5)[0]
    up, down = torch.nextafter(x, torch.tensor(float("inf"))), torch.nextafter(x, torch.tensor(float("-inf")))
    same = (moved == up) | (moved == down)
    assert same[x != 0].float().mean() > 0.99  # at a power of two the unit below is half as large
    assert bool((moved[x == 0] == 0).all())


def test_half_are_as_generated_and_ten_show_the_widest_kinds():
    kinds = schedule(10, list(KINDS))
    assert sum(k is GENERATED for k in kinds) == 5
    assert [k for k in KINDS if within(k, "generator")] == [GENERATED]
