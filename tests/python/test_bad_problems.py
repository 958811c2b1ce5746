"""Bad problem files: each earns its reason, and a sentence with what, where and what to do."""

from __future__ import annotations

import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from burnish.errors import BurnishError
from burnish.problem import load_problem

HEAD = "import torch\nimport torch.nn as nn\n"
MODEL = HEAD + "class Model(nn.Module):\n    def forward(self, x): return x * 2\n"
INPUTS = "def get_inputs(): return [torch.rand(4)]\n"


def fails(path: Path, reason: str, *words: str, cls: str = "Model", mode: str = "eval") -> BurnishError:
    with pytest.raises(BurnishError) as caught:
        load_problem(path, cls, mode=mode).probe()
    error = caught.value
    assert error.reason == reason, error
    for part in (error.what, error.where, error.todo):
        assert part
    assert "\n" not in str(error)
    for word in words:
        assert word in str(error), error
    return error


def write(folder: Path, text: str) -> Path:
    path = folder / "problem.py"
    path.write_text(text)
    return path


def test_no_file(tmp_path: Path) -> None:
    fails(tmp_path / "absent.py", "file", "absent.py")
    fails(tmp_path, "file", "folder")


def test_no_python(tmp_path: Path) -> None:
    path = tmp_path / "problem.py"
    path.write_bytes(b"\x7fELF\0\0\0")
    fails(path, "file")


@pytest.mark.parametrize(
    ("text", "reason", "words"),
    [
        ("", "model", ["no class 'Model'"]),
        (HEAD + "class Net(nn.Module): pass\n" + INPUTS, "model", ["no class 'Model'", "Net"]),
        (HEAD + "class Model: pass\n" + INPUTS, "model", ["not a torch.nn.Module"]),
        ("def broken(:\n", "import", ["SyntaxError", "problem.py:1"]),
        (HEAD + "\n1 / 0\n", "import", ["ZeroDivisionError", "problem.py:4"]),
        ("import no_such_package_anywhere\n", "import", ["no_such_package_anywhere", "install"]),
        ("import sys\nsys.exit(3)\n", "import", ["sys.exit(3)"]),
        ("raise SystemExit\n", "import", ["sys.exit"]),
        ("raise MemoryError\n", "too-large", ["memory"]),
        (MODEL, "inputs", ["get_inputs"]),
        (
            HEAD + "class Model(nn.Module):\n    def forward(self, x): import no_such_package\n" + INPUTS,
            "import",
            ["no_such_package"],
        ),
        (MODEL + "get_inputs = 3\n", "inputs", ["not a function"]),
        (MODEL + "def get_inputs(): return None\n", "inputs", ["NoneType"]),
        (MODEL + "def get_inputs(): raise ValueError('no data today')\n", "inputs", ["no data today", "problem.py:5"]),
        (MODEL + "import sys\ndef get_inputs(): sys.exit(1)\n", "inputs", ["sys.exit"]),
        (MODEL + "def get_inputs(): return [torch.rand(4), torch.rand(4)]\n", "model", ["forward"]),
        (MODEL + "def get_inputs(): return []\n", "model", ["forward"]),
        (
            HEAD + "class Model(nn.Module):\n    def __init__(self, n): super().__init__()\n" + INPUTS,
            "model",
            ["constructor", "get_init_inputs", "'n'"],
        ),
        (MODEL + INPUTS + "def get_init_inputs(): return [1, 2]\n", "model", ["constructing", "get_init_inputs"]),
        (
            HEAD + "class Model(nn.Module):\n    def __init__(self): raise RuntimeError('no weights')\n" + INPUTS,
            "model",
            ["no weights", "problem.py:4"],
        ),
        (
            HEAD + "class Model(nn.Module):\n    def __init__(self): exit(0)\n" + INPUTS,
            "model",
            ["sys.exit"],
        ),
        (
            HEAD + "class Model(nn.Module):\n    def forward(self, x): return 3\n" + INPUTS,
            "model",
            ["no tensor", "int"],
        ),
        (HEAD + "class Model(nn.Module):\n    def forward(self, x): pass\n" + INPUTS, "model", ["NoneType"]),
        (HEAD + "class Model(nn.Module):\n    pass\n" + INPUTS, "model", ["forward"]),
        (
            HEAD + "class Model(nn.Module):\n    def forward(self, x): return x + torch.rand(4)\n" + INPUTS,
            "random",
            ["different results"],
        ),
        (
            HEAD
            + "class Model(nn.Module):\n    n = 0\n"
            + "    def forward(self, x):\n        self.n += 1\n        return x * self.n\n"
            + INPUTS,
            "random",
            ["different results"],
        ),
        (
            HEAD
            + "class Model(nn.Module):\n"
            + "    def __init__(self):\n"
            + "        super().__init__()\n        self.register_buffer('seen', torch.zeros(1))\n"
            + "    def forward(self, x):\n        self.seen += 1\n        return x\n"
            + INPUTS,
            "stateful",
            ["'seen'"],
        ),
        (
            HEAD
            + "class Model(nn.Module):\n"
            + "    def __init__(self):\n        super().__init__()\n        self.w = nn.Parameter(torch.zeros(1))\n"
            + "    def forward(self, x):\n        self.w += 1\n        return x\n"
            + INPUTS,
            "stateful",
            ["'w'"],
        ),
        (
            HEAD + "class Model(nn.Module):\n    def forward(self, x): return x.relu_()\n"
            "def get_inputs(): return [torch.randn(9)]\n",
            "stateful",
            ["inputs"],
        ),
        (
            HEAD + "class Model(nn.Module):\n    def forward(self, x): return x.to_sparse()\n" + INPUTS,
            "unsupported",
            ["sparse"],
        ),
        (
            HEAD
            + "class Model(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            + "        self.w = torch.zeros(1 << 50)\n"
            + INPUTS,
            "too-large",
            ["memory"],
        ),
        (MODEL + "def get_inputs(): return [torch.ones(1 << 45)]\n", "too-large", ["memory"]),
        (
            HEAD + "class Model(nn.Module):\n    def forward(self, x): return x + torch.ones(1 << 45)\n" + INPUTS,
            "too-large",
            ["memory"],
        ),
    ],
)
def test_reason(text: str, reason: str, words: list[str], tmp_path: Path) -> None:
    fails(write(tmp_path, text), reason, *words)


def test_memory_that_the_machine_has_not_got_is_refused_before_it_is_touched(tmp_path: Path) -> None:
    """Linux hands out more than there is, and kills the process that uses it: the limit makes the allocation fail."""
    total = next(int(x.split()[1]) for x in Path("/proc/meminfo").read_text().splitlines() if x.startswith("MemTotal"))
    count = total * 1024 // 4 + (1 << 20)
    fails(write(tmp_path, MODEL + f"def get_inputs(): return [torch.empty({count})]\n"), "too-large", "memory")
    assert torch.ones(1 << 20).sum() == 1 << 20  # the limit is gone afterwards


@pytest.mark.parametrize("layer", ["nn.Dropout(0.5)", "nn.BatchNorm1d(8)"])
def test_training_mode(layer: str, tmp_path: Path) -> None:
    text = HEAD + textwrap.dedent(f"""
        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.layer = {layer}
            def forward(self, x): return self.layer(x)
        def get_inputs(): return [torch.randn(64, 8)]
    """)
    path = write(tmp_path, text)
    fails(path, "training-mode", "--mode eval", mode="train")
    load_problem(path).probe()


def test_a_forward_that_takes_longer_than_allowed(tmp_path: Path) -> None:
    model = MODEL.replace("return", "time.sleep(0.2); return", 1)
    problem = load_problem(write(tmp_path, "import time\n" + model + INPUTS))
    problem.probe(slowest=5.0)
    with pytest.raises(BurnishError) as failed:
        problem.probe(slowest=0.05)
    assert failed.value.reason == "too-slow"
    assert "--slowest" in failed.value.sentence()


def test_unknown_class(tmp_path: Path) -> None:
    fails(write(tmp_path, MODEL + INPUTS), "model", "no class 'Net'", "Model", cls="Net")


def test_one_bad_file_leaves_the_next_alone(tmp_path: Path) -> None:
    fails(write(tmp_path, "import os, sys\nos.chdir('/')\nsys.path.insert(0, 'x')\nraise KeyError('x')\n"), "import")
    load_problem(write(tmp_path, MODEL + INPUTS)).probe()


def test_a_limit_on_this_process_counts_as_its_memory() -> None:
    code = "from burnish.guarded import spare_bytes; print(spare_bytes())"
    command = ["prlimit", f"--data={3 << 30}", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert 0 < int(done.stdout) < 3 << 30


def test_the_memory_limit_is_never_above_the_one_that_the_process_was_given() -> None:
    code = (
        "import resource; from burnish import guarded; guarded.spare_bytes = lambda: 1 << 40\n"
        "with guarded.memory_limit(): print(resource.getrlimit(resource.RLIMIT_DATA)[0])"
    )
    command = ["prlimit", f"--data={3 << 30}", sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert int(done.stdout) == 3 << 30
