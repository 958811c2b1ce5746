"""burnish.load: the module that it gives behaves as the original in everything but speed."""

from __future__ import annotations

import copy
import gc
import io
import json
import pickle
import subprocess
import sys
import threading
import warnings
import weakref
from pathlib import Path
from typing import Any, NamedTuple

import burnish
import pytest
import torch
from burnish import trial
from burnish.deploy import Burnished
from deployed import Scale, deploy_export, deploy_kernel, seal


class Net(torch.nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.BatchNorm1d(16))
        self.head = torch.nn.Linear(16, 4, bias=False)
        self.register_buffer("shift", torch.randn(4), persistent=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.head(self.body(x)) + self.shift


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net().eval()


@pytest.fixture
def fast(net: Net, tmp_path: Path) -> Burnished:
    return burnish.load(net, deploy_export(net, tmp_path / "net", torch.randn(3, 8)))


def runs_plan(fast: torch.nn.Module, *args: Any, **kwargs: Any) -> bool:
    """Whether the plan covers this call."""
    with torch.no_grad():
        return isinstance(fast._run.attempt(*args, **kwargs), tuple)


def why_not(fast: torch.nn.Module, *args: Any, **kwargs: Any) -> str:
    reason = fast._run.attempt(*args, **kwargs)
    return reason if isinstance(reason, str) else ""


def same_as_original(fast: Burnished, *args: Any) -> bool:
    with torch.no_grad():
        return runs_plan(fast, *args) and torch.equal(fast(*args), fast.original(*args))


def test_it_computes_the_same_and_shares_everything(net: Net, fast: Burnished) -> None:
    assert same_as_original(fast, torch.randn(3, 8))
    assert list(fast.state_dict()) == list(net.state_dict())
    assert [n for n, _ in fast.named_parameters()] == [n for n, _ in net.named_parameters()]
    assert all(a is b for a, b in zip(fast.parameters(), net.parameters(), strict=True))
    assert fast.head is net.head and fast.shift is net.shift
    assert "Net" in repr(fast)


def test_writes_to_parameters_are_seen(net: Net, fast: Burnished) -> None:
    x = torch.randn(3, 8)
    with torch.no_grad():
        net.head.weight.mul_(2)
    assert same_as_original(fast, x)
    fast.load_state_dict(
        {
            name: torch.rand_like(t, dtype=t.dtype) if t.is_floating_point() else t
            for name, t in fast.state_dict().items()
        }
    )
    assert same_as_original(fast, x)
    fast.load_state_dict({name: t.clone() * 2 for name, t in fast.state_dict().items()}, assign=True)
    assert same_as_original(fast, x)


def test_parameters_that_are_replaced_are_seen(net: Net, fast: Burnished) -> None:
    x = torch.randn(3, 8)
    net.head.weight = torch.nn.Parameter(torch.randn(4, 16))
    assert same_as_original(fast, x)
    fast.head.weight = torch.nn.Parameter(torch.randn(4, 16))
    fast.shift = torch.randn(4)
    assert net.shift is fast.shift
    assert same_as_original(fast, x)
    net.head.weight.data = torch.randn(4, 16)
    assert same_as_original(fast, x)


def test_other_dtypes_run_the_original_until_they_are_back(net: Net, fast: Burnished) -> None:
    fast.double()
    x = torch.randn(3, 8)
    assert net.head.weight.dtype == torch.float64
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert fast(x.double()).dtype == torch.float64
        assert "changed its dtype" in why_not(fast, x)
    fast.float()
    assert same_as_original(fast, x)


def test_calls_outside_of_the_guards_run_the_original_and_warn_once(net: Net, fast: Burnished) -> None:
    x = torch.randn(5, 8)
    with torch.no_grad():
        with pytest.warns(UserWarning, match="the original Net runs for calls like this one: input x"):
            assert torch.equal(fast(x), net(x))
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            assert torch.equal(fast(x), net(x))


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: torch.randn(3, 8, dtype=torch.float64), "input x"),
        (lambda: torch.randn(8, 3).t(), "input x"),
        (lambda: torch.randn(3, 8, device="meta"), "another device"),
        (lambda: torch.nn.Parameter(torch.randn(3, 8), requires_grad=False), ""),
        (lambda: torch.randn(3, 8).as_subclass(type("Sub", (torch.Tensor,), {})), "of a type"),
        (lambda: torch.randn(3, 8).to_sparse(), "not strided"),
        (lambda: [[1.0] * 8] * 3, "of a type"),
    ],
)
def test_kinds_of_tensors(fast: Burnished, make: Any, reason: str) -> None:
    with torch.no_grad():
        found = why_not(fast, make())
    assert reason in found and bool(found) == bool(reason)


def test_gradients_belong_to_the_original(net: Net, fast: Burnished) -> None:
    x = torch.randn(3, 8)
    with pytest.warns(UserWarning, match="requires grad"):
        fast(x).sum().backward()
    assert net.head.weight.grad is not None
    net.requires_grad_(False)
    assert why_not(fast, x) == ""  # grad mode on, but nothing requires it
    assert "requires grad" in why_not(fast, x.clone().requires_grad_())


def test_training_mode_and_hooks_belong_to_the_original(net: Net, fast: Burnished) -> None:
    x = torch.randn(3, 8)
    with torch.no_grad():
        fast.train()
        assert net.training and net.body[2].training
        assert "training" in why_not(fast, x)
        fast.eval()
        assert runs_plan(fast, x)
        net.body[2].train()
        assert "training" in why_not(fast, x)
        net.eval()
        handle = net.body[0].register_forward_hook(lambda module, args, out: out * 0)
        assert "hooks" in why_not(fast, x)
        handle.remove()
        assert runs_plan(fast, x)
        net.body[1] = torch.nn.Tanh()
        assert "replaced" in why_not(fast, x)


def test_modes_of_dispatch_belong_to_the_original(fast: Burnished) -> None:
    x = torch.randn(3, 8)
    with torch.no_grad():
        with torch.autocast("cpu", dtype=torch.bfloat16):
            assert "autocast" in why_not(fast, x)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert torch.vmap(fast.original)(torch.randn(2, 3, 8)).shape == torch.vmap(fast)(torch.randn(2, 3, 8)).shape
            traced = torch.jit.trace(fast, (x,), check_trace=False)
        assert torch.equal(traced(x), fast(x))
    with torch.inference_mode():
        assert isinstance(fast._run.attempt(torch.randn(3, 8)), tuple)


def test_hooks_on_the_result_run(fast: Burnished) -> None:
    fast.register_forward_hook(lambda module, args, out: out * 0)
    with torch.no_grad():
        assert fast(torch.randn(3, 8)).abs().sum() == 0


class Pair(NamedTuple):
    a: torch.Tensor
    b: torch.Tensor


class Nested(torch.nn.Module):
    def forward(self, x, *, scale: float = 2.0, xs=(), batch=None, flag: bool = True):
        total = x * scale
        for item in xs:
            total = total + item
        if batch is not None:
            total = total + batch["m"][0]
        return {"total": total, "pair": (total.sum(), [x + 1, None]), "n": 3 if flag else 4}


class Positional(torch.nn.Module):
    def forward(self, *xs, **named):
        return torch.stack(xs).sum(0) + named["bias"], xs[0] - 1


def test_nested_arguments_and_results(tmp_path: Path) -> None:
    module, x = Nested().eval(), torch.randn(4)
    arguments = {"xs": [torch.randn(4), torch.randn(4)], "batch": {"m": (torch.randn(4),)}, "scale": 3.0}
    fast = burnish.load(module, deploy_export(module, tmp_path / "a", x, **arguments))
    with torch.no_grad():
        (got,), expected = fast._run.attempt(x, **arguments), module(x, **arguments)
        assert list(got) == list(expected) and torch.equal(got["total"], expected["total"]) and got["n"] == 3
        assert type(got["pair"]) is tuple and type(got["pair"][1]) is list and got["pair"][1][1] is None
        assert isinstance(fast._run.attempt(x=x, **arguments), tuple)
        for wrong in (
            {"scale": 4.0},
            {"xs": [x]},
            {"batch": {"m": (x,), "k": x}},
            {"flag": False},
            {"scale": 3},
            {"batch": None},
        ):
            assert why_not(fast, x, **(arguments | wrong)), wrong
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            assert fast(x)["total"].equal(module(x)["total"])
            with pytest.raises(TypeError, match="unexpected keyword"):
                fast(x, wrong=1)

    module = Positional().eval()
    fast = burnish.load(module, deploy_export(module, tmp_path / "b", x, x + 1, bias=x))
    with torch.no_grad():
        (got,) = fast._run.attempt(x, x + 1, bias=x)
        assert type(got) is tuple and got[0].equal(module(x, x + 1, bias=x)[0])
        assert why_not(fast, x, bias=x) and why_not(fast, x, x, bias=x, other=x)


def test_sizes_that_vary(tmp_path: Path, net: Net) -> None:
    folder = deploy_export(net, tmp_path / "n", torch.randn(3, 8), dynamic=[((torch.randn(7, 8),), {})])
    fast = burnish.load(net, folder)
    for n in (2, 3, 100):
        assert same_as_original(fast, torch.randn(n, 8))


def test_copies_and_pickles(fast: Burnished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x = torch.randn(3, 8)
    twin = copy.deepcopy(fast)
    with torch.no_grad():
        twin.head.weight.zero_()
        assert not torch.equal(twin(x), fast(x)) and runs_plan(twin, x) and runs_plan(fast, x)
    again = pickle.loads(pickle.dumps(fast))
    assert runs_plan(again, x) and torch.equal(again.state_dict()["head.weight"], fast.state_dict()["head.weight"])
    file = io.BytesIO()
    torch.save(fast, file)
    for name in fast._folder.manifest["files"]:
        (fast._folder.path / name).unlink()  # a saved module needs no folder
    loaded = torch.load(io.BytesIO(file.getvalue()), weights_only=False)
    with torch.no_grad():
        assert runs_plan(loaded, x) and torch.equal(loaded(x), fast(x))
    state = io.BytesIO()
    torch.save(fast.state_dict(), state)
    plain = Net().eval()
    plain.load_state_dict(torch.load(io.BytesIO(state.getvalue())))


def test_in_another_process(net: Net, tmp_path: Path) -> None:
    deploy_kernel(tmp_path / "scale")
    script = (
        "import sys, torch, burnish; sys.path.insert(0, sys.argv[2])\n"
        "from deployed import Scale\n"
        "fast = burnish.load(Scale().eval(), sys.argv[1])\n"
        "with torch.no_grad():\n"
        "    (y,) = fast._run.attempt(torch.arange(5.0))\n"
        "print(y.tolist())\n"
    )
    here = Path(__file__).parent
    done = subprocess.run(
        [sys.executable, "-c", script, tmp_path / "scale", here], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == [0.0, 3.0, 6.0, 9.0, 12.0]


def test_threads_share_a_module(fast: Burnished) -> None:
    wrong = []

    def work(seed: int) -> None:
        x = torch.randn(3, 8, generator=torch.Generator().manual_seed(seed))
        with torch.no_grad():
            expected = fast.original(x)
            wrong.extend(i for i in range(300) if not torch.equal(fast(x), expected))

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def test_it_is_collected(net: Net, tmp_path: Path) -> None:
    fast = burnish.load(net, deploy_export(net, tmp_path / "net", torch.randn(3, 8)))
    gone = weakref.ref(fast)
    del fast
    gc.collect()
    assert gone() is None


def test_damaged_folders_are_refused(net: Net, tmp_path: Path) -> None:
    folder = deploy_export(net, tmp_path / "net", torch.randn(3, 8))
    plan = (folder / "plan.json").read_text()
    (folder / "plan.json").write_text(plan + " ")
    with pytest.raises(burnish.BurnishError, match="its hash differs") as caught:
        burnish.load(net, folder)
    assert "plan.json" in caught.value.where
    (folder / "plan.json").unlink()
    with pytest.raises(burnish.BurnishError, match="is missing"):
        burnish.load(net, folder)
    with pytest.raises(burnish.BurnishError, match="no deployed folder"):
        burnish.load(net, tmp_path)
    (folder / "plan.json").write_text(plan)
    seal(folder, kernels={"k.cpp": "../evil.so"})
    with pytest.raises(burnish.BurnishError, match="not among the manifest's files"):
        burnish.load(net, folder)
    seal(folder, burnish=2)
    with pytest.raises(burnish.BurnishError, match="newer Burnish"):
        burnish.load(net, folder)
    seal(folder)
    with pytest.raises(burnish.BurnishError, match="no parameter or buffer"):
        burnish.load(torch.nn.Linear(8, 4).eval(), folder)
    seal(folder, params={"head.weight": {"dtype": "float32", "shape": [5, 16]}})
    with pytest.raises(burnish.BurnishError, match=r"made for float32 \[5, 16\]"):
        burnish.load(net, folder)


def test_missing_instruction_sets_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from burnish import deployed_folder

    here = sorted(deployed_folder.processor_flags())
    deploy_kernel(
        tmp_path / "scale", host={"name": trial.processor_name(), "flags": [*here, "avx9000", "vmx_flexpriority"]}
    )
    monkeypatch.setenv("BURNISH", "/bin/false")
    monkeypatch.setenv("BURNISH_HOME", str(tmp_path / "home"))
    with pytest.raises(burnish.BurnishError, match="avx9000") as caught:
        burnish.load(Scale().eval(), tmp_path / "scale")
    assert "vmx" not in caught.value.what


def test_on_another_machine_the_first_calls_decide(net: Net, tmp_path: Path) -> None:
    folder = deploy_export(net, tmp_path / "net", torch.randn(3, 8))
    x = torch.randn(3, 8)
    fast = burnish.load(net, seal(folder, torch="1.0"))
    with torch.no_grad(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for _ in range(trial.CALLS):
            assert fast._trial is not None
            assert torch.equal(fast(x), net(x))
        assert fast._trial is None and (fast._run is net or type(fast._run).__name__ == "Caller")
        assert torch.equal(fast(x), net(x))


def test_a_winner_that_is_wrong_here_goes(tmp_path: Path) -> None:
    deploy_kernel(tmp_path / "scale", torch="1.0")

    class Other(Scale):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x * self.w + 1

    module, x = Other().eval(), torch.randn(5)
    fast = burnish.load(module, tmp_path / "scale")
    with torch.no_grad():
        with pytest.warns(UserWarning, match=r"its results differ here.*instead of 1.0"):
            assert torch.equal(fast(x), module(x))
        assert fast._trial is None and torch.equal(fast(x), module(x))


def test_recipes_and_model_new(net: Net, tmp_path: Path) -> None:
    x = torch.randn(3, 8)
    recipe = tmp_path / "recipe"
    recipe.mkdir()
    (recipe / "recipe.json").write_text(json.dumps({"burnish_recipe": 1, "freeze": True}))
    fast = burnish.load(net, seal(recipe, "recipe"))
    with torch.no_grad():
        assert torch.allclose(fast(x), net(x), atol=1e-5)
        net.head.weight.mul_(2)
        assert torch.allclose(fast(x), net(x), atol=1e-5)
    with pytest.warns(UserWarning, match="requires grad"):
        fast(x).sum().backward()

    new = tmp_path / "new"
    new.mkdir()
    (new / "model_new.py").write_text(
        "import torch\n"
        "class ModelNew(torch.nn.Module):\n"
        "    def __init__(self):\n"
        "        super().__init__()\n"
        "        self.w = torch.nn.Parameter(torch.zeros(1))\n"
        "    def forward(self, x):\n"
        "        return self.w * x\n"
    )
    module = Scale().eval()
    fast = burnish.load(module, seal(new, "model_new"))
    with torch.no_grad():
        assert torch.equal(fast(x), module(x))
        module.w.add_(1)
        assert torch.equal(fast(x), module(x))

    assert burnish.load(net, seal(tmp_path / "recipe", "original")) is net
