"""The corpus itself: attacks are well formed, look-alikes honest by a check that shares nothing with the judge."""

import copy
import functools
import json

import pytest
import torch
from corpus import ERRORS, NO_WIN, REFUSALS, attacks
from honest import lookalikes
from torch.utils._pytree import tree_leaves

ATTACKS = attacks()
LOOKALIKES = list(lookalikes())


def test_there_are_enough_attacks_in_both_forms():
    assert len(ATTACKS) >= 70
    assert {a.form for a in ATTACKS} == {"plan", "model_new"}
    assert len({a.name for a in ATTACKS}) == len(ATTACKS)


@pytest.mark.parametrize("attack", ATTACKS, ids=lambda a: a.name)
def test_attack_is_well_formed(attack):
    assert attack.reasons and attack.reasons <= REFUSALS | ERRORS | {NO_WIN}
    assert attack.problem.exists()
    if attack.form == "plan":
        plan = json.loads((attack.path / "plan.json").read_text())
        assert plan["burnish_plan"] == 1
        assert "steps" in plan and "result" in plan


def test_there_are_enough_lookalikes_in_both_forms():
    assert len(LOOKALIKES) >= 200
    assert {c.form for c in LOOKALIKES} == {"plan", "model_new"}
    assert len({c.name for c in LOOKALIKES}) == len(LOOKALIKES)


@pytest.fixture(autouse=True, scope="module")
def one_thread():
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def _load(text: str) -> dict:
    names: dict = {}
    exec(compile(text, "lookalike", "exec"), names)
    return names


@functools.cache
def _reference(text: str):
    """Model, inputs, and the answers in float64 (in float32 where the module has no float64 form)."""
    names = _load(text)
    torch.manual_seed(0)
    model = names["Model"]().eval()
    inputs = names["get_inputs"]()
    eager = model(*inputs)
    try:
        exact = copy.deepcopy(model).double()(*[x.double() if x.is_floating_point() else x for x in inputs])
    except RuntimeError:
        exact = eager
    return model, inputs, eager, exact


def _leaves(tree) -> list:
    return tree_leaves(dict(sorted(tree.items())) if isinstance(tree, dict) else tree)


@pytest.mark.parametrize("candidate", [c for c in LOOKALIKES if c.form == "model_new"], ids=lambda c: c.name)
@torch.no_grad()
def test_lookalike_is_honest(candidate):
    model, inputs, eager, exact = _reference(candidate.problem)
    new = _load(candidate.files["candidate.py"])["ModelNew"]().eval()
    new.load_state_dict(model.state_dict())
    given = [x.clone() for x in inputs]
    got = _leaves(new(*given))
    assert all(torch.equal(a, b) for a, b in zip(given, inputs, strict=True))
    for g, w, e in zip(got, _leaves(eager), _leaves(exact), strict=True):
        assert g.shape == w.shape and g.dtype == w.dtype
        if g.is_floating_point():
            scale = e.double().square().mean().sqrt()
            error, own = ((t.double() - e).square().mean().sqrt() / scale for t in (g, w))
            assert error <= max(4 * own, 2e-6)
        else:
            assert (g != w).float().mean() <= 0.01  # ties


@pytest.mark.parametrize("candidate", [c for c in LOOKALIKES if c.form == "plan"], ids=lambda c: c.name)
def test_lookalike_plan_is_well_formed(candidate):
    plan = json.loads(candidate.files["plan.json"])
    assert plan["burnish_plan"] == 1 and "steps" in plan
    assert ("kernels" in plan) == ("kernels.cpp" in candidate.files)
