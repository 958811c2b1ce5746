"""The judge's side of the judge protocol (docs/architecture.md): JSON lines over a socket."""

from __future__ import annotations

import json
import os
import select
import socket
import sys
import time
import traceback
from collections import deque

from burnish.errors import BurnishError, first_line
from burnish.guarded import is_out_of_memory
from burnish.native import BuildError

TAKEN_TIMEOUT_SECONDS = 10.0
LONGEST_LINE = 64 << 20


class Closed(Exception):
    """The orchestrator is gone."""


class Wire:
    """Lines in and out. A lease's answer may overtake requests that wait."""

    def __init__(self, sock: socket.socket) -> None:
        self._sock = sock
        self._buffer = b""
        self._waiting: deque[dict] = deque()

    def send(self, message: dict) -> None:
        try:
            self._sock.sendall(json.dumps(message, allow_nan=False, default=_plain).encode() + b"\n")
        except ValueError:  # NaN and infinity are no JSON: they become null
            self._sock.sendall(json.dumps(_finite(message), default=_plain).encode() + b"\n")
        except OSError as e:
            raise Closed from e

    def receive(self) -> dict:
        """The next request."""
        if self._waiting:
            return self._waiting.popleft()
        while True:
            message = self._line(None)
            if message is not None and "do" in message:
                return message

    def await_taken(self) -> None:
        """Until the orchestrator says that its compilers have stopped; requests that come meanwhile wait."""
        end = time.monotonic() + TAKEN_TIMEOUT_SECONDS
        while (left := end - time.monotonic()) > 0:
            message = self._line(left)
            if message is None:
                return
            if message.get("event") == "lease":
                return
            if "do" in message:
                self._waiting.append(message)

    def _line(self, timeout: float | None) -> dict | None:
        while b"\n" not in self._buffer:
            ready, _, _ = select.select([self._sock], [], [], timeout)
            if not ready:
                return None
            try:
                data = self._sock.recv(1 << 16)
            except OSError as e:
                raise Closed from e
            if not data or len(self._buffer) > LONGEST_LINE:
                raise Closed
            self._buffer += data
        line, _, self._buffer = self._buffer.partition(b"\n")
        try:
            message = json.loads(line)
        except ValueError:
            return {}
        return message if isinstance(message, dict) else {}


def _plain(value: object) -> object:
    return value.item() if hasattr(value, "item") else str(value)


def _finite(value: object) -> object:
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    if isinstance(value, dict):
        return {str(k): _finite(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(v) for v in value]
    return value


def _unforeseen(error: Exception, doing: str) -> BurnishError:
    if is_out_of_memory(error):
        text = f"inputs and reference results do not fit in memory: {first_line(error)}"
        return BurnishError("too-large", text, doing, "make the problem smaller, or use a machine with more memory")
    text = f"the judge failed: {first_line(error)}"
    return BurnishError("environment", text, doing, "the log has the traceback; please report it")


def serve(sock: socket.socket, problem=None) -> None:
    """Answers requests until the orchestrator closes. With `problem` (from the Python API) `open` uses that one."""
    from burnish.judge.session import Session  # imports torch: after the process is known to be wanted

    wire = Wire(sock)
    session: Session | None = None

    def announce(state: str) -> None:
        wire.send({"event": "lease", "state": state})
        if state == "take":
            wire.await_taken()

    def progress(phase: str, done: int, of: int) -> None:
        wire.send({"event": "progress", "phase": phase, "done": done, "of": of})

    try:
        while True:
            request = wire.receive()
            number, what = request.get("id"), request["do"]
            try:
                if what == "open":
                    if session is not None:
                        session.close()
                    session = Session(
                        request.get("problem") or {},
                        request.get("options") or {},
                        request.get("scratch"),
                        problem=problem,
                        announce=announce,
                        progress=progress,
                    )
                    wire.send({"id": number, "ok": session.open()})
                elif what == "judge":
                    if session is None:
                        raise BurnishError("environment", "no problem is open", "judge protocol", "send `open` first")
                    wire.send(
                        {
                            "id": number,
                            "ok": session.judge(request.get("candidate") or {}, request.get("stage", "eval")),
                        }
                    )
                elif what == "profile":
                    if session is None:
                        raise BurnishError("environment", "no problem is open", "judge protocol", "send `open` first")
                    wire.send({"id": number, "ok": session.profile(request.get("candidate") or {})})
                elif what == "close":
                    wire.send({"id": number, "ok": {}})
                    return
                else:
                    raise BurnishError(
                        "environment", f"unknown request {what!r}", "judge protocol", "see docs/architecture.md"
                    )
            except BurnishError as e:
                wire.send({"id": number, "error": e.to_json()})
            except Closed:
                raise
            except BuildError as e:
                error = BurnishError("environment", str(e), "burnish.native", "see burnish doctor")
                wire.send({"id": number, "error": error.to_json()})
            except Exception as e:  # a fault of ours, or of the module in a place that nobody foresaw: say it and go on
                traceback.print_exc(file=sys.stderr)
                wire.send({"id": number, "error": _unforeseen(e, what).to_json()})
    except Closed:
        pass
    finally:
        if session is not None:
            session.close()


def main(arguments: list[str] | None = None) -> int:
    import argparse

    parser = argparse.ArgumentParser(
        prog="python -m burnish.judge", description="Serves the judge protocol on a socket."
    )
    parser.add_argument("--fd", type=int, required=True, help="the socket's descriptor")
    fd = parser.parse_args(arguments).fd
    try:
        sock = socket.socket(fileno=fd)
    except OSError as e:
        print(f"burnish.judge: descriptor {fd} is no socket ({e}): `burnish` starts this", file=sys.stderr)
        return 2
    os.set_inheritable(fd, False)
    serve(sock)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # everything is closed; taking PyTorch apart would keep the user waiting for half a second
