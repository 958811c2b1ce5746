"""burnish.optimize around a command that is a fake: flags, failures, Ctrl-C. The real one: test_optimize.py."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import burnish
import pytest
import torch
import torch.nn as nn
from burnish.api import executable
from burnish.live import InsideWorker

FAKE = Path(__file__).with_name("fake_burnish.py")


@pytest.fixture
def fake(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Chooses what the fake command does; calling the result gives the flags that it got."""

    def choose(way: str):
        monkeypatch.setenv("BURNISH", str(command))
        monkeypatch.setenv("FAKE_BURNISH", way)
        monkeypatch.setenv("FAKE_LOG", str(tmp_path / "log.json"))
        return lambda: json.loads((tmp_path / "log.json").read_text())

    command = tmp_path / "burnish"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{FAKE}" "$@"\n')
    command.chmod(command.stat().st_mode | stat.S_IXUSR)
    return choose


def test_the_original_comes_back_untouched(fake) -> None:
    got = fake("original")
    model = nn.Linear(3, 3).train()
    torch.set_float32_matmul_precision("high")
    try:
        fast = burnish.optimize(
            model,
            torch.rand(2, 3),
            agents=["inductor", "library"],
            attempts=2,
            verify_seconds=1.5,
            domain={"x": "positive"},
            deterministic=True,
            sandbox=False,
            out="somewhere",
        )
        assert torch.get_float32_matmul_precision() == "high"
    finally:
        torch.set_float32_matmul_precision("highest")
    assert fast is model
    assert model.training
    said = got()
    flags = " ".join(said["flags"])
    assert flags.startswith("optimize --judge-fd")
    for part in ("--json", "--name Linear", "--agents inductor,library", "--attempts 2", "--verify-seconds 1.5"):
        assert part in flags
    for part in ("--domain x=positive", "--deterministic", "--no-sandbox", "--out somewhere"):
        assert part in flags
    assert said["python"] == sys.executable


@pytest.mark.parametrize(
    ("way", "says", "reason"),
    [("crash", "the store is full", "environment"), ("unknown request", "unknown request", "environment")],
)
def test_failures_are_sentences(way: str, says: str, reason: str, fake) -> None:
    fake(way)
    with pytest.raises(burnish.BurnishError, match=says) as caught:
        burnish.optimize(nn.Linear(3, 3), torch.rand(2, 3))
    assert caught.value.reason == reason


def test_misuse() -> None:
    x = torch.rand(2, 3)
    for call, says in (
        (lambda: burnish.optimize(lambda x: x, x), "torch.nn.Module"),
        (lambda: burnish.optimize(nn.Linear(3, 3), x, speed=9), "'speed'"),
        (lambda: burnish.optimize(nn.Linear(3, 3), []), "no example"),
        (lambda: burnish.optimize(nn.Linear(3, 3), [1]), "int|tensor"),
    ):
        with pytest.raises(burnish.BurnishError, match=says):
            call()


def test_inside_a_worker_it_ends_the_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BURNISH_WORKER", "1")
    with pytest.raises(InsideWorker):
        burnish.optimize(nn.Linear(3, 3), torch.rand(2, 3))


def test_a_missing_command_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("BURNISH", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr(sys, "executable", str(tmp_path / "python"))
    with pytest.raises(burnish.BurnishError, match="not installed"):
        executable()


def test_interrupting_stops_the_command(fake, tmp_path: Path) -> None:
    fake("hang")
    script = tmp_path / "script.py"
    script.write_text(
        textwrap.dedent("""
        import signal
        import burnish, torch
        signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins with it ignored
        try:
            burnish.optimize(torch.nn.Linear(3, 3), torch.rand(2, 3))
        except KeyboardInterrupt:
            print("interrupted")
        """)
    )
    process = subprocess.Popen([sys.executable, str(script)], stdout=subprocess.PIPE, text=True, env=dict(os.environ))
    log = tmp_path / "log.json"
    deadline = time.monotonic() + 60
    while not log.with_name("log.json.hangs").exists():
        assert time.monotonic() < deadline
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    assert process.communicate(timeout=60)[0] == "interrupted\n"
    assert log.with_name("log.json.interrupted").exists()
