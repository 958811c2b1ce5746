"""Bad input at the level of the command: one clear sentence that says what, where and what to do, exit status 2, and a
suite that goes on with the others."""

from __future__ import annotations

import json
import os
import re
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
QUICK = ["--inputs", "10"]
GOOD = """
import torch
from torch import nn


class Model(nn.Module):
    def forward(self, x):
        return torch.relu(x) * 2


def get_inputs():
    return [torch.rand(32, 64)]


def get_init_inputs():
    return []
"""
GOOD_PLAN = {
    "burnish_plan": 1,
    "target": "cpu",
    "inputs": {"x": {"dtype": "float32", "shape": [32, 64], "strides": "contiguous"}},
    "steps": [
        {"op": "aten::relu", "args": ["x"], "out": ["h"]},
        {"op": "aten::mul.Scalar", "args": ["h", 2], "out": ["y"]},
    ],
    "result": "y",
}


def command() -> str:
    for candidate in (os.environ.get("BURNISH"), ROOT / "build" / "release" / "burnish", shutil.which("burnish")):
        if candidate and Path(candidate).exists():
            return str(candidate)
    raise FileNotFoundError("the burnish command is not built: run `make build`")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "store"


def run(*arguments: object, store: Path, timeout: float = 120, **env: str) -> subprocess.CompletedProcess:
    # Not BURNISH_HOME: the runtime's build for this PyTorch lies there, too.
    ours = {"BURNISH_PYTHON": sys.executable, "PYTHONPATH": str(ROOT / "python")}
    variables = os.environ | ours | {"NO_COLOR": "1"}
    return subprocess.run(
        [command(), *map(str, arguments), "--store", str(store)],
        env=variables | env,
        capture_output=True,
        text=True,
        timeout=timeout,
    )


def problem(folder: Path, text: str = GOOD, name: str = "problem.py") -> Path:
    file = folder / name
    file.write_text(text)
    return file


def plan(folder: Path, changes: dict | None = None, text: str | None = None, kernels: str | None = None) -> Path:
    place = folder / "plan"
    place.mkdir()
    (place / "plan.json").write_text(text if text is not None else json.dumps(GOOD_PLAN | (changes or {})))
    if kernels is not None:
        (place / "kernels.cpp").write_text(kernels)
    return place


def assert_one_sentence(done: subprocess.CompletedProcess, *words: str) -> None:
    """Status 2 and one sentence with all the words: from burnish on stderr, or as the `what` of a verdict of `eval`. No
    trace of a crash."""
    lines = [line for line in done.stderr.splitlines() if line.startswith("burnish:")]
    told = [line for line in done.stdout.splitlines() if line.startswith(("  what ", "  where ", "  todo "))]
    lines += [" ".join(told)] if told else []
    assert done.returncode == 2, (done.returncode, done.stdout, done.stderr)
    assert len(lines) == 1, done.stderr
    assert "Traceback" not in done.stderr + done.stdout
    assert len(lines[0]) < 600
    for word in words:
        assert re.search(word, lines[0], re.IGNORECASE), (word, lines[0])


BAD_PROBLEMS = {
    "no_model": (GOOD.replace("class Model", "class Other"), ["Model", "problem.py"]),
    "does_not_parse": (GOOD.replace("def get_inputs():", "def get_inputs(:"), ["problem.py", "line|syntax"]),
    "fails_to_import": (GOOD + "\nraise RuntimeError('broken here')\n", ["broken here", "problem.py"]),
    "missing_package": ("import a_package_that_nobody_has\n" + GOOD, ["a_package_that_nobody_has", "install|pip"]),
    "exits_at_import": (GOOD + "\nimport sys\nsys.exit(0)\n", ["exit", "problem.py"]),
    "needs_arguments": (
        GOOD.replace("    def forward", "    def __init__(self, size):\n        super().__init__()\n\n    def forward"),
        ["size|argument", "get_init_inputs"],
    ),
    "no_inputs": (GOOD.replace("def get_inputs", "def inputs"), ["get_inputs"]),
    "empty_inputs": (GOOD.replace("[torch.rand(32, 64)]", "[]"), ["input"]),
    "no_tensor": (GOOD.replace("torch.relu(x) * 2", "'text'"), ["tensor"]),
    "raises_in_forward": (GOOD.replace("torch.relu(x) * 2", "x @ x"), ["forward|shape|mat"]),
    "random_forward": (GOOD.replace("torch.relu(x)", "torch.rand_like(x)"), ["random"]),
    "changes_its_buffers": (
        GOOD.replace(
            "    def forward(self, x):",
            "    def __init__(self):\n        super().__init__()\n        self.register_buffer('n', torch.zeros(1))\n\n"
            "    def forward(self, x):\n        self.n += 1",
        ),
        ["buffer|state"],
    ),
    "too_large": (GOOD.replace("torch.rand(32, 64)", "torch.rand(1 << 40)"), ["memory|large"]),
}


@pytest.mark.parametrize("case", BAD_PROBLEMS)
def test_bad_problem(case, tmp_path, store):
    text, words = BAD_PROBLEMS[case]
    done = run("eval", problem(tmp_path, text), plan(tmp_path), *QUICK, store=store)
    assert_one_sentence(done, *words)


@pytest.mark.parametrize("arguments", [("eval", "{}/none.py", "{}/plan"), ("optimize", "{}/none.py")])
def test_problem_that_does_not_exist(arguments, tmp_path, store):
    plan(tmp_path)
    done = run(*[a.format(tmp_path) for a in arguments], store=store)
    assert_one_sentence(done, "none.py", "exist|no such")


def test_problem_that_prints_and_reads_beside_itself_is_no_error(tmp_path, store):
    (tmp_path / "beside.txt").write_text("2")
    text = GOOD.replace(
        "class Model", "print('hello from the problem')\nfactor = int(open('beside.txt').read())\n\n\nclass Model"
    )
    done = run("eval", problem(tmp_path, text), plan(tmp_path), *QUICK, "--json", store=store)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["verdict"] == "accepted"  # stdout is JSON and nothing else
    assert all(line.startswith("{") for line in done.stdout.splitlines())


BAD_PLANS = {
    "not_json": ({}, '{"burnish_plan": 1,', None, ["plan.json", "JSON|line|parse|end"]),
    "unknown_operator": (
        {"steps": [{"op": "aten::no_such_operator", "args": ["x"], "out": ["y"]}]}, None, None,
        ["no_such_operator", r"steps\[0\]"],
    ),
    "wrong_arity": (
        {"steps": [{"op": "aten::relu", "args": ["x", "x", "x"], "out": ["y"]}]}, None, None, ["relu", r"steps\[0\]"],
    ),
    "cyclic_names": (
        {"steps": [{"op": "aten::relu", "args": ["b"], "out": ["a"]},
                   {"op": "aten::relu", "args": ["a"], "out": ["b"]}], "result": "b"}, None, None, ["b", r"steps\[0\]"],
    ),
    "unused_kernel": ({"kernels": {"f": {"source": "kernels.cpp"}}}, None, "void g();", ["kernel", "f"]),
    "negative_size": (
        {"steps": [{"empty": "y", "dtype": "float32", "shape": [-1, 4]}]}, None, None,
        ["negative|size|shape", r"steps\[0\]"],
    ),
    "ten_gigabytes": (
        {"steps": [{"empty": "y", "dtype": "float32", "shape": [2500, 1000000]}]}, None, None,
        ["GiB|memory|large", r"steps\[0\]"],
    ),
    "no_result": ({"result": "nothing"}, None, None, ["nothing", "result"]),
    "a_newer_version": ({"burnish_plan": 1000}, None, None, ["1000|version"]),
    "an_unknown_field": ({"stepz": []}, None, None, ["stepz"]),
    "missing_source": (
        {"kernels": {"f": {"source": "none.cpp"}}, "steps": [{"empty": "y", "like": "x"},
         {"launch": "f", "range": "numel(x)", "args": ["x", "y"]}]}, None, None, ["none.cpp"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", BAD_PLANS)
def test_bad_plan(case, tmp_path, store):
    changes, text, kernels, words = BAD_PLANS[case]
    done = run("eval", problem(tmp_path), plan(tmp_path, changes, text, kernels), *QUICK, store=store)
    assert_one_sentence(done, *words)


def test_candidate_that_does_not_exist(tmp_path, store):
    assert_one_sentence(run("eval", problem(tmp_path), tmp_path / "none", store=store), "none", "exist|no such")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (["--inputs", "3"], ["inputs", "10"]),
        (["--inputs", "many"], ["inputs"]),
        (["--contract", "wide"], ["contract"]),
        (["--precision", "low"], ["precision"]),
        (["--mode", "test"], ["mode"]),
        (["--no-such-flag"], ["no-such-flag"]),
    ],
)
def test_bad_flag(flags, words, tmp_path, store):
    assert_one_sentence(run("eval", problem(tmp_path), plan(tmp_path), *flags, store=store), *words)


def test_missing_compiler(tmp_path, store):
    kernel = 'extern "C" void f(long begin, long end, const float* x, float* y) { y[begin] = x[end - 1]; }\n'
    steps = [{"empty": "y", "like": "x"}, {"launch": "f", "range": "numel(x)", "args": ["x", "y"]}]
    folder = plan(tmp_path, {"kernels": {"f": {"source": "kernels.cpp"}}, "steps": steps}, kernels=kernel)
    done = run("eval", problem(tmp_path), folder, *QUICK, store=store, BURNISH_CXX="/no/such/compiler")
    assert_one_sentence(done, "compiler", "/no/such/compiler", "install|BURNISH_CXX")


def test_missing_bubblewrap(tmp_path, store):
    """PATH has everything but bwrap."""
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in ("g++", "c++", "sh", "objdump", "as", "ld"):
        if found := shutil.which(name):
            (tools / name).symlink_to(found)
    done = run("eval", problem(tmp_path), plan(tmp_path), *QUICK, store=store, PATH=str(tools))
    assert_one_sentence(done, "bubblewrap|bwrap", "install", "--no-sandbox")


def test_store_of_a_newer_version(store):
    run("prune", "--dry-run", store=store)  # makes a store
    databases = [p for p in store.rglob("*") if p.suffix in (".db", ".sqlite")]
    assert databases, list(store.rglob("*"))
    with sqlite3.connect(databases[0]) as connection:
        connection.execute("PRAGMA user_version = 100000")
    assert_one_sentence(run("report", store=store), "newer|version", "burnish")


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes everywhere")
def test_store_that_cannot_be_written(tmp_path, store):
    store.mkdir()
    store.chmod(0o500)
    assert_one_sentence(run("optimize", problem(tmp_path), store=store), "store", "writ|permission")


def test_store_that_is_a_file(tmp_path, store):
    store.write_text("not a folder")
    assert_one_sentence(run("optimize", problem(tmp_path), store=store), "store", "folder|director|BURNISH_HOME")


@pytest.mark.skipif(os.geteuid() != 0, reason="mounting needs root")
def test_full_disk(tmp_path, store):
    store.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=16k", "tmpfs", store], capture_output=True)
    if mounted.returncode:
        pytest.skip("this machine does not let us mount")
    try:
        assert_one_sentence(run("optimize", problem(tmp_path), store=store), "full|space|write|disk")
    finally:
        subprocess.run(["umount", "-l", store], check=True)


def test_a_suite_goes_on_with_the_others(tmp_path, store):
    folder = tmp_path / "suite"
    folder.mkdir()
    for name in ("no_model", "exits_at_import", "random_forward"):
        problem(folder, BAD_PROBLEMS[name][0], f"{name}.py")
    problem(folder, GOOD, "good.py")
    done = run("suite", folder, *QUICK, "--json", store=store, timeout=300)
    last = json.loads(done.stdout.splitlines()[-1])
    assert last["problems"] == 4
    assert {Path(e["problem"]).stem: e["reason"] for e in last["excluded"]} == {
        "no_model": "model", "exits_at_import": "import", "random_forward": "random",
    }  # fmt: skip
    assert last["correct"] == 1
