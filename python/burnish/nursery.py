"""A fork server for trusted Python workers: it has imported PyTorch once and forks a worker in milliseconds.

Starting Python with PyTorch takes a second, with torch.compile's compiler almost three, and a final judgement needs ten
or more fresh processes. Only workers that run the user's own module come from here (reference, recipe, deployed);
whatever a candidate wrote runs in a process of its own, behind a sandbox.

The server is python -m burnish.nursery --fd N --runtime FILE. Requests are packets on a SOCK_SEQPACKET socket: a JSON
object and descriptors, of which the first is the child's life line: the server writes the child's pid on it (an int),
later its wait status (an int), and kills the child when the other end is closed. src/base/nursery.h is the client.
"""

from __future__ import annotations

import argparse
import array
import contextlib
import ctypes
import gc
import json
import os
import resource
import select
import signal
import socket
import struct
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import ModuleType

MOST_REQUEST_BYTES = 1 << 16
MOST_FDS = 16
PR_SET_PDEATHSIG = 1


class Nursery:
    """The judge's handle on a server: `fd` is the socket that `_runtime.Remote.start` asks. The server ends with
    `close`, and with the thread that started it."""

    def __init__(self, runtime: str, environment: Mapping[str, str], gpu: bool = False) -> None:
        """`gpu`: its workers may use one (the environment lets them see it)."""
        self.gpu = gpu
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", "burnish.nursery", "--fd", str(theirs.fileno()), "--runtime", runtime,
                 "--parent", str(os.getpid()), *["--gpu"] * gpu],
                pass_fds=[theirs.fileno()], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                env={**os.environ, **environment}, start_new_session=True,
            )  # fmt: skip
        self._socket = ours

    @property
    def fd(self) -> int:
        return self._socket.fileno()

    def alive(self) -> bool:
        return self._process.poll() is None

    def gone(self) -> bool:
        """Whether it has ended: a moment is granted to one that is just about to."""
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(timeout=1)
        return not self.alive()

    def close(self) -> None:
        self._socket.close()
        self._process.kill()  # its children die with it
        self._process.wait()


class Server:
    """One thread, one loop: requests, deaths of children, life lines that were let go."""

    def __init__(self, listen: socket.socket, runtime: ModuleType, gpu: bool = False) -> None:
        self._listen, self._runtime, self._gpu = listen, runtime, gpu
        self._children: dict[int, socket.socket] = {}
        self._warm: set[str] = set()
        self._deaths, wake = socket.socketpair()
        for s in (self._deaths, wake):
            s.setblocking(False)
        self._wake = wake
        signal.signal(signal.SIGCHLD, lambda *_: None)
        signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
        _settle()

    def run(self) -> None:
        while True:
            lines = {line: pid for pid, line in self._children.items()}
            ready, _, _ = select.select([self._listen, self._deaths, *lines], [], [])
            if self._deaths in ready:
                self._reap()
            for line in ready:
                if line in lines and lines[line] in self._children:  # nothing is ever said on it: it was closed
                    self._kill(lines[line])
            if self._listen in ready and not self._serve():
                break
        for pid in list(self._children):
            self._kill(pid)

    def _serve(self) -> bool:
        packet, ancillary, _, _ = self._listen.recvmsg(MOST_REQUEST_BYTES, socket.CMSG_SPACE(MOST_FDS * 4))
        if not packet:
            return False
        fds = array.array("i")
        for level, kind, data in ancillary:
            if (level, kind) == (socket.SOL_SOCKET, socket.SCM_RIGHTS):
                fds.frombytes(data[: len(data) - len(data) % fds.itemsize])
        request = json.loads(packet)
        for name in request.get("warm", ()):
            self._warm_up(name)
        line = socket.socket(fileno=fds[0])
        ours = os.getpid()
        pid = os.fork()
        if pid == 0:
            self._become(request, fds, ours)
        for fd in fds[1:]:
            os.close(fd)
        self._children[pid] = line
        with contextlib.suppress(OSError):  # the asker may be gone: then its end is closed, which the loop sees
            line.sendall(struct.pack("i", pid))
        return True

    def _become(self, request: dict, fds: Sequence[int], parent: int) -> None:
        """In the child, never to return."""
        status = 1
        try:
            _die_with(parent)
            os.setsid()
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            _place(fds[1:], request["fds"])
            _limit(resource.RLIMIT_CORE, 0)
            _limit(resource.RLIMIT_NOFILE, request.get("open_files"))
            _limit(resource.RLIMIT_DATA, request.get("memory_bytes"))
            from burnish import worker

            status = worker.host(self._runtime, request.get("threads", 1))
        except BaseException:
            import traceback

            traceback.print_exc()
        finally:
            with contextlib.suppress(Exception):
                sys.stderr.flush()
            os._exit(status)

    def _warm_up(self, name: str) -> None:
        if name in self._warm:
            return
        self._warm.add(name)
        if name == "compile" and not (self._gpu and _starts_cuda(_import_compiler)):
            from burnish import instructions  # needs the package's other modules, once torch is here

            _import_compiler()
            instructions.find()
        _settle()

    def _reap(self) -> None:
        with contextlib.suppress(BlockingIOError):
            while self._deaths.recv(4096):
                pass
        with contextlib.suppress(ChildProcessError):
            while (end := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = end
                with self._children.pop(pid) as line, contextlib.suppress(OSError):
                    line.sendall(struct.pack("i", status))

    def _kill(self, pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(pid, signal.SIGKILL)
        with contextlib.suppress(ProcessLookupError):  # before its setsid
            os.kill(pid, signal.SIGKILL)
        self._children.pop(pid).close()
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, 0)


def _import_compiler() -> None:
    """torch.compile's compiler, without the processes and threads that it starts when it is imported."""
    import torch._inductor.config as config

    threads, config.compile_threads = config.compile_threads, 1
    try:
        import torch._inductor.compile_fx  # noqa: F401
    finally:
        config.compile_threads = threads


def _has_started_cuda() -> bool:
    """CUDA does not survive a fork. A process that has started it has this device open; one that has only counted GPUs
    has not."""
    for fd in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            if os.readlink(f"/proc/self/fd/{fd}") == "/dev/nvidia-uvm":
                return True
    return False


def _starts_cuda(what: Callable[[], None]) -> bool:
    """Tries in a child whether `what` starts CUDA (or fails)."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            what()
            status = int(_has_started_cuda())
        finally:
            os._exit(status)
    return os.waitpid(pid, 0)[1] != 0


def _settle() -> None:
    """What was made so far is no garbage: children neither look at it nor copy its pages by looking."""
    gc.collect()
    gc.freeze()


def _die_with(parent: int) -> None:
    """Ends this process with its parent, at once where that is gone by now. (Number 1 may be a living parent: a
    container's main program is.)"""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)


def _place(fds: Sequence[int], places: Sequence[int]) -> None:
    """The descriptors into their places; all others but the standard ones are closed."""
    import fcntl

    moved = [fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 64) for fd in fds]
    for fd, place in zip(moved, places, strict=True):
        os.dup2(fd, place, inheritable=True)
    kept = {0, 1, 2, *places}
    for fd in map(int, os.listdir("/proc/self/fd")):
        if fd not in kept:
            with contextlib.suppress(OSError):
                os.close(fd)


def _limit(which: int, value: int | None) -> None:
    if value is None or (which == resource.RLIMIT_DATA and value == 0):
        return
    _, hard = resource.getrlimit(which)
    most = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(which, (most, most))


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m burnish.nursery", description="Forks workers for a judge.")
    parser.add_argument("--fd", type=int, required=True, help="the socket's descriptor")
    parser.add_argument("--runtime", type=Path, required=True, help="the file of burnish._runtime")
    parser.add_argument("--parent", type=int, required=True, help="the process that it ends with")
    parser.add_argument("--gpu", action="store_true", help="workers may use a GPU: never start CUDA here")
    options = parser.parse_args(arguments)
    _die_with(options.parent)
    listen = socket.socket(fileno=options.fd)
    os.set_inheritable(options.fd, False)
    from burnish import deploy, live, recipe, worker  # noqa: F401  what workers need, imported once

    runtime = worker.load_runtime(str(options.runtime))
    if _has_started_cuda():
        return 1  # the asker sees that nobody is there, and starts workers the slow way
    Server(listen, runtime, options.gpu).run()
    return 0


if __name__ == "__main__":
    sys.exit(main())
