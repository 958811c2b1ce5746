"""Limits: what a candidate may differ by, and float64 references."""

from __future__ import annotations

import gc
import weakref

import pytest
import torch
from burnish.judge import calibrate
from burnish.judge.calibrate import first_look
from burnish.judge.kinds import CHANNELS, GENERATED
from burnish.judge.numerics import groupings, measure
from burnish.judge.options import Options
from burnish.judge.perturb import Parameters, perturbable
from burnish.judge.pool import Pool
from burnish.judge.trees import align, flatten_result, sharing
from burnish.judge.widen import CannotWiden, run_wide
from burnish.judge.yardstick import Pooled, _usual, check, slack
from fakes import FakeProblem

nn = torch.nn


def pool_of(module, draw, **flags):
    return Pool(FakeProblem(module, draw), Options(**flags), b"secret" * 3)


def checked(pool, index, change):
    item = pool.item(index)
    r = item.outputs[0]
    return check(change(r.eager.clone()), r, pool.yardstick(item, 0)).finding


@pytest.mark.parametrize(
    ("change", "refused"),
    [
        (lambda y: y, False),
        (lambda y: y * (1 + 2.0**-22), False),
        (lambda y: y * (1 + 2.0**-12), True),
        (lambda y: y.half().float(), True),
        (lambda y: y.index_fill(0, torch.tensor([3]), 0.0), True),
        (lambda y: y.index_fill(1, torch.tensor([3]), 0.0), True),
        (lambda y: y.index_put((torch.tensor(5), torch.tensor(6)), y.mean()), True),
        (lambda y: torch.full_like(y, float(y.mean())), True),
        (lambda y: y.roll(1, 0), True),
    ],
)
@pytest.mark.parametrize("index", [0, 14])
def test_layer_norm(change, refused, index):
    pool = pool_of(nn.LayerNorm(128), lambda: torch.rand(96, 128))
    assert (checked(pool, index, change) is not None) == refused


def test_a_row_that_is_small_is_judged_by_its_own_size():
    pool = pool_of(nn.Identity(), lambda: torch.rand(64, 128) * torch.logspace(0, -6, 64)[:, None])

    def last_row_half(y):
        y[-1] = y[-1].half().float() * 1.001
        return y

    found = checked(pool, 0, last_row_half)
    assert found is not None and "row [63, :]" in found.what


def test_parts_are_held_to_what_parts_are_usually_off_by():
    """Not to the luck of one of thousands, and not excused by one that cancels."""
    base = torch.ones(1000)
    part = 1e-6 * torch.linspace(0, 1, 1000)
    part[0] = 1.0
    assert 0.85e-6 < _usual(part, base) < 1e-6
    assert _usual(part[:8], base[:8]) == 0.0, "too few to tell"
    assert _usual(part, torch.zeros(1000)) == 0.0


def test_a_gate_of_thousands_of_planes_may_be_computed_otherwise():
    """One factor a plane, with an error in proportion to its argument: eager is lucky on some planes."""

    class Gate(nn.Module):
        def forward(self, x):
            return x * torch.exp(-x.mean((2, 3), keepdim=True))

    pool = pool_of(Gate(), lambda: 40 + 4 * torch.rand(16, 256, 8, 8))
    torch.manual_seed(0)

    def other_order(y):
        return y * (1 + 3e-6 * torch.randn(16, 256, 1, 1))

    def one_in_bfloat16(y):
        y[3, 5] = y[3, 5].bfloat16().float()
        return y

    assert checked(pool, 0, other_order) is None
    assert checked(pool, 0, one_in_bfloat16) is not None


def test_float64_survives_casts_and_knows_its_limits():
    class Casts(nn.Module):
        def __init__(self):
            super().__init__()
            self.lstm = nn.LSTM(8, 8, batch_first=True)
            self.tied = self.lstm.weight_hh_l0

        def forward(self, x):
            y = self.lstm(x.half().float())[0].to(torch.float32) @ self.tied.T
            return y + torch.tensor(1 / 3, dtype=torch.float32) + torch.arange(32, dtype=torch.float16) / 3

    torch.manual_seed(0)
    module, x = Casts().eval(), torch.rand(2, 3, 8).half().float()
    wide = run_wide(module, (x,), {})
    with torch.no_grad():
        eager = module(x)
    assert wide.dtype == torch.float64 and 0 < float((wide - eager).abs().max()) < 1e-2
    assert module.tied.dtype == torch.float32 and torch.get_default_dtype() == torch.float32

    class Bits(nn.Module):
        def forward(self, x):
            return x.view(torch.int32) + 1

    with pytest.raises(CannotWiden):
        run_wide(Bits(), (x,), {})


def test_ill_conditioned_outputs_are_judged_by_what_eager_can():
    pool = pool_of(lambda x: 1 / (x - x.mean(-1, keepdim=True)), lambda: torch.rand(64, 256))
    item = pool.item(0)
    exact = run_wide(pool.module, (item.leaves[0],), {})
    assert check(exact.float(), item.outputs[0], pool.yardstick(item, 0)).finding is None


def test_nan_is_demanded_where_float64_has_it_too():
    pool = pool_of(lambda x: torch.sqrt(x - 0.5), lambda: torch.rand(64, 64), contract="generator")
    assert checked(pool, 0, lambda y: y) is None
    assert checked(pool, 0, torch.nan_to_num).reason == "nan"


def test_infinity_is_demanded_too():
    pool = pool_of(lambda x: x.masked_fill(x > 0.5, float("-inf")), lambda: torch.rand(64, 64), contract="generator")
    assert checked(pool, 0, lambda y: y) is None
    assert checked(pool, 0, lambda y: y.nan_to_num(neginf=0.0)).reason in ("values", "nan")


def test_saturated_and_trivial():
    trivial = pool_of(lambda x: torch.softmax(x, -1).sum(-1), lambda: torch.rand(16, 64))
    saturated = pool_of(lambda x: (x > -1).float() + 0 * x, lambda: torch.rand(16, 64))
    free = pool_of(torch.relu, lambda: torch.rand(16, 64))
    for pool in (trivial, saturated, free):
        for index in sorted(pool.planned):
            pool.item(index)
    assert (trivial.constant(), saturated.constant(), free.constant()) == ("trivial", "saturated", None)


def test_results_and_calibrations_leave_no_tensor_behind_and_inputs_are_forgotten():
    # 400 MB a call stayed alive until Python's collector came by: a function inside a function that called itself.
    gc.collect()
    gc.disable()
    try:
        alive = weakref.WeakSet()
        for result in ({"a": [torch.zeros(3)]}, (torch.zeros(2), None)):
            tensors, structure = flatten_result(result)
            align(structure, structure, tensors)
            alive.update(tensors)
        del result, tensors
        assert not list(alive)
        pool = pool_of(nn.Linear(8, 8), lambda: (torch.randn(4, 8),))
        pool.planned.add(2000)
        item = pool.item(2000)
        assert item.calibrated
        first = item.leaves[0].clone()
        held = weakref.WeakSet([item.leaves[0], item.outputs[0].eager, item.outputs[0].exact])
        del item
        assert len(held) == 3
        pool.forget(range(2000, 2200))
        assert not list(held) and 2000 not in pool.planned
        assert torch.equal(pool.item(2000).leaves[0], first)
    finally:
        gc.enable()


def test_parameters_move_in_place_and_come_back():
    module = nn.Sequential(nn.Linear(8, 8), nn.BatchNorm1d(8), nn.Embedding(4, 8, padding_idx=0)).eval()
    module.register_buffer("mask", torch.tensor([0.0, float("-inf")]))
    module.register_buffer("table", torch.rand(4), persistent=False)
    before = {k: v.clone() for k, v in module.state_dict().items()}
    places = {k: v.data_ptr() for k, v in module.state_dict().items()}
    assert {"mask", "table"}.isdisjoint(perturbable(module))
    sets = Parameters(module, lambda n: n)
    assert sets.use(1) and not sets.use(1)
    after = module.state_dict()
    assert not torch.equal(after["0.weight"], before["0.weight"]) and not torch.equal(after["1.bias"], before["1.bias"])
    assert bool((after["1.running_var"] > 0).all()) and bool((after["2.weight"][0] == 0).all())
    assert {k: v.data_ptr() for k, v in after.items()} == places
    sets.use(0)
    assert all(torch.equal(v, before[k]) for k, v in module.state_dict().items())


def test_groupings_have_64_values_or_more():
    assert groupings((4,)) == [] and groupings((8, 16)) == []
    assert [name for name, _ in groupings((8, 64))] == ["row"]
    assert {"plane", "channel", "sample"} <= {name for name, _ in groupings((2, 3, 16, 16))}


def test_measures_do_not_underflow():
    m = measure(torch.full((64, 64), 1e-200, dtype=torch.float64), None)
    assert m.rms == pytest.approx(1e-200) and m.effective == pytest.approx(64 * 64)
    assert slack(64) == 1 and slack(1) == 8


def test_results_align_by_key_and_lie_in_vain():
    a, b = torch.rand(2), torch.rand(3)
    _, want = flatten_result({"x": a, "y": [b, None, 3]})
    tensors, got = flatten_result({"y": (b, None, 3), "x": a})
    assert [t.shape for t in align(want, got, tensors)] == [(2,), (3,)]
    for lie in (
        {"x": {"tensor": 0}},
        {"x": {"tensor": 0}, "y": [{"tensor": 0}, None, 3]},
        {"x": {"tensor": 7}, "y": [{"tensor": 0}, None, 3]},
        {"x": {"tensor": True}, "y": [{"tensor": 0}, None, 3]},
        {"x": {"tensor": 0}, "y": [{"tensor": 1}, None, 4]},
        None,
        7,
    ):
        assert align(want, lie, tensors) is None


def test_dense_outputs_in_one_buffer_share_it_and_chunks_do_not():
    base = torch.rand(8, 8)
    pair = [base[:4], base[2:6]]
    chunks = list(base.chunk(2, dim=1))
    assert sharing(pair, [t.data_ptr() for t in pair]) == [(0, 1)]
    assert sharing(chunks, [t.data_ptr() for t in chunks]) == []


@pytest.mark.parametrize(("kind", "factor", "refused"), [
    (CHANNELS, 1.5 * 2.0**-18, False), (CHANNELS, 2.0**-16, True), (GENERATED, 1.5 * 2.0**-18, True),
])  # fmt: skip
def test_where_few_parts_carry_the_whole_it_is_held_to_a_parts_floor(kind, factor, refused):
    eager = torch.randn(40)  # too small to have parts
    r = first_look(eager, kind)
    r.change = r.error = None
    found = check(eager * (1 + factor), r, Pooled()).finding
    assert (found is not None) == refused


def test_even_sets_move_a_part_and_never_the_ends():
    """Who looks at a corner of a weight to see whether it changed is wrong then."""
    module = nn.Linear(64, 64)
    before = module.weight.detach().clone()
    sets = Parameters(module, lambda n: n)
    sets.use(1)
    assert bool((module.weight != before).float().mean() > 0.99)
    sets.use(2)
    moved = (module.weight != before).reshape(-1)
    assert not moved[0] and not moved[-1] and 0 < int(moved.sum()) < moved.numel() / 10


def test_a_closer_look_skips_moves_that_overflow_and_is_taken_once(monkeypatch):
    pool = pool_of(torch.nn.Softmax(-1), lambda: torch.rand(64, 128))
    item = pool.item(0)
    (r,) = item.outputs
    before = [part.clone() for part, _ in r.change.groups]
    draws, overflown = [], torch.full_like(r.eager, torch.inf)
    monkeypatch.setattr(calibrate, "_moved", lambda *_: draws.append(1) or [overflown])
    pool.look_closer(item)
    assert len(draws) == calibrate.MORE_DRAWS and len(r.close) <= calibrate.CLOSE_DRAWS
    assert all(
        bool((part >= b).all() and part.isfinite().all()) for (part, _), b in zip(r.change.groups, before, strict=True)
    )
    monkeypatch.undo()
    pool.look_closer(item)
    known = len(r.close)
    assert known > calibrate.CLOSE_DRAWS
    pool.look_closer(item)
    assert len(r.close) == known
