"""Drives a real judge as the orchestrator does: a process a problem, JSON lines over a socket, plans compiled first."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType

ROOT = Path(__file__).resolve().parents[2]
# Small, so that an attack takes a second or two: the fewest inputs, a short timing, short patience, little memory.
QUICK = {
    "inputs": 10, "verify_seconds": 20, "timing_seconds": 0.3, "timeout_seconds": 5, "load_timeout_seconds": 15,
    "memory_bytes": 2 << 30,
}  # fmt: skip
COMPILE_SECONDS = 4


class JudgeDied(Exception):
    """The judge ended or fell silent: whatever a candidate does, that must not happen."""


def compile_plan(folder: Path, cache: Path, seconds: float = COMPILE_SECONDS) -> dict:
    """{"ok": {source: object}} or {"error": {...}}, by the same compile step as the orchestrator's."""
    tool = Path(os.environ.get("BURNISH_COMPILE_PLAN") or ROOT / "build" / "release" / "compile_plan")
    if not tool.exists():
        raise FileNotFoundError(f"{tool} does not exist: run `make build` first")
    done = subprocess.run([tool, folder, cache, str(seconds)], capture_output=True, timeout=60 + seconds, check=True)
    return json.loads(done.stdout)


class Judge:
    """A judge process that has one problem open. `verdict(...)` is never an exception for a candidate's sake."""

    def __init__(self, problem: Path, options: dict | None = None, *, patience_seconds: float = 240.0) -> None:
        self.problem, self.options, self._patience = problem, QUICK | (options or {}), patience_seconds
        self.scratch = Path(tempfile.mkdtemp(prefix="burnish-attacks-"))
        ours, theirs = socket.socketpair()
        env = os.environ | {"PYTHONPATH": str(ROOT / "python"), "TMPDIR": str(self.scratch)}
        env["BURNISH_LEASE"] = str(self.scratch / "lease")
        self.process = subprocess.Popen(
            [sys.executable, "-m", "burnish.judge", "--fd", str(theirs.fileno())],
            pass_fds=[theirs.fileno()], env=env, stdin=subprocess.DEVNULL, stdout=sys.stderr, start_new_session=True,
        )  # fmt: skip
        theirs.close()
        self._socket, self._buffer, self._id = ours, b"", 0
        try:
            self.opened = self._ask({"do": "open", "problem": {"file": str(problem)}, "options": self.options,
                                     "scratch": str(self.scratch)})  # fmt: skip
            if "ok" not in self.opened:
                raise JudgeDied(f"{problem.name} did not open: {self.opened}")
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> Judge:
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def verdict(self, path: Path, form: str, stage: str = "eval") -> dict:
        """The verdict on the candidate at `path`; a failed compilation is one too."""
        candidate: dict = {"form": form, "name": path.stem}
        if form == "plan":
            built = compile_plan(path, self.scratch / "objects")
            if "error" in built:
                return {"verdict": "refused", "reason": built["error"]["reason"], "detail": built["error"]}
            candidate |= {"dir": str(path), "kernels": built["ok"]}
        elif form == "model_new":
            candidate["file"] = str(path)
        reply = self._ask({"do": "judge", "candidate": candidate, "stage": stage})
        if "ok" in reply:
            return reply["ok"]
        return {"verdict": "error", "reason": reply["error"].get("reason"), "detail": reply["error"]}

    def resident_bytes(self) -> int:
        text = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(text.split("VmRSS:")[1].split()[0]) * 1024

    def _ask(self, request: dict) -> dict:
        self._id += 1
        self._send(request | {"id": self._id})
        end = time.monotonic() + self._patience
        while True:
            message = self._line(end)
            if message.get("event") == "lease" and message.get("state") == "take":
                self._send({"event": "lease", "state": "taken"})
            if message.get("id") == self._id:
                return message

    def _send(self, message: dict) -> None:
        try:
            self._socket.sendall(json.dumps(message).encode() + b"\n")
        except OSError as e:
            raise JudgeDied(f"the judge ended: status {self.process.poll()}") from e

    def _line(self, end: float) -> dict:
        while b"\n" not in self._buffer:
            self._socket.settimeout(max(0.01, end - time.monotonic()))
            try:
                data = self._socket.recv(1 << 16)
            except TimeoutError:
                raise JudgeDied(f"no answer within {self._patience:.0f} s") from None
            if not data:
                raise JudgeDied(f"the judge ended: status {self.process.wait(5)}")
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        return json.loads(line)

    def close(self) -> None:
        self._socket.close()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.process.wait(10)
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()
        shutil.rmtree(self.scratch, ignore_errors=True)
