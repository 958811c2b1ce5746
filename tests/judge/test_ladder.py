"""The ladder against callables: what it accepts and the word under which it refuses the rest."""

from __future__ import annotations

import pytest
import torch
from burnish.judge.inputs import nudge_ulps
from burnish.judge.ladder import Ladder
from burnish.judge.options import Options
from burnish.judge.pool import Pool
from fakes import FakeProblem, FakeRunner

SECRET = b"tests" * 4
F = torch.nn.functional


def judge(problem, function, *, inputs=20, pass_params=False, **flags):
    pool = Pool(problem, Options(inputs=inputs, **flags), SECRET)
    ladder = Ladder(pool, FakeRunner(function, pass_params), seed=1)
    if ladder.first():
        ladder.full(inputs, 30.0)
    return ladder


def reason(*args, **kwargs):
    found = judge(*args, **kwargs).tally.finding
    return found.reason if found else "ok"


def relu():
    return FakeProblem(torch.relu, lambda: torch.rand(64, 257))


def linear(k=128, n=96):
    torch.manual_seed(0)
    return FakeProblem(torch.nn.Linear(k, n), lambda: torch.rand(32, k))


def weights(function):
    return lambda x, p: function(x, p["weight"], p["bias"])


@pytest.mark.parametrize(
    "function",
    [lambda x: x.clamp_min(0), lambda x: (x + x.abs()) / 2, lambda x: torch.where(x > 0, x, torch.zeros(()))],
)
def test_accepts_other_ways_to_write_relu(function):
    assert reason(relu(), function) == "ok"


def one_wrong(x):
    y = torch.relu(x)
    y[17, 200] += 0.01
    return y


def row_zeroed(x):
    y = torch.relu(x)
    y[5] = 0
    return y


@pytest.mark.parametrize(
    ("function", "reasons"),
    [
        (lambda x: x.clone(), "contract"),
        (lambda x: x if bool((x >= 0).all()) else torch.relu(x), "aliasing"),
        (lambda x: torch.zeros_like(x), "values"),
        (lambda x: torch.full_like(x, 0.5), "values"),
        (one_wrong, "values"),
        (row_zeroed, "values"),
        (lambda x: torch.relu(x).half().float(), "precision"),
        (lambda x: torch.relu(x).bfloat16().float(), "precision"),
        (lambda x: torch.relu(x.clamp(-8, 8)), "contract"),
        (lambda x: torch.relu(x).double(), "dtype"),
        (lambda x: torch.relu(x)[:, :-1], "shape"),
        (lambda x: [torch.relu(x)], "structure"),
        (lambda x: (torch.relu(x), x + 1), "structure"),
        (lambda x: x.relu_(), "input-changed"),
        (lambda x: torch.relu(x) / 0 * 0, "nan"),
    ],
)
def test_refuses(function, reasons):
    assert reason(relu(), function) in reasons.split()


def test_passes_a_narrower_contract_where_the_user_asked_for_it():
    def narrow(x):
        return torch.relu(x.clamp(-5000, 5000))

    ladder = judge(relu(), narrow)
    assert ladder.tally.finding.reason == "contract"
    assert ladder.contract() == "narrow"
    assert reason(relu(), narrow, contract="narrow") == "ok"
    assert reason(relu(), lambda x: x.clone(), contract="generator") == "ok"


def test_finds_weights_that_were_kept():
    problem = linear()
    kept = {k: v.clone() for k, v in problem.module.state_dict().items()}
    assert reason(problem, weights(F.linear), pass_params=True) == "ok"
    assert reason(linear(), lambda x, p: F.linear(x, kept["weight"], kept["bias"]), pass_params=True) == "stale"


def test_finds_a_changed_parameter():
    def drift(x, p):
        y = F.linear(x, p["weight"], p["bias"])
        p["bias"].add_(1e-3)
        return y

    assert reason(linear(), drift, pass_params=True) == "parameter-changed"


@pytest.mark.parametrize("key", [lambda x: x.data_ptr(), lambda x: tuple(x.shape), lambda x: round(float(x[0, 0]), 3)])
def test_finds_results_that_were_remembered(key):
    seen = {}

    def remember(x):
        k = key(x)
        if k not in seen:
            seen[k] = torch.relu(x)
        return seen[k]

    found = reason(FakeProblem(torch.relu, lambda: torch.cat([torch.zeros(1, 64), torch.rand(64, 64)])), remember)
    assert found in ("stale", "values", "nondeterministic")


def test_finds_an_output_buffer_that_is_used_again():
    buffer = torch.empty(64, 257)

    def reuse(x):
        return torch.clamp(x, min=0, out=buffer)

    assert reason(relu(), reuse) == "aliasing"


def test_a_ring_of_buffers_is_aliasing():
    buffers, calls = [torch.zeros(64, 257) for _ in range(8)], [0]

    def in_turn(x):
        calls[0] += 1
        return torch.clamp(x, min=0, out=buffers[calls[0] % 8])

    assert reason(relu(), in_turn) == "aliasing"


def test_a_buffer_that_eager_returns_may_be_returned():
    buffer = torch.rand(4, 4)
    problem = FakeProblem(lambda x: (torch.relu(x), buffer), lambda: torch.rand(64, 257))
    assert reason(problem, lambda x: (torch.relu(x), buffer)) == "ok"


def test_finds_what_goes_wrong_now_and_then():
    calls = [0]

    def sometimes(x):
        calls[0] += 1
        return torch.relu(x) + (calls[0] % 20 == 19)

    assert reason(relu(), sometimes, inputs=100) in ("values", "nondeterministic")


def test_deterministic_wants_every_bit():
    noise = [0.0]

    def wander(x):
        noise[0] += 2.0**-24
        return torch.relu(x) * (1 + noise[0] % 2.0**-21)

    assert reason(relu(), wander) == "ok"
    assert reason(relu(), wander, deterministic=True) == "nondeterministic"


def test_accepts_what_is_not_summed_as_eager_sums():
    def blocked(x, w, b):
        return sum(x[:, i : i + 16] @ w[:, i : i + 16].T for i in range(0, x.shape[1], 16)) + b

    def one_by_one(x, w, b):
        y = torch.zeros(x.shape[0], w.shape[0])
        for i in range(x.shape[1]):
            y += x[:, i, None] * w[None, :, i]
        return y + b

    for function in (blocked, one_by_one, lambda x, w, b: (x.double() @ w.double().T + b.double()).float()):
        assert reason(linear(1024), weights(function), pass_params=True) == "ok"


def test_half_products_are_called_precision():
    def bf16(x, w, b):
        return F.linear(x.bfloat16().float(), w.bfloat16().float(), b)

    assert reason(linear(1024), weights(bf16), pass_params=True) == "precision"


def test_saturated_softmax_in_another_form_is_accepted():
    problem = FakeProblem(lambda x: torch.softmax(x, -1), lambda: torch.rand(64, 512))

    def mine(x):
        e = torch.exp(x - x.amax(-1, keepdim=True))
        return e / e.sum(-1, keepdim=True)

    assert reason(problem, mine) == "ok"
    assert reason(problem, lambda x: torch.exp(x) / torch.exp(x).sum(-1, keepdim=True)) in ("contract",)


def test_ties_may_be_broken_either_way():
    problem = FakeProblem(lambda x: x.argmax(-1), lambda: (torch.rand(256, 64) * 64).round() / 64)
    flipped = lambda x: x.shape[-1] - 1 - x.flip(-1).argmax(-1)  # noqa: E731
    assert reason(FakeProblem(lambda x: x.argmax(-1), lambda: torch.rand(256, 64)), flipped) == "ok"
    assert reason(problem, lambda x: x.argmin(-1)) == "values"


def test_non_negative_where_the_module_needs_it():
    problem = FakeProblem(torch.log, lambda: torch.rand(64, 64) + 0.1)
    assert reason(problem, lambda x: torch.log2(x) * 0.6931471805599453) == "ok"


def test_a_crash_is_a_refusal():
    assert reason(relu(), lambda x: x.no_such_thing()) == "crash"


def test_says_when_time_was_short():
    pool = Pool(relu(), Options(inputs=50), SECRET)
    ladder = Ladder(pool, FakeRunner(torch.relu), seed=1)
    assert ladder.first() and ladder.full(50, 0.0)
    assert 10 <= ladder.tally.inputs < 50
    assert any("verify-seconds" in note for note in ladder.tally.notes)


@pytest.mark.parametrize(("factor", "expected"), [(1, "ok"), (64, "values")])
def test_a_part_with_one_common_error_is_not_refused_by_chance(factor, expected):
    """What eager gives for an input moved by one ulp is right in each of thousands of rows, though the error of a row
    is one value, and four moves of one in sixty are all too small to tell its size."""
    scale = torch.where(torch.arange(4000) % 20 == 0, 1e4, 1.0).view(-1, 1)  # one row in twenty: no usual error

    def gate(x):
        return (x.double().mean(-1, keepdim=True) * scale).sin().float() * x  # as a norm has it

    def candidate(x):
        return gate(x) + factor * (gate(nudge_ulps([x], 1.0, seed=8)[0]) - gate(x))

    assert reason(FakeProblem(gate, lambda: torch.rand(4000, 64)), candidate) == expected
