"""Recipes: what is accepted, that results stay right, that nothing else changes."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn as nn
from burnish import recipe
from burnish.errors import BurnishError


class Net(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.head = nn.Linear(8, 4)

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        y = torch.relu(self.bn(self.conv(x)))
        return {"map": y, "head": self.head(y.mean((2, 3)))}


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    net = Net().eval()
    net.bn.running_mean.normal_()
    net.bn.running_var.uniform_(0.5, 2.0)
    return net


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ([], "JSON object"),
        ({}, "version 1"),
        ({"burnish_recipe": 2, "freeze": True}, "version 1"),
        ({"burnish_recipe": True, "freeze": True}, "version 1"),
        ({"burnish_recipe": 1}, "changes nothing"),
        ({"burnish_recipe": 1, "freeze": False}, "changes nothing"),
        ({"burnish_recipe": 1, "threads": 4}, "'threads'"),
        ({"burnish_recipe": 1, "compile": True}, "'compile' is an object"),
        ({"burnish_recipe": 1, "compile": {"mode": "fastest"}}, "'fastest'"),
        ({"burnish_recipe": 1, "compile": {"mode": ["default"]}}, "no mode"),
        ({"burnish_recipe": 1, "compile": {"dynamic": 1}}, "'dynamic'"),
        ({"burnish_recipe": 1, "compile": {"backend": "eager"}}, "'backend'"),
        ({"burnish_recipe": 1, "memory_format": "rows_last"}, "'rows_last'"),
        ({"burnish_recipe": 1, "memory_format": ["channels_last"]}, "no memory format"),
        ({"burnish_recipe": 1, "freeze": 1}, "'freeze'"),
        ({"burnish_recipe": 1, "cuda_graph": "yes"}, "'cuda_graph'"),
        ({"burnish_recipe": 1, "cudnn_benchmark": 1}, "'cudnn_benchmark'"),
        ({"burnish_recipe": 1, "cuda_graph": False}, "changes nothing"),
    ],
)
def test_wrong_recipes(given: Any, says: str) -> None:
    with pytest.raises(BurnishError, match=says) as caught:
        recipe.check(given, "recipe.json")
    assert caught.value.reason == "plan"
    assert caught.value.where == "recipe.json"
    assert caught.value.todo


RECIPES = [
    {"memory_format": "channels_last"},
    {"freeze": True},
    {"freeze": True, "memory_format": "channels_last"},
    {"compile": {}},
    {"compile": {"mode": "default"}, "memory_format": "channels_last"},
    {"compile": {"mode": "default", "dynamic": False}, "freeze": True},
]


@pytest.mark.parametrize("settings", RECIPES, ids=lambda r: "+".join(r))
def test_computes_the_same_and_follows_parameters(settings: dict[str, Any], net: Net) -> None:
    x = torch.randn(2, 3, 16, 16)
    process = (torch.get_num_threads(), torch.get_float32_matmul_precision(), torch.backends.mkldnn.enabled)
    state = {k: (v.data_ptr(), v.stride()) for k, v in net.state_dict().items()}
    recipe.reset()
    run = recipe.apply({"burnish_recipe": 1, **settings}, net)
    with torch.no_grad():
        for change in (None, "in place", "replaced", "buffer"):
            if change == "in place":
                net.conv.weight.mul_(1.5)
            elif change == "replaced":
                net.head.weight = nn.Parameter(torch.randn(4, 8))
                state.pop("head.weight")
            elif change == "buffer":
                net.bn.running_mean.add_(1.0)
            expected = net(x)
            for _ in range(2):
                got = run(x)
                assert list(got) == list(expected)
                for name in expected:
                    torch.testing.assert_close(got[name], expected[name], rtol=1e-4, atol=1e-5)
                    assert got[name].is_contiguous()
    assert process == (torch.get_num_threads(), torch.get_float32_matmul_precision(), torch.backends.mkldnn.enabled)
    assert state.items() <= {k: (v.data_ptr(), v.stride()) for k, v in net.state_dict().items()}.items()


@pytest.mark.parametrize("settings", [{}, {"freeze": True}], ids=str)
@pytest.mark.parametrize("fmt", ["channels_last", "channels_last_3d"])
def test_a_memory_format_leaves_other_ranks_alone(fmt: str, settings: dict[str, Any]) -> None:
    class Mixed(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.flat, self.deep = nn.Conv2d(2, 4, 3), nn.Conv3d(2, 4, 3)

        def forward(self, flat: torch.Tensor, deep: torch.Tensor) -> torch.Tensor:
            return self.flat(flat).sum() + self.deep(deep)

    module, inputs = Mixed().eval(), (torch.randn(1, 2, 8, 8), torch.randn(1, 2, 8, 8, 8))
    with torch.no_grad():
        run = recipe.apply({"burnish_recipe": 1, "memory_format": fmt, **settings}, module)
        torch.testing.assert_close(run(*inputs), module(*inputs), rtol=1e-4, atol=1e-5)


def test_a_frozen_copy_is_made_again_once_parameters_are_calm(net: Net) -> None:
    x = torch.randn(1, 3, 8, 8)
    with torch.no_grad():
        run = recipe.apply({"burnish_recipe": 1, "freeze": True}, net)
        calls = []
        net.register_forward_hook(lambda *_: calls.append(1))
        run(x)
        assert not calls
        net.conv.bias.add_(1)
        for _ in range(60):
            got = run(x)
        assert 0 < len(calls) < 60
        torch.testing.assert_close(got["map"], net(x)["map"])


def test_refresh_sees_writes_that_are_not_counted(net: Net) -> None:
    x = torch.randn(1, 3, 8, 8)
    with torch.no_grad():
        run = recipe.apply({"burnish_recipe": 1, "freeze": True}, net)
        net.conv.weight.data.mul_(2)
        run.refresh()
        torch.testing.assert_close(run(x)["map"], net(x)["map"], rtol=1e-4, atol=1e-5)


def test_modules_that_fx_cannot_trace() -> None:
    class Branch(nn.Module):
        def forward(self, x):
            return x if x.sum() > 0 else -x

    with pytest.raises(BurnishError, match=r"torch\.fx"):
        recipe.apply({"burnish_recipe": 1, "freeze": True}, Branch())


GRAPHS = [
    {"burnish_recipe": 1, "cuda_graph": True},
    {"burnish_recipe": 1, "cuda_graph": True, "cudnn_benchmark": True, "memory_format": "channels_last"},
]


@pytest.mark.parametrize("given", GRAPHS)
def test_settings_of_a_gpu_change_nothing_on_a_cpu(net: Net, given: dict) -> None:
    run = recipe.apply(given, net)
    x = torch.randn(2, 3, 8, 8)
    with torch.no_grad():
        torch.testing.assert_close(run(x), net(x), rtol=1e-5, atol=1e-6)
    assert torch.backends.cudnn.benchmark is False


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
@pytest.mark.parametrize("given", GRAPHS)
def test_graphs_are_right_for_new_inputs_parameters_and_sizes(net: Net, given: dict) -> None:
    net.cuda()
    run = recipe.apply(given, net)

    def check(*sizes: int) -> dict[str, torch.Tensor]:
        x = torch.randn(*sizes, 3, 8, 8, device="cuda")
        got = run(x)
        torch.testing.assert_close(got, net(x), rtol=1e-3, atol=1e-3)
        return got

    with torch.no_grad():
        first = check(2)
        kept = first["head"].clone()
        for _ in range(3):
            check(2)
        assert torch.equal(first["head"], kept)  # a later replay does not write to what was handed out
        check(5)
        net.head.weight.mul_(2)
        for _ in range(3):
            check(2)
        net.head.weight.data = net.head.weight.data * 3
        for _ in range(3):
            check(5)
    stream = torch.cuda.Stream()
    with torch.cuda.stream(stream), torch.no_grad():
        check(2)
    torch.cuda.synchronize()


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")
def test_what_no_graph_can_hold_runs_without_one() -> None:
    class Reads(nn.Module):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * 2 if x.sum().item() > 0 else x * 3

    run = recipe.apply({"burnish_recipe": 1, "cuda_graph": True}, Reads())
    with torch.no_grad():
        for value in (1.0, -1.0, 1.0):
            x = torch.full((4,), value, device="cuda")
            assert torch.equal(run(x), x * (2 if value > 0 else 3))
