"""Problems from files and from live modules."""

from __future__ import annotations

import os
import random
import subprocess
import sys
import textwrap
from pathlib import Path

import numpy
import pytest
import torch
import torch.nn as nn
from burnish.errors import BurnishError
from burnish.live import Draws, example_calls, from_module, load_payload, shuffled
from burnish.problem import load_problem
from plans import same

HONEST = """
import torch
class Model(torch.nn.Module):
    def __init__(self, n=4, *, scale=1.0):
        super().__init__()
        self.linear = torch.nn.Linear(n, n)
        self.scale = scale
    def forward(self, x, y=None):
        z = self.linear(x) * self.scale
        return z if y is None else z + y
"""


def write(folder: Path, text: str, name: str = "problem.py") -> Path:
    path = folder / name
    path.write_text(textwrap.dedent(text))
    return path


@pytest.mark.parametrize(
    ("returned", "args", "kwargs"),
    [
        ("[torch.rand(2, 4)]", 1, []),
        ("(torch.rand(2, 4), torch.rand(4))", 2, []),
        ("torch.rand(2, 4)", 1, []),
        ("{'x': torch.rand(2, 4), 'y': torch.rand(4)}", 0, ["x", "y"]),
        ("([torch.rand(2, 4)], {'y': torch.rand(4)})", 1, ["y"]),
    ],
)
def test_forms_of_get_inputs(returned: str, args: int, kwargs: list[str], tmp_path: Path) -> None:
    problem = load_problem(write(tmp_path, f"{HONEST}\ndef get_inputs(): return {returned}\n"))
    call = problem.draw(3)
    assert (len(call[0]), list(call[1])) == (args, kwargs)
    assert problem.run(*call).shape == (2, 4)


@pytest.mark.parametrize("returned", ["[8]", "{'n': 8, 'scale': 2.0}", "([8], {'scale': 2.0})", "8,"])
def test_forms_of_get_init_inputs(returned: str, tmp_path: Path) -> None:
    text = f"{HONEST}\ndef get_inputs(): return [torch.rand(2, 8)]\ndef get_init_inputs(): return {returned}\n"
    assert load_problem(write(tmp_path, text)).module.linear.in_features == 8


def test_another_class_and_inputs_from_another_file(tmp_path: Path) -> None:
    model = write(tmp_path, HONEST.replace("class Model", "class Net"), "net.py")
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "rows.txt").write_text("3")
    text = "import torch\ndef four(): return [torch.rand(int(open('rows.txt').read()), 4)]\n"
    inputs = write(tmp_path / "data", text, "data.py")
    problem = load_problem(model, "Net", f"{inputs}:four")
    assert problem.name == "net:Net"
    assert problem.draw(0)[0][0].shape == (3, 4)


def test_modes(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HONEST}\ndef get_inputs(): return [torch.rand(2, 4)]\n")
    assert not load_problem(path).module.training
    assert load_problem(path, mode="train").module.training


def test_reads_files_and_modules_beside_it(tmp_path: Path) -> None:
    write(tmp_path, "WIDTH = 4\n", "neighbour_of_problem.py")
    (tmp_path / "width.txt").write_text("4")
    text = """
        import torch
        from neighbour_of_problem import WIDTH
        size = int(open("width.txt").read())
        class Model(torch.nn.Module):
            def forward(self, x): return x * int(open("width.txt").read())
        def get_inputs(): return [torch.rand(WIDTH, int(open("width.txt").read()))]
    """
    before, path = os.getcwd(), list(sys.path)
    problem = load_problem(write(tmp_path, text))
    assert problem.draw(0)[0][0].shape == (4, 4)
    problem.probe()
    assert (os.getcwd(), sys.path) == (before, path)


def test_stdout_stays_clean(tmp_path: Path) -> None:
    text = """
        import os, torch
        print("from import")
        os.system("echo from a child")
        class Model(torch.nn.Module):
            def __init__(self): super().__init__(); print("from init"); os.write(1, b"raw\\n")
            def forward(self, x): print("from forward"); return x * 2
        def get_inputs(): print("from inputs"); return [torch.rand(2)]
    """
    script = f"""
from burnish.problem import load_problem
problem = load_problem({str(write(tmp_path, text))!r})
problem.probe()
print("only this")
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout == "only this\n"
    for word in ("from import", "from a child", "from init", "raw", "from forward", "from inputs"):
        assert word in done.stderr


def test_generators_of_the_process_are_left_alone(tmp_path: Path) -> None:
    text = """
        import random, numpy, torch
        class Model(torch.nn.Module):
            def __init__(self): super().__init__(); self.p = torch.nn.Parameter(torch.rand(3))
            def forward(self, x): return x * self.p
        def get_inputs():
            return [torch.rand(3) + random.random() + torch.from_numpy(numpy.random.rand(3)).float()]
    """
    random.seed(1), numpy.random.seed(1), torch.manual_seed(1)
    before = (random.getstate(), numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist())
    problem = load_problem(write(tmp_path, text))
    assert same(problem.draw(4), problem.draw(4))
    assert not same(problem.draw(4), problem.draw(5))
    assert before == (random.getstate(), numpy.random.get_state()[1].tolist(), torch.get_rng_state().tolist())


def test_slow_constructors_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import burnish.problem

    text = f"import time\n{HONEST}\ndef get_init_inputs(): time.sleep(0.5); return []\ndef get_inputs(): return []\n"
    watched = burnish.problem.watched
    monkeypatch.setattr(burnish.problem, "watched", lambda slow, phase: watched(slow, phase, every_s=0.1))
    said: list[tuple[str, float]] = []
    load_problem(write(tmp_path, text), on_slow=lambda phase, seconds: said.append((phase, seconds)))
    assert [phase for phase, _ in said if phase == "constructing"]


def test_payload_makes_the_same_problem(tmp_path: Path) -> None:
    path = write(tmp_path, f"{HONEST}\ndef get_inputs(): return [torch.rand(2, 4)]\n")
    one = load_problem(path, seed=9)
    other = load_payload(one.payload)
    assert same(dict(one.module.state_dict()), dict(other.module.state_dict()))
    assert same(one.draw(3), other.draw(3))


def test_the_text_is_what_a_writer_of_kernels_reads(tmp_path: Path) -> None:
    text = f"{HONEST}\ndef get_inputs(): return [torch.rand(2, 4)]\n"
    assert load_problem(write(tmp_path, text)).text() == text
    assert from_module(Written(), torch.rand(2)).text().startswith("class Written(nn.Module):")
    made = type("Made", (nn.Identity,), {"__module__": "nowhere"})
    assert "in no file" in from_module(made(), torch.rand(2)).text()


class Written(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + 1


class TestLive:
    def test_forms_of_examples(self) -> None:
        x, y = torch.rand(2), torch.rand(2)
        assert same(example_calls(x), [((x,), {})])
        assert len(example_calls((x, y))[0][0]) == 2
        assert list(example_calls({"x": x, "y": y})[0][1]) == ["x", "y"]
        assert len(example_calls([x, (y,), {"x": x}])) == 3
        for empty in ([], [3], [(1, 2)]):
            with pytest.raises(BurnishError) as caught:
                example_calls(empty)
            assert caught.value.reason == "inputs"

    def test_the_module_is_copied(self) -> None:
        module = nn.Sequential(nn.Linear(3, 3), nn.Dropout(0.5))
        problem = from_module(module, torch.rand(2, 3))
        assert not problem.module.training
        assert module.training
        problem.module[0].weight.data.zero_()
        assert module[0].weight.abs().sum() > 0
        problem.probe()

    def test_draws_keep_values_and_layout(self) -> None:
        x = torch.randn(4, 5, 6, 7).contiguous(memory_format=torch.channels_last)
        tokens = torch.randint(0, 100, (4, 9))
        positions = torch.arange(9).expand(4, 9)
        mask = torch.zeros(9, 9).masked_fill(torch.ones(9, 9).triu(1).bool(), float("-inf"))
        torch.manual_seed(0)
        other = shuffled(x)
        assert other.stride() == x.stride()
        assert not other.equal(x)
        assert other.flatten().sort().values.equal(x.flatten().sort().values)
        assert shuffled(tokens).flatten().sort().values.equal(tokens.flatten().sort().values)
        assert shuffled(positions).equal(positions)
        assert shuffled(mask).equal(mask)

    def test_sizes_between_the_examples_are_drawn(self) -> None:
        module = nn.Bilinear(3, 3, 2)
        calls = example_calls([(torch.rand(n, 3), torch.rand(n, 3)) for n in (4, 20)])
        draws = Draws(module, calls)
        sizes = set()
        for seed in range(60):
            torch.manual_seed(seed)
            (a, b), _ = draws.draw(seed)
            assert a.shape == b.shape
            sizes.add(a.shape[0])
        assert {4, 20} <= sizes
        assert len(sizes) > 4
        assert max(sizes) == 20

    @pytest.mark.parametrize("guard", ["if __name__ == '__main__':", "if True:"])
    def test_payload_of_a_class_of_the_main_script(self, guard: str, tmp_path: Path) -> None:
        """A worker imports the script's definitions, whether it guards its main part or not."""
        worker = (
            "import json, sys, torch; from burnish.live import load_payload; "
            "p = load_payload(json.loads(sys.argv[1])); print(float(p.module(*p.calls[0][0]).detach()[0]))"
        )
        script = write(
            tmp_path,
            f"""
            import json, os, subprocess, sys, torch
            class Mine(torch.nn.Module):
                def __init__(self): super().__init__(); self.p = torch.nn.Parameter(torch.full((2,), 3.0))
                def forward(self, x): return x * self.p
            {guard}
                import burnish
                from burnish.live import from_module
                if os.environ.get("BURNISH_WORKER"):
                    burnish.optimize(None, None)  # a worker gets no further than this
                problem = from_module(Mine(), torch.full((2,), 2.0))
                command = [sys.executable, "-c", {worker!r}, json.dumps(problem.payload)]
                subprocess.run(command, check=True, env=dict(os.environ, BURNISH_WORKER="1"))
            """,
            "script.py",
        )
        done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True)
        assert done.stdout.strip() == "6.0", done.stderr

    def test_modules_that_cannot_be_pickled(self) -> None:
        module = nn.Linear(3, 3)
        module.hook = lambda x: x
        problem = from_module(module, torch.rand(2, 3))
        with pytest.raises(BurnishError, match=r"lambda|pickle"):
            _ = problem.payload
