"""Which target burnish.optimize takes, from where a module and its examples lie. With a GPU: test_optimize_cuda.py."""

from __future__ import annotations

import os
import re

import burnish
import pytest
import torch
import torch.nn as nn
from burnish.errors import BurnishError
from burnish.target import Home, choose_target, home_of, named_devices, on_device, only_visible, target_at

CPU, GPU, OTHER_GPU = torch.device("cpu"), torch.device("cuda", 0), torch.device("cuda", 1)


def test_a_module_on_the_cpu() -> None:
    model, x = nn.BatchNorm1d(3), torch.rand(2, 3)
    assert choose_target(model, x) == ("cpu", CPU)
    assert choose_target(model, [(x,), {"input": x}], "metal-emulated") == ("metal-emulated", CPU)
    assert choose_target(nn.ReLU(), []) == ("cpu", CPU)  # that there is no example is said elsewhere
    names = [name for name, _ in named_devices(model, (x, {"more": [x, 3]}))]
    assert names[0] == "the parameter 'weight'"
    assert "the buffer 'running_mean'" in names
    assert names[-2:] == ["tensor 1 of the example inputs", "tensor 2 of the example inputs"]


def test_on_a_gpu_the_target_is_cuda() -> None:
    for device in (GPU, OTHER_GPU):
        home = home_of([("the parameter 'w'", device), ("tensor 1 of the example inputs", device)])
        assert home == Home(device, "the parameter 'w'")
        assert target_at(home, None) == target_at(home, "cuda") == "cuda"


@pytest.mark.parametrize(
    ("named", "says"),
    [
        ([("the parameter 'w'", GPU), ("tensor 1 of the example inputs", CPU)], "tensor 1 of the example inputs lies"),
        ([("the parameter 'w'", CPU), ("the buffer 'b'", GPU)], "the buffer 'b' lies on cuda:0, the parameter 'w' on"),
        ([("the parameter 'w'", GPU), ("the parameter 'v'", OTHER_GPU)], "on cuda:1, the parameter 'w' on cuda:0"),
    ],
)
def test_tensors_that_lie_apart(named: list, says: str) -> None:
    with pytest.raises(BurnishError, match=re.escape(says)) as caught:
        home_of(named)
    assert caught.value.reason == "device"
    assert "model.to(" in caught.value.todo


def test_a_target_that_runs_elsewhere() -> None:
    for device, wanted in ((CPU, "cuda"), (GPU, "cpu"), (GPU, "metal-emulated")):
        with pytest.raises(BurnishError, match=f"the target {wanted} is asked for, but w lies on {device}"):
            target_at(Home(device, "w"), wanted)
    assert target_at(Home(CPU, "w"), "tpu") == "tpu"  # the command knows which there are
    with pytest.raises(BurnishError, match="no target of Burnish"):
        target_at(Home(torch.device("meta"), "w"), None)


def test_optimize_says_it_before_anything_starts() -> None:
    with pytest.raises(BurnishError, match="lies on meta, the parameter 'weight' on cpu") as caught:
        burnish.optimize(nn.Linear(3, 3), torch.rand(2, 3, device="meta"))
    assert caught.value.reason == "device"
    with pytest.raises(BurnishError, match="the target cuda is asked for"):
        burnish.optimize(nn.Linear(3, 3), torch.rand(2, 3), target="cuda")


def test_which_gpu_started_processes_see() -> None:
    assert only_visible(0, None) is None
    assert only_visible(1, None) == "1"
    assert only_visible(1, "") == "1"
    assert only_visible(1, "3, GPU-5e1f") == "GPU-5e1f"
    before = dict(os.environ)
    with on_device(CPU):
        assert dict(os.environ) == before
