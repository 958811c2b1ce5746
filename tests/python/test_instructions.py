"""burnish.instructions: what PyTorch finds out about vector instructions is asked once, not once a process."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import pytest
from burnish import instructions


class Kind:
    asked: ClassVar[list[str]] = []

    def __init__(self, flags: str) -> None:
        self._arch_flags = flags

    def check_build(self, code: str) -> bool:
        self.asked.append(code + self._arch_flags)
        return "wide" not in self._arch_flags


@pytest.fixture(autouse=True)
def fresh() -> None:
    Kind.asked.clear()


def ask(folder: Path) -> list[bool]:
    with instructions.remembered(Kind, folder):
        return [Kind(flags).check_build("code") for flags in ("narrow", "wide", "narrow")]


def test_each_is_asked_once(tmp_path: Path) -> None:
    assert ask(tmp_path / "new") == ask(tmp_path / "new") == [True, False, True]
    assert Kind.asked == ["codenarrow", "codewide"]
    assert Kind("x").check_build("after") and Kind.asked[-1] == "afterx", "the class is as it was"


def test_another_compiler_is_asked_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ask(tmp_path)
    monkeypatch.setenv("CXX", "clang++-19")
    ask(tmp_path)
    assert len(Kind.asked) == 4


@pytest.mark.parametrize("text", ["", "[]", "{", json.dumps({"key": "yes"})])
def test_a_broken_file_is_written_anew(tmp_path: Path, text: str) -> None:
    ask(tmp_path)
    (file,) = tmp_path.iterdir()
    file.write_text(text)
    assert ask(tmp_path) == ask(tmp_path) == [True, False, True]
    assert len(Kind.asked) == 4


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert ask(tmp_path / "file") == [True, False, True]


def test_pytorch_picks_the_same_from_memory(tmp_path: Path) -> None:
    code = (
        "import torch._inductor.cpu_vec_isa as isa; from burnish import instructions; instructions.find();"
        "ask = isa.VecISA.check_build; isa.VecISA.check_build = None; print(isa.pick_vec_isa(), ask.__qualname__)"
    )
    home = dict(os.environ, BURNISH_HOME=str(tmp_path), TORCHINDUCTOR_CACHE_DIR=str(tmp_path / "inductor"))
    said = [
        subprocess.run([sys.executable, "-c", code], env=home, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert said[0] == said[1] and "VecISA.check_build" in said[0]
    assert list((tmp_path / "instructions").iterdir()) or "NEON" in said[0], "nothing was remembered"
