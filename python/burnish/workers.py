"""The judge's side of workers: starts them, gives them work, believes nothing. Whatever a worker does is an Outcome.

with Worker.start("plan", trusted=False) as worker:
    worker.load({"kind": "plan", "dir": folder, "kernels": {"kernels.cpp": object}})
    worker.set_params({"weight": weight})
    worker.set_slots([[x], [y]])
    outcome = worker.call(0, poison=True)
    seconds, sampled = worker.time([0, 1], 100)
"""

from __future__ import annotations

import base64
import contextlib
import importlib.util
import json
import os
import pickle
import shutil
import sys
import tempfile
import threading
import weakref
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from burnish.nursery import Nursery

START_SECONDS = 90.0
PLAN_TMP_BYTES = 16 << 20
PYTHON_TMP_BYTES = 1 << 30  # an inline extension is built there
COMPILE_IN_A_CALL = ("recipe", "deployed")  # kinds, all of trusted code: torch.compile works in the first calls
MEMORY_SHARE = 0.75  # of the machine's memory, for one untrusted worker, unless told otherwise

# Workers die with the thread that started them (PR_SET_PDEATHSIG): this one lives as long as the process.
_starter = ThreadPoolExecutor(1, thread_name_prefix="burnish-starter")


def in_lasting_thread(start: Callable[[], Any]) -> Any:
    return _starter.submit(start).result()


_live: weakref.WeakSet[Worker] = weakref.WeakSet()


@dataclass
class Outcome:
    """One call, or one message. `tensors` are the judge's own copies; `structure` has {"tensor": i} in their places."""

    ok: bool
    reason: str = ""
    message: str = ""
    tensors: list[torch.Tensor] = field(default_factory=list)
    structure: Any = None
    peak_bytes: int = 0
    guard_broken: bool = False
    inputs: list[torch.Tensor] = field(default_factory=list)  # of sampled timed calls: what the worker was given
    slot: int = 0
    addresses: list[int] = field(default_factory=list)  # of the outputs, in the worker
    reply: dict[str, Any] = field(default_factory=dict)  # of messages

    @staticmethod
    def _of(parts: tuple) -> Outcome:
        ok, reason, message, tensors, structure, peak, broken, inputs, slot, addresses = parts
        try:
            tree = json.loads(structure)
        except ValueError:
            return Outcome(False, "protocol", "the result's structure is no JSON")
        return Outcome(ok, reason, message, tensors, tree, peak, broken > 0, inputs, slot, addresses)


# Without these glibc gives the top of the heap back, or not, by how a process's heap happens to lie: on buffers of 1 to
# 32 MB eager then took 10 ms in one process and 12 to 13 ms in the next, fault by fault. Twins get the faster state.
STEADY_MALLOC = {"MALLOC_TRIM_THRESHOLD_": str(1 << 40), "MALLOC_MMAP_THRESHOLD_": str(32 << 20)}


def process_environment(threads: int, gpu: bool = False) -> dict[str, str]:
    """What twins have in common, however they are started. Without `gpu` they see none: PyTorch would look for it,
    which takes seconds, and a process that has looked can fork none that uses it."""
    hidden = {} if gpu else {"CUDA_VISIBLE_DEVICES": ""}
    return {"OMP_NUM_THREADS": str(threads), "MKL_NUM_THREADS": str(threads), **STEADY_MALLOC, **hidden}


def start_nursery(gpu: bool = False) -> Nursery:
    """A fork server for this process's trusted Python workers, with `gpu` for those that use one."""
    from burnish import native

    runtime = native.runtime()
    environment = process_environment(torch.get_num_threads(), gpu)
    if gpu:  # PyTorch then counts GPUs without starting CUDA
        environment |= {**_cuda_environment("cuda"), "PYTORCH_NVML_BASED_CUDA_CHECK": "1"}
    environment |= _python_environment(Path(__file__).resolve().parents[1], sandboxed=False)
    return in_lasting_thread(lambda: Nursery(runtime.__file__, environment, gpu))


class Worker:
    """One worker process. Not for use by two threads at once; start, freeze, thaw and close may come from any."""

    def __init__(self, form: str, *, trusted: bool, sandbox: bool, memory_bytes: int | None, threads: int | None,
                 env: Mapping[str, str] | None, nursery: Nursery | None, warm: Sequence[str],
                 device: str) -> None:  # fmt: skip
        if form not in ("plan", "python"):
            raise ValueError(f"unknown form of worker {form!r}: plan or python")
        self.form, self.trusted, self.sandboxed = form, trusted, sandbox and not trusted
        self._threads = threads or torch.get_num_threads()
        self._env = dict(env or {})
        self._nursery, self._warm = nursery, list(warm)
        self._device = device
        self._memory_bytes = memory_bytes or (0 if trusted else int(_machine_bytes() * MEMORY_SHARE))
        # What a candidate consists of is copied here: the only folder of the judge's that its worker sees.
        self._exchange = Path(tempfile.mkdtemp(prefix="burnish-worker-"))
        self._exchange.chmod(0o755)
        self._lock = threading.Lock()
        self._shown: list[str] = []
        self._loads = 0
        self._patience = 120.0  # seconds for a message, as for the load
        self._compiling = 0.0  # seconds that a call may take to compile
        self._remote: Any = None
        self._kind = ""
        self._sealed = False
        self._forms: list[tuple] | None = None
        _live.add(self)
        try:
            self._spawn()
        except BaseException:
            self.close()
            raise

    @staticmethod
    def start(form: str, *, trusted: bool = False, sandbox: bool = True, memory_bytes: int | None = None,
              threads: int | None = None, env: Mapping[str, str] | None = None,
              nursery: Nursery | None = None, warm: Sequence[str] = (), device: str = "cpu") -> Worker:  # fmt: skip
        """Starts a worker and returns at once; its first message waits until it is up. Raises _runtime.Error with
        reason `environment` where there is no sandbox. A trusted Python worker is forked by `nursery`, where there is
        one, which first imports what is named in `warm` ("compile": torch.compile's compiler). `device`: where it
        computes, "cpu" or "cuda" ("copied": on the CPU as if on a GPU, for tests)."""
        return Worker(form, trusted=trusted, sandbox=sandbox, memory_bytes=memory_bytes, threads=threads, env=env,
                      nursery=nursery, warm=warm, device=device)  # fmt: skip

    # -- set-up ------------------------------------------------------------------------------------------------------
    def load(self, payload: Mapping[str, Any], timeout: float = 120.0) -> Outcome:
        """What to run; `kind` is plan, reference, recipe, deployed or model_new (docs/architecture.md)."""
        message = dict(payload)
        self._kind = message.setdefault("kind", "plan" if self.form == "plan" else "reference")
        self._forms, self._sealed = None, False
        spec = message.pop("spec", None)
        if spec is not None:
            message["call"] = torch.utils._pytree.treespec_dumps(spec)
        try:
            if self._kind == "plan":
                message = self._staged_plan(message)
            elif self._kind == "model_new":
                message = self._staged_model(message)
            elif self.sandboxed:
                self._show(_paths_of(message))
        except OSError as error:
            return Outcome(False, "file", f"the candidate's files cannot be read: {error}")
        self._patience = timeout
        self._compiling = timeout if self._kind in COMPILE_IN_A_CALL else 0.0
        outcome = self._request({"do": "load", **message}, timeout)
        for inside, outside in (("dir", payload.get("dir")), ("file", payload.get("file"))):
            if outside and message.get(inside):  # messages name the file that the user knows
                outcome.message = outcome.message.replace(str(message[inside]), str(outside))
        return outcome

    def set_params(self, params: Mapping[str, torch.Tensor], timeout: float | None = None) -> Outcome:
        """Parameters and buffers by path. The first time they are placed; later sets are written in place: `refresh`
        then tells the worker."""
        named = [(path, t.detach().cpu(), not isinstance(t, torch.nn.Parameter)) for path, t in params.items()]
        forms = [(path, t.dtype, t.shape, t.stride()) for path, t, _ in named]
        if forms == self._forms:
            return self._guarded(lambda: self._remote.write_params(named))
        outcome = self._guarded(lambda: self._remote.set_params(named, timeout or self._patience))
        self._forms = forms if outcome.ok else None
        return outcome

    def refresh(self, timeout: float = 120.0) -> Outcome:
        """Parameters were written in place: the worker prepares again."""
        return self._request({"do": "refresh"}, timeout)

    def set_slots(self, slots: Sequence[Sequence[Any]], timeout: float = 120.0) -> Outcome:
        """The leaves of each slot's arguments, copied to new random places."""
        return self._guarded(lambda: self._remote.set_slots(_leaves(slots), timeout))

    def overwrite_slots(self, slots: Sequence[Sequence[Any]]) -> Outcome:
        """Other values in the same places; the forms must be the same."""
        return self._guarded(lambda: self._remote.overwrite_slots(_leaves(slots)))

    def profile(self, slot: int, calls: int, timeout: float = 120.0) -> Outcome:
        """A plan's steps, timed one by one in `calls` calls: `reply` has "seconds" of a call and "steps". What it says
        is the worker's own word: good for hints, never for a verdict."""
        return self._request({"do": "profile", "slot": slot, "calls": calls}, timeout)

    # -- calls -------------------------------------------------------------------------------------------------------
    def call(
        self, slot: int, *, poison: bool = False, keep: bool = False, hoard: bool = False, timeout: float = 60.0
    ) -> Outcome:
        """One call. The worker is frozen when this returns. `poison`: NaN-filled guarded memory; `keep`: the outputs of
        the call before stay alive, for previous(); `hoard`: those of all calls do, until one without it."""
        sealed = self._seal(slot, timeout)
        if not sealed.ok:
            return sealed
        return Outcome._of(self._remote.call(slot, poison, keep, hoard, timeout + self._compiling))

    def previous(self) -> Outcome:
        """The outputs of the call before the last one, as they are now."""
        return Outcome._of(self._remote.previous())

    def time(self, slots: Sequence[int], calls: int, batch: int = 1, flush: bool = False,
             sample: Sequence[int] | set[int] = (), timeout: float = 60.0,
             vary: Sequence[int] = (), poke: Sequence[int] = ()) -> tuple[list[float], dict[int, Outcome]]:  # fmt: skip
        """Seconds of `calls` wake-ups of `batch` calls each, which take the slots in turn, and the outcomes after the
        sampled wake-ups. Fewer seconds than calls: the outcome with the highest number says what failed. `vary`: leaves
        that are scaled by a random factor before each call (the outcome's `inputs` has the values)."""
        sealed = self._seal(slots[0], timeout) if slots else Outcome(False, "protocol", "no slots")
        if not sealed.ok:
            return [], {0: sealed}
        seconds, sampled, failed = self._remote.time(
            order=list(slots),
            calls=calls,
            batch=batch,
            flush=flush,
            sample=set(sample),
            vary=list(vary),
            poke=list(poke),
            timeout=timeout + self._compiling,
        )
        outcomes = {number: Outcome._of(parts) for number, parts in sampled.items()}
        if failed is not None:
            outcomes[len(seconds)] = Outcome._of(failed)
        return seconds, outcomes

    def inputs_changed(self, slot: int) -> str:
        """What of the slot was written by the worker ("input 2", "memory beside input 2"), or an empty string."""
        return self._remote.inputs_changed(slot)

    def params_changed(self) -> str:
        return self._remote.params_changed()

    # -- life --------------------------------------------------------------------------------------------------------
    @property
    def pid(self) -> int:
        return self._remote.pid

    def alive(self) -> bool:
        return self._remote is not None and self._remote.alive()

    def log(self) -> str:
        """What the worker wrote to stderr."""
        return self._remote.log()

    def freeze(self) -> None:
        """Stops every process of the worker, and returns when all have stopped."""
        if self._remote is not None:
            self._remote.freeze()

    def thaw(self) -> None:
        if self._remote is not None:
            self._remote.thaw()

    def close(self) -> None:
        """Kills the worker and all that it started."""
        with self._lock:
            if self._remote is not None:
                self._remote.close()
            shutil.rmtree(self._exchange, ignore_errors=True)
        _live.discard(self)

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def __del__(self) -> None:
        with contextlib.suppress(Exception):
            self.close()

    # -- inside ------------------------------------------------------------------------------------------------------
    def _spawn(self) -> None:
        from burnish import native

        runtime = native.runtime()
        # A server for GPUs sees them and starts none; its own GPU is the worker's.
        forks = self._nursery is not None and self._nursery.gpu in {"cpu": (False,), "cuda": (True,)}.get(
            self._device, (False, True)
        )
        if forks and self.form == "python" and self.trusted and not self._env:
            try:
                self._remote = runtime.Remote.start(
                    **self._common(), argv=[], readable=[], env=[], nursery=self._nursery.fd,
                    request=json.dumps({"threads": self._threads, "warm": self._warm}),
                )  # fmt: skip
                return
            except runtime.Error:
                if not self._nursery.gone():
                    raise
                self._nursery = None  # killed for want of memory, say: the slow way still goes
        env = {
            **process_environment(self._threads, gpu=self._device == "cuda"),
            **_cuda_environment(self._device),
            **self._env,
        }
        readable = [str(self._exchange), *self._shown]
        if self.form == "plan":
            argv = [str(native.worker_path())]
            libraries = Path(torch.__file__).resolve().parent
            readable += [str(native.worker_path().parent), str(libraries), *_cuda_paths(self._device)]
        else:
            argv = [sys.executable, "-P", "-m", "burnish.worker", "--runtime", runtime.__file__]
            package = Path(__file__).resolve().parent
            env |= _python_environment(package.parent, self.sandboxed)
            readable += [str(Path(runtime.__file__).parent), *_python_paths(package)]
        argv += ["--threads", str(self._threads)]
        if self.sandboxed:
            argv.append("--confined")
        self._remote = in_lasting_thread(
            lambda: runtime.Remote.start(**self._common(), argv=argv, readable=readable, env=list(env.items()))
        )

    def _common(self) -> dict[str, Any]:
        return {
            "sandbox": self.sandboxed,
            # CUDA reserves address space for all of a machine's memory: a limit on it would be a limit on nothing.
            "memory_bytes": 0 if self._device == "cuda" else self._memory_bytes,
            "tmp_bytes": PLAN_TMP_BYTES if self.form == "plan" else PYTHON_TMP_BYTES,
            "start_timeout": START_SECONDS,
            "device": self._device,
        }

    def _show(self, paths: list[str]) -> None:
        """Starts the process again with more to see, where it does not see `paths` yet."""
        if all(p in self._shown for p in paths):
            return
        self._shown += [p for p in paths if p not in self._shown]
        self._remote.close()
        self._spawn()

    def _staged_plan(self, message: dict[str, Any]) -> dict[str, Any]:
        folder = self._stage()
        source = Path(message["dir"])
        for name in ("plan.json", "constants.safetensors"):
            if (source / name).exists():
                _copy(source / name, folder / name)
        kernels = {}
        for number, (name, file) in enumerate(sorted(message.get("kernels", {}).items())):
            _copy(Path(file), folder / f"kernel_{number}.so")
            kernels[name] = str(folder / f"kernel_{number}.so")
        if (source / "kernels").is_dir():
            (folder / "kernels").mkdir()
            for file in (source / "kernels").glob("*.so"):
                _copy(file, folder / "kernels" / file.name)
        return {**message, "dir": str(folder), "kernels": kernels}

    def _staged_model(self, message: dict[str, Any]) -> dict[str, Any]:
        """The candidate's file and the constructor's arguments; nothing that says where the problem is."""
        folder = self._stage()
        source = Path(message["file"])
        _copy(source, folder / source.name)
        problem = message.pop("problem", None) or {}
        init = message.pop("init", None)
        if init is None:
            init = _init_inputs(problem)
        message["init"] = base64.b64encode(pickle.dumps(init)).decode()
        message.setdefault("seed", problem.get("seed", 0))
        message.setdefault("mode", problem.get("mode", "eval"))
        return {**message, "file": str(folder / source.name)}

    def _stage(self) -> Path:
        """A fresh folder of the exchange; what was loaded before is gone from it."""
        for old in self._exchange.iterdir():
            shutil.rmtree(old, ignore_errors=True)
        self._loads += 1
        folder = self._exchange / str(self._loads)
        folder.mkdir()
        folder.chmod(0o755)
        return folder

    def _seal(self, slot: int, timeout: float) -> Outcome:
        """Before an untrusted module is judged: one call to warm it up, then it can start nothing any more."""
        if self._sealed or not self.sandboxed:
            return Outcome(True)
        if self._kind != "model_new":
            self._remote.sealed()  # a plan's worker is when it has loaded: what stops it need not look for children
            self._sealed = True
            return Outcome(True)
        warm = Outcome._of(self._remote.call(slot, False, False, False, timeout))
        if not warm.ok:
            return warm
        sealed = self._request({"do": "seal"}, timeout)
        if sealed.ok and not self._remote.sealed():
            return Outcome(
                False, "resources", "the candidate left processes behind, or kept the filter on system calls off"
            )
        self._sealed = sealed.ok
        return sealed

    def _request(self, message: dict[str, Any], timeout: float) -> Outcome:
        return self._guarded(lambda: self._remote.request(json.dumps(message), timeout))

    def _guarded(self, step: Any) -> Outcome:
        from burnish import native

        try:
            reply = step()
        except native.runtime().Error as error:
            return Outcome(False, error.reason or "protocol", str(error))
        return Outcome(True, reply=json.loads(reply) if isinstance(reply, str) else {})


@contextlib.contextmanager
def freeze_all_but(*active: Worker) -> Iterator[None]:
    """Every other live worker of this process is stopped meanwhile."""
    others = [w for w in list(_live) if not any(w is a for a in active)]
    for worker in others:
        worker.freeze()
    try:
        yield
    finally:
        for worker in others:
            worker.thaw()


def _leaves(slots: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [
        [leaf.detach().cpu() if isinstance(leaf, torch.Tensor) else _value(leaf) for leaf in slot] for slot in slots
    ]


def _value(leaf: Any) -> str:
    if isinstance(leaf, float) and (leaf != leaf or leaf in (float("inf"), float("-inf"))):
        return json.dumps({"float": str(leaf)})
    return json.dumps(leaf)


def _copy(source: Path, target: Path) -> None:
    """A link where the file system allows it and others may read the file, else a copy."""
    if source.is_dir():
        raise IsADirectoryError(21, "is a folder", str(source))
    try:
        if not os.stat(source).st_mode & 0o004:
            raise OSError("not readable by the sandbox's user")
        os.link(os.path.realpath(source), target)
    except OSError:
        shutil.copyfile(source, target)
        target.chmod(0o644)


def _paths_of(message: Mapping[str, Any]) -> list[str]:
    """Folders that a deployed module needs: the problem's, the deployed one, and where its imports come from."""
    problem = message.get("problem") or {}
    found = [str(message["dir"])] if message.get("dir") else []
    found += [str(Path(f).parent) for f in (message.get("kernels") or {}).values()]
    for key in ("file", "pickle", "main"):
        if problem.get(key):
            found.append(str(Path(problem[key]).resolve().parent))
    if problem.get("inputs_from") and ":" in problem["inputs_from"]:
        found.append(str(Path(problem["inputs_from"].partition(":")[0]).resolve().parent))
    found += [p for p in problem.get("path", []) if p and Path(p).is_dir()]
    return [p for p in dict.fromkeys(found) if p != "/"]


def _python_paths(package: Path) -> list[str]:
    """What the interpreter needs: its prefixes, PyTorch, and this package."""
    paths = [sys.prefix, sys.base_prefix, str(package), str(Path(torch.__file__).resolve().parents[1])]
    spec = importlib.util.find_spec("numpy")
    if spec is not None and spec.origin:
        paths.append(str(Path(spec.origin).resolve().parents[1]))
    return [p for p in dict.fromkeys(paths) if p not in ("/", "/usr") and Path(p).is_dir()]


def _python_environment(root: Path, sandboxed: bool) -> dict[str, str]:
    env = {"PYTHONDONTWRITEBYTECODE": "1", "PYTHONPATH": str(root)}
    if sandboxed:
        env |= {
            "PATH": f"{sys.prefix}/bin:/usr/bin:/bin", "TORCH_EXTENSIONS_DIR": "/tmp/torch_extensions",
            "TORCHINDUCTOR_CACHE_DIR": "/tmp/torchinductor", "TRITON_CACHE_DIR": "/tmp/triton", "MAX_JOBS": "2",
        }  # fmt: skip
    elif os.environ.get("PYTHONPATH"):
        env["PYTHONPATH"] += os.pathsep + os.environ["PYTHONPATH"]
    return env


def _cuda_paths(device: str) -> list[str]:
    """The folder of NVIDIA's packages that a CUDA build of PyTorch links."""
    nvidia = Path(torch.__file__).resolve().parents[1] / "nvidia"
    return [str(nvidia)] if device == "cuda" and nvidia.is_dir() else []


def _cuda_environment(device: str) -> dict[str, str]:
    """What decides which GPU is seen, and where the driver's library lies."""
    names = ("CUDA_VISIBLE_DEVICES", "LD_LIBRARY_PATH", "CUDA_MODULE_LOADING", "PYTORCH_CUDA_ALLOC_CONF")
    return {name: os.environ[name] for name in names if device == "cuda" and os.environ.get(name)}


def _init_inputs(problem: Mapping[str, Any]) -> tuple[tuple, dict]:
    """get_init_inputs() of the problem's file, run in the judge, which is trusted to."""
    if not problem.get("file"):
        return (), {}
    from burnish.guarded import beside, seeded
    from burnish.problem import _import, as_call

    path = Path(problem["file"])
    user = _import(path)
    get_init = getattr(user, "get_init_inputs", None)
    if get_init is None:
        return (), {}
    with beside(path.parent), seeded(problem.get("seed", 0)):
        return as_call(get_init(), str(path))


def _machine_bytes() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
