"""The extension module: what Python sees of programs and bound plans."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
import torch
from burnish import native


@pytest.fixture(scope="module")
def runtime() -> Any:
    return native.runtime()


def write(folder: Path, **plan: Any) -> str:
    (folder / "plan.json").write_text(json.dumps({"burnish_plan": 1, **plan}))
    return str(folder)


X = {"x": {"dtype": "float32", "shape": ["n", 4]}}


def test_schemas(runtime: Any) -> None:
    assert runtime.schema("aten::mm") == "aten::mm(Tensor self, Tensor mat2) -> Tensor"
    with pytest.raises(runtime.Error, match="no operator aten::nonsense"):
        runtime.schema("aten::nonsense")


def test_errors_are_sentences_with_a_reason(runtime: Any, tmp_path: Path) -> None:
    folder = write(tmp_path, inputs=X, steps=[{"op": "aten::mm", "args": ["x"], "out": ["y"]}], result="y")
    with pytest.raises(RuntimeError) as caught:
        runtime.load(folder)
    assert isinstance(caught.value, runtime.Error) and caught.value.reason == "plan"
    for part in ("plan.json", "steps[0] op aten::mm", '"mat2" is missing'):
        assert part in str(caught.value)


def test_programs_say_what_they_take(runtime: Any, tmp_path: Path) -> None:
    inputs = X | {"k": {"value": 3, "path": "options['k']"}}
    steps = [{"op": "aten::mul.Tensor", "args": ["x", "w"], "out": ["y"]}]
    program = runtime.load(write(tmp_path, inputs=inputs, params={"w": "layer.w"}, steps=steps, result=["y", None]))
    assert program.inputs == [("x", "x"), ("k", "options['k']")]
    assert program.params == [("w", "layer.w")]
    assert json.loads(program.result) == ["y", None]
    bound = program.bind([torch.full((4,), 2.0)])
    x = torch.randn(3, 4)
    y, none = bound.run([x, 3])
    assert torch.equal(y, x * 2) and none is None
    for wrong in (4, True, 3.0, "3", None, [3], x):
        with pytest.raises(runtime.GuardMiss, match="options"):
            bound.run([x, wrong])
    with pytest.raises(runtime.GuardMiss, match="size 1 is 5"):
        bound.run([torch.randn(3, 5), 3])
    with pytest.raises(TypeError):
        program.bind([3])
    with pytest.raises(runtime.Error, match="0 parameters are given"):
        program.bind([])


def test_profiles(runtime: Any, tmp_path: Path) -> None:
    steps = [{"op": "aten::relu", "args": ["x"], "out": ["y"]}, {"op": "aten::neg", "args": ["y"], "out": ["z"]}]
    bound = runtime.load(write(tmp_path, inputs=X, steps=steps, result="z")).bind([])
    rows = bound.profile([torch.randn(8, 4)], calls=3)
    assert [row["step"] for row in rows] == ["steps[0] op aten::relu", "steps[1] op aten::neg"]
    assert all(row["seconds"] > 0 and row["bytes_in"] == row["bytes_out"] == 128 and row["calls"] == 3 for row in rows)


def test_a_failing_build_says_where_its_log_is(tmp_path: Path) -> None:
    script = "from burnish import native; native.runtime()"
    environment = {"BURNISH_HOME": str(tmp_path), "BURNISH_CXX": "/bin/false", "PATH": "/usr/bin:/bin"}
    path = {"PYTHONPATH": str(Path(native.__file__).parents[1])}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment | path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1 and "building the runtime failed; the whole log is" in done.stderr
    assert not list((tmp_path / "runtime").glob(".build-*"))


def test_the_cache_is_keyed_by_the_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for folder in native.SOURCE_FOLDERS:
        (tmp_path / folder).mkdir()
    source = tmp_path / "base" / "a.cpp"
    source.write_text("int a;")
    monkeypatch.setattr(native, "source_root", lambda: tmp_path)
    native.build_key.cache_clear()
    before = native.build_key()
    source.write_text("int b;")
    native.build_key.cache_clear()
    assert native.build_key() != before and torch.__version__.replace("+", "-") in before
    native.build_key.cache_clear()


def test_builds_that_nobody_uses_any_more_are_removed(tmp_path: Path) -> None:
    days = {"used": 3, "forgotten": 40, ".build-under-way": 0, ".build-killed": 2}
    for name, age in days.items():
        (tmp_path / name).mkdir()
        (tmp_path / f"{name}.lock").touch()
        for path in (tmp_path / name, tmp_path / f"{name}.lock"):
            os.utime(path, (time.time() - age * 86400,) * 2)
    native.forget_old_builds(tmp_path)
    left = {p.name for p in tmp_path.iterdir() if p.is_dir()}
    assert left == {"used", ".build-under-way"} and (tmp_path / "used.lock").exists()


def test_threads_that_load_it_at_once_all_get_it_whole() -> None:
    """A judge starts several workers at once; the first of them load the extension."""
    script = """
import importlib.util, threading, time, torch
from burnish import native
make = importlib.util.module_from_spec
def make_slowly(spec):
    module = make(spec)
    time.sleep(0.1)  # where a thread switch left a second thread with an empty module
    return module
importlib.util.module_from_spec = make_slowly
seen = []
threads = [threading.Thread(target=lambda: seen.append(hasattr(native.runtime(), "Remote"))) for _ in range(16)]
[t.start() for t in threads]
[t.join() for t in threads]
print(len(seen), all(seen))
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert done.stdout == "16 True\n", done.stderr
