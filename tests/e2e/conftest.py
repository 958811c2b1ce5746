"""The command as its users have it, with a scripted judge in the place of the real one: no PyTorch is imported."""

from __future__ import annotations

import dataclasses
import json
import os
import pathlib
import shlex
import shutil
import sqlite3
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
FAKE_PACKAGE = ROOT / "tests" / "fakes" / "judge_package"


def executable() -> str:
    for candidate in (
        os.environ.get("BURNISH"),
        pathlib.Path(sys.executable).parent / "burnish",
        ROOT / "build" / "release" / "burnish",
    ):
        if candidate and pathlib.Path(candidate).exists():
            return str(candidate)
    found = shutil.which("burnish")
    assert found, "the command is not built: make build, or set BURNISH"
    return found


# A problem for the real judge.
PROBLEM = """
import torch


class Model(torch.nn.Module):
    def __init__(self, width):
        super().__init__()
        self.linear = torch.nn.Linear(width, width)

    def forward(self, x):
        return torch.nn.functional.gelu(self.linear(x)) * 2 + 1


def get_init_inputs():
    return [64]


def get_inputs():
    return [torch.rand(32, 64)]
"""


# A program as a language model: keeps each prompt, answers always the same.
MODEL = """
import pathlib, sys
prompt = sys.stdin.read()
seen = pathlib.Path(__file__).parent / (pathlib.Path(__file__).stem + "-prompts")
seen.mkdir(exist_ok=True)
(seen / str(len(list(seen.iterdir())) + 1)).write_text(prompt)
print(ANSWER)
"""


@dataclasses.dataclass
class Result:
    code: int
    out: str
    err: str

    @property
    def lines(self) -> list[dict]:
        return [json.loads(line) for line in self.out.splitlines()]

    @property
    def last(self) -> dict:
        return self.lines[-1]


class Command:
    """`burnish` with a store, a script for the judge and a folder of its own."""

    executable = staticmethod(executable)

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder, self.home = folder, folder / "home"
        self.script_file, self.log = folder / "script.json", folder / "requests.jsonl"
        self.script()
        self.env = {
            **os.environ,
            "BURNISH_HOME": str(self.home),
            "BURNISH_PYTHON": sys.executable,
            "PYTHONPATH": str(FAKE_PACKAGE),
            "FAKE_JUDGE": str(self.script_file),
            "FAKE_JUDGE_LOG": str(self.log),
        }

    def script(self, **script: object) -> None:
        self.script_file.write_text(json.dumps(script), encoding="utf-8")

    def problem(self, name: str = "gelu", folder: str = ".") -> pathlib.Path:
        file = self.folder / folder / f"{name}.py"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("class Model: ...\n", encoding="utf-8")
        return file

    def model(self, name: str, op: str) -> str:
        """An agent whose every answer is a plan of that operator; `prompts` are what it was asked."""
        plan = {
            "burnish_plan": 1, "target": "cpu", "inputs": {"x": {"dtype": "float32", "shape": [4]}},
            "steps": [{"op": f"aten::{op}", "args": ["x"], "out": ["y"]}], "result": "y",
        }  # fmt: skip
        answer = f"```json plan.json\n{json.dumps(plan)}\n```"
        path = self.folder / f"{name}.py"
        path.write_text(f"ANSWER = {answer!r}\n{MODEL}", encoding="utf-8")
        return f"command:{shlex.quote(sys.executable)} {shlex.quote(str(path))}"

    def prompts(self, name: str) -> list[str]:
        folder = self.folder / f"{name}-prompts"
        return [(folder / str(i + 1)).read_text(encoding="utf-8") for i in range(len(list(folder.iterdir())))]

    def start(self, *args: object, **options: object) -> subprocess.Popen:
        return subprocess.Popen(
            [executable(), *map(str, args)],
            env=self.env,
            cwd=self.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def __call__(self, *args: object, timeout: float = 60) -> Result:
        process = self.start(*args)
        out, err = process.communicate(timeout=timeout)
        return Result(process.returncode, out, err)

    def requests(self) -> list[dict]:
        if not self.log.exists():
            return []
        return [json.loads(line) for line in self.log.read_text(encoding="utf-8").splitlines()]

    def rows(self, sql: str) -> list[tuple]:
        with sqlite3.connect(self.home / "burnish.db", timeout=30) as database:
            return database.execute(sql).fetchall()


@pytest.fixture
def burnish(tmp_path: pathlib.Path) -> Command:
    return Command(tmp_path)


@pytest.fixture
def real(burnish):
    """The command with the package of this checkout; compiled runtimes are shared with the other tests."""
    cache = os.environ.get("BURNISH_HOME")
    for name in ("FAKE_JUDGE", "FAKE_JUDGE_LOG", "BURNISH_HOME"):
        burnish.env.pop(name, None)
    if cache:
        burnish.env["BURNISH_HOME"] = cache
    burnish.env["PYTHONPATH"] = str(pathlib.Path(__file__).resolve().parents[2] / "python")
    burnish.env["BURNISH_PYTHON"] = sys.executable
    burnish.real_problem = burnish.folder / "gelu.py"
    burnish.real_problem.write_text(PROBLEM, encoding="utf-8")
    return burnish
