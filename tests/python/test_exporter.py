"""The exporter: what users' modules look like, and that their plans compute the same."""

from __future__ import annotations

import collections
import json
from pathlib import Path

import pytest
import torch
import torch.nn as nn
import torch.nn.functional as F
from burnish.errors import BurnishError
from burnish.exporter import export
from burnish.interpret import PlanInterpreter
from plans import check_export, ops, run_plan, same


def module(forward, **attributes) -> nn.Module:
    """A module with this forward(self, ...)."""
    forward.__code__ = forward.__code__.replace(co_name="forward")  # torch.fx looks for the frame of that name
    made = type("Made", (nn.Module,), {"forward": forward})()
    for name, value in attributes.items():
        setattr(made, name, value)
    return made


def test_tied_parameters_stay_tied(tmp_path: Path) -> None:
    class Tied(nn.Module):
        def __init__(self):
            super().__init__()
            self.embed = nn.Embedding(11, 6)
            self.head = nn.Linear(6, 11, bias=False)
            self.head.weight = self.embed.weight

        def forward(self, x):
            return self.head(self.embed(x))

    exported = check_export(Tied(), tmp_path, (torch.randint(0, 11, (2, 5)),))
    assert exported.params == [("embed_weight", "embed.weight")]


def test_non_persistent_buffers_and_tensors_without_a_path(tmp_path: Path) -> None:
    class Holder(nn.Module):
        def __init__(self):
            super().__init__()
            self.register_buffer("scale", torch.rand(4), persistent=False)
            self.offset = torch.rand(4)
            self.table = [torch.rand(4), torch.tensor([True, False, True, False])]

        def forward(self, x):
            y = x * self.scale + self.offset + self.table[0]
            return torch.where(self.table[1], y, torch.tensor(3.0)) + torch.tensor([1.0, 2.0, 3.0, 4.0])

    exported = check_export(Holder(), tmp_path, (torch.rand(2, 4),))
    assert exported.params == [("scale", "scale")]
    assert len(exported.plan["constants"]) == 5


def test_a_view_of_a_parameter_outside_the_parameters_is_refused(tmp_path: Path) -> None:
    class Leaky(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear = nn.Linear(3, 3)
            self.row = self.linear.weight.detach()[0]

        def forward(self, x):
            return self.linear(x) + self.row

    with pytest.raises(BurnishError, match="shares memory with a parameter"):
        export(Leaky().eval(), (torch.rand(2, 3),), {}, tmp_path)


def test_keyword_arguments_defaults_and_values_are_guarded(tmp_path: Path) -> None:
    def forward(self, x, scale=2.0, *, mode="add", mask=None, other):
        y = x * scale + other
        return y if mask is None else y.masked_fill(mask, 0.0)

    exported = check_export(module(forward), tmp_path, (torch.rand(3),), {"other": torch.rand(3)})
    inputs = exported.plan["inputs"]
    assert list(inputs) == ["x", "scale", "mode", "mask", "other"]
    assert [inputs[k]["value"] for k in ("scale", "mode", "mask")] == [2.0, "add", None]
    check_export(module(forward), tmp_path, (torch.rand(3),), {"other": torch.rand(3), "mask": torch.rand(3) > 0.5})


def test_nested_inputs_have_paths(tmp_path: Path) -> None:
    def forward(self, batch, xs, *rest, **named):
        return batch["a"] + batch["b"][0] * xs[1] - xs[0] + rest[0] * named["k"]

    t = [torch.rand(3) for _ in range(6)]
    exported = check_export(module(forward), tmp_path, ({"a": t[0], "b": [t[1]]}, (t[2], t[3]), t[4]), {"k": t[5]})
    paths = ["batch['a']", "batch['b'][0]", "xs[0]", "xs[1]", "rest[0]", "named['k']"]
    assert [path for _, path in exported.inputs] == paths
    assert exported.plan["inputs"]["batch_a"]["path"] == "batch['a']"


def test_integer_and_bool_inputs(tmp_path: Path) -> None:
    def forward(self, index, flags, bytes_):
        return (index + 1).clamp(max=3), flags & (index > 2), bytes_.sum(), ~flags

    args = (torch.randint(0, 9, (7,)), torch.rand(7) > 0.5, torch.randint(0, 255, (7,), dtype=torch.uint8))
    exported = check_export(module(forward), tmp_path, args)
    assert [entry["dtype"] for entry in exported.plan["inputs"].values()] == ["int64", "bool", "uint8"]


def test_results_keep_their_structure(tmp_path: Path) -> None:
    def forward(self, x):
        low, high = x.aminmax(dim=0)
        return {"pair": (low, [high, None]), "number": 3, "inf": float("inf"), "again": low, "text": "done"}

    exported = check_export(module(forward), tmp_path, (torch.rand(3, 4),))
    assert exported.plan["result"] == {
        "pair": ["getitem", ["getitem_1", None]],
        "number": 3,
        "inf": {"float": "inf"},
        "again": "getitem",
        "text": {"str": "done"},
    }


def test_results_of_named_and_ordered_classes(tmp_path: Path) -> None:
    def forward(self, x):
        counts = collections.defaultdict(list, z=[x * 4])
        return collections.OrderedDict(b=x + 1, a=Pair(x * 2, x * 3), c=counts)

    exported = check_export(module(forward), tmp_path, (torch.rand(3),))
    assert list(exported.plan["result"]) == ["b", "a", "c"]
    assert list(exported.plan["result"]["c"]) == ["z"]


Pair = collections.namedtuple("Pair", ["first", "second"])
torch.utils._pytree._register_namedtuple(Pair, serialized_type_name="test_exporter.Pair")


def test_unused_results_of_operators_have_no_name(tmp_path: Path) -> None:
    exported = check_export(module(lambda self, x: x.topk(2).indices), tmp_path, (torch.rand(5),))
    assert exported.plan["steps"][0]["out"] == ["", "getitem_1"]


def test_lists_of_results(tmp_path: Path) -> None:
    def forward(self, x):
        a, _, c = x.split([1, 2, 3], dim=1)
        return torch.cat([a, c, *x.unbind(1)[:1], x[:, :1]][:2], dim=1), torch.stack(x.chunk(3, dim=1)[1:])

    check_export(module(forward), tmp_path, (torch.rand(2, 6),))


def test_composite_operators_stay_whole(tmp_path: Path) -> None:
    class Whole(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.bn = nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4)
            self.norm, self.linear = nn.LayerNorm(6), nn.Linear(6, 6)
            self.drop = nn.Dropout(0.5)

        def forward(self, x):
            y = self.drop(F.relu(self.bn(self.conv(x)), inplace=True))
            y = self.linear(self.norm(y))
            return F.scaled_dot_product_attention(y, y, y, is_causal=True)

    exported = check_export(Whole(), tmp_path, (torch.rand(2, 3, 8, 8),))
    wanted = ["conv2d", "batch_norm", "relu", "layer_norm", "linear", "scaled_dot_product_attention"]
    assert ops(exported) == wanted


def test_in_place_on_own_temporaries(tmp_path: Path) -> None:
    def forward(self, x):
        y = x + 1
        y *= 2
        y.add_(x).relu_()
        view = y.view(-1)
        view.mul_(3)  # seen through y
        z = torch.zeros_like(x)
        z[:, 0] = y[:, 1]
        z[..., 1:] += view.view_as(y)[..., 1:]
        z.masked_fill_(z > 4, float("-inf"))
        return y, z

    exported = check_export(module(forward), tmp_path, (torch.randn(3, 4),))
    assert not any(op.split(".")[0].endswith("_") for op in ops(exported))


def test_in_place_that_an_older_view_sees(tmp_path: Path) -> None:
    def forward(self, x):
        y = x * 2
        row = y[0]
        y.add_(1)
        return row, y

    check_export(module(forward), tmp_path, (torch.randn(3, 4),))


def test_in_place_keeps_the_dtype(tmp_path: Path) -> None:
    def forward(self, x):
        y = x.half() * 2
        y += x
        return y

    check_export(module(forward), tmp_path, (torch.randn(3, 4),))


def test_writing_to_inputs_or_buffers_is_stateful(tmp_path: Path) -> None:
    def change_input(self, x):
        x.add_(1)
        return x * 2

    def change_buffer(self, x):
        self.seen.add_(1)
        return x * self.seen

    buffered = module(change_buffer)
    buffered.register_buffer("seen", torch.zeros(1))
    plain = module(change_buffer, seen=torch.zeros(1))
    for made, name in ((module(change_input), "'x'"), (buffered, "'seen'"), (plain, "'seen'")):
        with pytest.raises(BurnishError, match=name) as caught:
            export(made, (torch.rand(3),), {}, tmp_path)
        assert caught.value.reason == "stateful"
        assert "test_exporter.py:" in caught.value.where


def test_writing_to_literals_and_to_results_of_operators(tmp_path: Path) -> None:
    def forward(self, x):
        t = torch.tensor([1.0, 2.0, 3.0])
        t[0] = 5.0
        t += 1
        low, high = x.split([1, 2])
        high = high.clone()
        high[0] = low[0]
        y = x.expand(2, 3).clone()
        y[1].zero_()
        return t * x, high, y, torch.zeros(3).index_put_((torch.tensor([2]),), x[:1])

    check_export(module(forward), tmp_path, (torch.randn(3),))


def test_no_grad_and_autocast_inside(tmp_path: Path) -> None:
    class Inside(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.bn = nn.Linear(4, 4), nn.BatchNorm1d(4)

        def forward(self, x):
            with torch.no_grad():
                y = self.linear(x)
                with torch.enable_grad():
                    y = y + 1
            with torch.autocast("cpu", enabled=False):
                y = self.linear(y)
            with torch.autocast("cpu", dtype=torch.bfloat16):
                z = self.linear(y)
            return self.bn(y), z

    exported = check_export(Inside(), tmp_path, (torch.rand(3, 4),))
    assert "batch_norm" in ops(exported)


def test_the_same_tensor_given_twice(tmp_path: Path) -> None:
    x = torch.rand(3)
    target = module(lambda self, a, b: a - 2 * b)
    check_export(target, tmp_path, (x, x))
    y = torch.rand(3)
    assert same(target(x, y), run_plan(tmp_path, target, (x, y)))


def test_layouts_of_inputs_are_guards(tmp_path: Path) -> None:
    x = torch.rand(2, 3, 4, 5)
    args = (x, x.contiguous(memory_format=torch.channels_last), x.transpose(1, 3))
    exported = check_export(module(lambda self, a, b, c: (a + b, c * 2)), tmp_path, args)
    strides = [entry["strides"] for entry in exported.plan["inputs"].values()]
    assert strides == ["contiguous", "channels_last", [60, 1, 5, 20]]


def test_export_leaves_the_module_as_it_was(tmp_path: Path) -> None:
    lstm = nn.LSTM(3, 4).eval()
    before = dict(lstm.__dict__)
    check_export(lstm, tmp_path, (torch.rand(5, 2, 3),))
    assert dict(lstm.__dict__) == before
    assert all(isinstance(w, nn.Parameter) for w in lstm._flat_weights)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("layers", [{}, {"num_layers": 2, "bidirectional": True}, {"bias": False}])
@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_recurrent_layers(kind: type, layers: dict, batch_first: bool, tmp_path: Path) -> None:
    layer = kind(16, 16, batch_first=batch_first, **layers)
    exported = check_export(layer, tmp_path, (torch.randn(8, 4, 16),), exact=False)
    assert any(op in ("lstm.input", "gru.input", "rnn_tanh.input") for op in ops(exported))
    check_export(
        kind(16, 16, batch_first=batch_first, **layers).double(),
        tmp_path,
        (torch.randn(8, 4, 16).double(),),
        exact=False,
    )
    check_export(layer, tmp_path, (torch.randn(8, 16),), exact=False)


def test_an_lstm_with_projections_and_a_long_sequence(tmp_path: Path) -> None:
    layer = nn.LSTM(3, 6, proj_size=4)
    exported = check_export(layer, tmp_path, (torch.randn(4000, 1, 3),), exact=False)
    assert exported.seconds < 10  # 4,000 steps of fake tensors take minutes


def test_numbers_have_overloads_of_their_own(tmp_path: Path) -> None:
    def forward(self, x):
        return (2 * x + 1 - 0.5) / 3 ** x.clamp(max=2), 5 - x, x == 1, x**2, torch.where(x > 0, x, 0.0)

    exported = check_export(module(forward), tmp_path, (torch.randn(3),))
    assert "mul.Scalar" in ops(exported)
    assert "mul.Tensor" not in ops(exported)


class TestDynamic:
    def test_sizes_that_differ_become_symbols(self, tmp_path: Path) -> None:
        class Net(nn.Module):
            def __init__(self):
                super().__init__()
                self.linear = nn.Linear(8, 8)

            def forward(self, x, mask):
                b, n, c = x.shape
                y = self.linear(x).view(b, n, 2, c // 2).transpose(1, 2).reshape(b * 2, n, -1)
                y = F.pad(y, (0, 0, 1, 0))[:, :-1] + torch.arange(n)[None, :, None]
                return y * mask[:, :, None].repeat_interleave(2, 0), torch.ones(n + 3), n * 2

        net = Net().eval()
        calls = [((torch.rand(b, n, 8), torch.rand(b, n)), {}) for b, n in ((2, 5), (3, 9))]
        exported = export(net, *calls[0], tmp_path, dynamic=calls[1:])
        b, n = exported.plan["inputs"]["x"]["shape"][:2]
        assert exported.plan["inputs"]["mask"]["shape"] == [b, n]
        assert f"{n} >= 2" in exported.plan["where"]
        for sizes in ((2, 5), (3, 9), (4, 6), (2, 31)):
            args = (torch.rand(*sizes, 8), torch.rand(*sizes))
            assert same(net(*args), run_plan(tmp_path, net, args))

    def test_conditions_that_forward_needs_are_written_down(self, tmp_path: Path) -> None:
        target = module(lambda self, x: x.view(-1, 4).sum(0) if x.shape[0] > 5 else x)
        calls = [((torch.rand(n),), {}) for n in (8, 16)]
        exported = export(target, *calls[0], tmp_path, dynamic=calls[1:])
        symbol = exported.plan["inputs"]["x"]["shape"][0]
        assert any("% 4" in condition for condition in exported.plan["where"])
        x = torch.rand(24)
        assert same(target(x), run_plan(tmp_path, target, (x,)))
        for n in (4, 10):
            with pytest.raises(ValueError, match=symbol):
                run_plan(tmp_path, target, (torch.rand(n),))

    def test_examples_of_different_ranks_are_refused(self, tmp_path: Path) -> None:
        calls = [((torch.rand(3),), {}), ((torch.rand(3, 3),), {})]
        with pytest.raises(BurnishError, match="rank or dtype"):
            export(module(lambda self, x: x), *calls[0], tmp_path, dynamic=calls[1:])

    def test_sizes_found_at_run_time(self, tmp_path: Path) -> None:
        def forward(self, x):
            rows = torch.nonzero(x > 0.5).squeeze(1)
            return x[rows] * 2, torch.zeros(rows.shape[0] + 1)

        target = module(forward)
        check_export(target, tmp_path, (torch.rand(20),))
        x = torch.rand(20)
        assert same(target(x), run_plan(tmp_path, target, (x,)))


class TestUnsupported:
    @pytest.mark.parametrize(
        ("forward", "says"),
        [
            (lambda self, x: x * x.sum().item(), "read from a tensor"),
            (lambda self, x: x if x.sum() > 0 else -x, "data-dependent|branch"),
            (lambda self, x: torch.from_numpy(x.numpy() + 1), "numpy"),
            (lambda self, x: x.to_sparse(), "sparse"),
        ],
    )
    def test_says_what_and_where(self, forward, says: str, tmp_path: Path) -> None:
        with pytest.raises(BurnishError) as caught:
            export(module(forward), (torch.rand(3),), {}, tmp_path)
        assert caught.value.reason == "unsupported"
        assert any(word.lower() in str(caught.value).lower() for word in says.split("|")), str(caught.value)
        assert caught.value.where
        assert caught.value.todo
        assert not (tmp_path / "plan.json").exists()

    def test_random_operators(self, tmp_path: Path) -> None:
        for forward in (lambda self, x: x + torch.rand_like(x), lambda self, x: F.dropout(x, 0.5, training=True)):
            with pytest.raises(BurnishError) as caught:
                export(module(forward), (torch.rand(3),), {}, tmp_path)
            assert caught.value.reason == "random"

    def test_operators_of_others(self, tmp_path: Path) -> None:
        @torch.library.custom_op("burnish_test::twice", mutates_args=())
        def twice(x: torch.Tensor) -> torch.Tensor:
            return x * 2

        twice.register_fake(lambda x: torch.empty_like(x))
        with pytest.raises(BurnishError, match="burnish_test::twice"):
            export(module(lambda self, x: twice(x)), (torch.rand(3),), {}, tmp_path)

    def test_arguments_of_unknown_classes(self, tmp_path: Path) -> None:
        for value in (object(), float("nan"), 1 << 70):
            with pytest.raises(BurnishError, match=r"argument 'o' is (float|int)|class 'object'"):
                export(module(lambda self, x, o: x), (torch.rand(3), value), {}, tmp_path)


def test_the_plan_is_readable_json(tmp_path: Path) -> None:
    check_export(nn.Linear(3, 4), tmp_path, (torch.rand(2, 3),))
    text = (tmp_path / "plan.json").read_text()
    assert json.loads(text)["burnish_plan"] == 1
    assert '    {"op": "aten::linear", "args": ["input", "weight", "bias"], "out": ["linear"]}\n' in text


def test_widened_to_float64(tmp_path: Path) -> None:
    def forward(self, x):
        return self.linear(x).to(torch.float32).softmax(-1, dtype=torch.float32).half()

    target = module(forward, linear=nn.Linear(64, 64))
    x = torch.rand(4, 64)
    check_export(target, tmp_path, (x,))
    wide = run_plan(tmp_path, target, (x,), widen=True)
    exact = target.linear.double()(x.double()).softmax(-1)
    assert wide.dtype == torch.float64
    assert torch.allclose(wide, exact, rtol=1e-12)


def test_results_that_the_caller_may_write_to(tmp_path: Path) -> None:
    """What eager returns as fresh memory is fresh memory from the plan: no constant, no input."""

    def forward(self, x):
        y = torch.empty(3)
        y.copy_(x)
        z = torch.zeros(2, 3)
        z[0] = x
        z[1] = x
        return torch.tensor([1.0, 2.0])[None], y, torch.tensor(3.0), z[1]

    target, x = module(forward), torch.rand(3)
    check_export(target, tmp_path, (x,))
    interpreter = PlanInterpreter(tmp_path, target)
    first = interpreter.run([x])
    expected = [t.clone() for t in first]
    for result in first:
        result.add_(1)
    assert same(expected, list(interpreter.run([x])))


class TestWritesToSlices:
    def test_steps_of_a_loop_are_stacked(self, tmp_path: Path) -> None:
        def forward(self, x):
            out = torch.empty(x.shape[0], 6, 3)
            h = x
            for t in range(6):
                h = torch.tanh(h * 1.5)
                out[:, t] = h
            return out

        exported = check_export(module(forward), tmp_path, (torch.randn(4, 3),))
        assert ops(exported)[-1] == "stack"
        assert not any("scatter" in op for op in ops(exported))

    def test_slices_are_concatenated(self, tmp_path: Path) -> None:
        def forward(self, x):
            out = torch.zeros_like(x)
            out[..., 2:] = x[..., 2:] * 2
            out[..., :2] = x[..., :2] + 1
            return out

        exported = check_export(module(forward), tmp_path, (torch.randn(4, 5),))
        assert ops(exported)[-1] == "cat"

    @pytest.mark.parametrize(
        "body",
        [
            "out[:, 1] = a; out[:, 0] = b",
            "out[:, 0] = a; out[:, 0] = b; out[:, 1] = a; out[:, 2] = b",
            "out[:, :2] = x[:, :2]; out[:, 1:] = x[:, :2] * 2",
            "out[:, 0] = a; c = out.sum(); out[:, 1] = a * c; out[:, 2] = b",
            "out[:, ::2] = x[:, ::2]; out[:, 1] = a",
            "out[0] = x[1]; out[1] = x[0]; out[:, 0] = a; out[:, 1] = b; out[:, 2] = b",
            "out[:, -1] = a; out[:, :-1] = x[:, 1:]",
            "out[0] = 3; out[1] = x[1].half()",
            "out[:, 0] += a; out[:, 1] *= 2; out[:, 2] = out[:, 0]",
        ],
    )
    def test_overlapping_and_partial_writes(self, body: str, tmp_path: Path) -> None:
        scope: dict = {"torch": torch}
        exec(
            f"def forward(self, x):\n  a, b = x[:, 0], x[:, 2]\n  out = torch.ones(2, 3)\n  {body}\n  return out", scope
        )
        check_export(module(scope["forward"]), tmp_path, (torch.randn(2, 3),))
