"""Starts workers: the candidate's, and its twin with the reference. The only part of the judge that knows what a worker
is told when it loads something."""

from __future__ import annotations

import contextlib
import hashlib
import json
import shutil
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch

from burnish.errors import BurnishError, first_line
from burnish.judge.options import Options
from burnish.judge.placement import Placement, placed

LARGEST_PLAN = 64 << 20
REFERENCE = {"form": "reference"}  # the twin of every candidate: the user's own module in Python


class LoadFailed(Exception):
    """A worker did not take its candidate; `outcome` has reason and message."""

    def __init__(self, outcome) -> None:
        super().__init__(f"{outcome.reason}: {outcome.message}")
        self.outcome = outcome


def payload_of(
    candidate: dict[str, Any], problem: dict[str, Any] | None, precision: str, spec: Any = None
) -> tuple[str, bool, dict[str, Any]]:
    """The worker's form ("plan" or "python"), whether it is trusted, and what `load` is told."""
    form = candidate.get("form")
    if form == "plan":
        return "plan", False, {"kind": "plan", "dir": candidate["dir"], "kernels": candidate.get("kernels") or {}}
    common = {"problem": problem, "precision": "highest" if precision == "ieee" else precision, "spec": spec}
    if form == "deployed":  # what was verified in a sandbox before; it needs the user's module, which is trusted
        return "python", True, {"kind": "deployed", "dir": candidate["dir"], **common}
    if form == "recipe":
        return "python", True, {"kind": "recipe", "recipe": candidate["recipe"], **common}
    if form == "model_new":
        return "python", False, {"kind": "model_new", "file": candidate["file"], **common}
    if form in ("original", "reference"):
        return "python", True, {"kind": "reference", **common}
    raise BurnishError(
        "plan", f"unknown form of candidate {form!r}", "candidate", "use plan, recipe, model_new or original"
    )


def order_of(candidate: dict[str, Any]) -> list[str] | None:
    """The paths of a plan's inputs in the order in which its worker wants them; None for Python forms. Raises
    BurnishError (`plan`) where the file says nothing of the kind."""
    if candidate.get("form") != "plan":
        return None
    file = Path(candidate["dir"]) / "plan.json"
    try:
        if file.stat().st_size > LARGEST_PLAN:
            raise ValueError("it is too large")
        inputs = json.loads(file.read_text())["inputs"]
        return [str(value.get("path", name)) if isinstance(value, dict) else name for name, value in inputs.items()]
    except (OSError, ValueError, KeyError, AttributeError, RecursionError) as e:
        raise BurnishError("plan", f"the plan cannot be read: {first_line(e)}", str(file), "see docs/plan.md") from None


def deployed_folder(candidate: dict[str, Any], scratch: Path) -> dict[str, Any]:
    """The plan as `burnish.load` takes it (docs/deploy.md): a folder with a manifest of hashes and the compiled
    kernels."""
    source = Path(candidate["dir"])
    if (source / "burnish.json").exists():
        return {**candidate, "form": "deployed"}
    folder = Path(tempfile.mkdtemp(prefix="deployed-", dir=scratch))
    (folder / "kernels").mkdir()
    for name in ("plan.json", "constants.safetensors"):
        if (source / name).exists():
            shutil.copyfile(source / name, folder / name)
    kernels = {}
    for number, (kernel, built) in enumerate(sorted((candidate.get("kernels") or {}).items())):
        kernels[kernel] = f"kernels/kernel_{number}.so"
        shutil.copyfile(built, folder / kernels[kernel])
    files = {
        str(f.relative_to(folder)): hashlib.sha256(f.read_bytes()).hexdigest()
        for f in sorted(folder.rglob("*"))
        if f.is_file()
    }
    manifest = {
        "burnish": 1,
        "form": "plan",
        "files": files,
        "kernels": kernels,
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }
    (folder / "burnish.json").write_text(json.dumps(manifest))
    return {"form": "deployed", "dir": str(folder), "name": candidate.get("name", "")}


def compiles(candidate: dict[str, Any]) -> bool:
    """Whether it is a recipe with torch.compile (a malformed one is refused where it is loaded)."""
    recipe = candidate.get("recipe")
    return candidate.get("form") == "recipe" and isinstance(recipe, dict) and bool(recipe.get("compile"))


class Workers:
    """Workers of one session. A started plan worker is kept in hand, so that the next candidate does not wait for
    one."""

    def __init__(
        self, options: Options, problem: dict[str, Any] | None, *, start: Callable[..., Any] | None = None
    ) -> None:
        self._options, self._problem, self._spec = options, problem, None
        self._start = start or self._start_worker
        self._nursery: Any = None
        self._spares: dict[tuple[str, bool], list[Future]] = {}
        self._threads = ThreadPoolExecutor(4, thread_name_prefix="burnish-start")
        self._lock = threading.Lock()
        self._live: list[Any] = []
        self._reference: Any = None

    def set_problem(self, problem: dict[str, Any] | None, spec: Any = None) -> None:
        """The problem as a worker loads it, and the structure of a call's arguments."""
        self._problem, self._spec = problem, spec

    def prepare(self, form: str, trusted: bool, count: int = 1) -> None:
        """Starts workers in the background until `count` are in hand."""
        with self._lock:
            spares = self._spares.setdefault((form, trusted), [])
            for _ in range(count - len(spares)):
                spares.append(self._threads.submit(self._start_one, form, trusted))

    def _start_one(self, form: str, trusted: bool, warm: tuple[str, ...] = ()) -> Any:
        o = self._options
        worker = self._start(
            form, trusted=trusted, sandbox=o.sandbox and not trusted, memory_bytes=o.memory_bytes or None, warm=warm
        )
        with self._lock:
            self._live.append(worker)
        return worker

    def _start_worker(self, form: str, **settings: Any) -> Any:
        with self._lock:
            if form == "python" and settings["trusted"] and self._nursery is None:
                from burnish.workers import start_nursery

                self._nursery = start_nursery(gpu=self._options.device == "cuda")
        return _start(form, nursery=self._nursery, device=self._options.device, **settings)

    def _take(self, form: str, trusted: bool, warm: tuple[str, ...] = ()) -> Any:
        with self._lock:
            spares = self._spares.get((form, trusted), [])
            # One in hand has imported no compiler.
            future = spares.pop(0) if spares and not warm else None
        return future.result() if future is not None else self._start_one(form, trusted, warm)

    @contextlib.contextmanager
    def loaded(self, candidate: dict[str, Any]) -> Iterator[Any]:
        """A fresh worker that has loaded `candidate`. Raises LoadFailed."""
        worker = self.load(candidate)
        try:
            yield worker
        finally:
            self.drop(worker)

    @contextlib.contextmanager
    def reference(self) -> Iterator[Any]:
        """The twin of a whole search: loaded once, dropped if its user fails."""
        if self._reference is None:
            self._reference = self.load(REFERENCE)
        try:
            yield self._reference
        except BaseException:
            worker, self._reference = self._reference, None
            self.drop(worker)
            raise

    def load(self, candidate: dict[str, Any]) -> Any:
        form, trusted, payload = payload_of(candidate, self._problem, self._options.precision, self._spec)
        warm = ("compile",) if compiles(candidate) else ()
        worker = self._take(form, trusted, warm)
        outcome = worker.load(payload, timeout=self._options.load_timeout_seconds)
        if outcome is not None and outcome.reason == "environment":
            # One that was in hand may have been killed since (for want of memory, by somebody's pkill), and nothing of
            # the candidate was in it: that is no reason to give no verdict.
            self.drop(worker)
            worker = self._start_one(form, trusted, warm)
            outcome = worker.load(payload, timeout=self._options.load_timeout_seconds)
        if outcome is not None and not outcome.ok:
            self.drop(worker)
            raise LoadFailed(outcome)
        return worker

    @contextlib.contextmanager
    def only(self, *active: Any) -> Iterator[Placement]:
        """While timing: every worker but the active ones is stopped, none is being started, and the active ones'
        threads have their places."""
        with self._lock:
            starting = [f for fs in self._spares.values() for f in fs]
        for f in starting:
            with contextlib.suppress(Exception):
                f.result()
        with self._lock:
            others = [w for w in self._live if not any(w is a for a in active)]
        for w in others:
            w.freeze()
        try:
            with placed([w.pid for w in active if hasattr(w, "pid")]) as placement:
                yield placement
        finally:
            for w in others:
                w.thaw()

    def drop(self, worker: Any) -> None:
        with self._lock:
            if worker in self._live:
                self._live.remove(worker)
        worker.close()

    def close(self) -> None:
        with self._lock:
            spares = [f for fs in self._spares.values() for f in fs]
            self._spares.clear()
        for f in spares:
            with contextlib.suppress(Exception):
                f.result()
        self._threads.shutdown(wait=True)
        for worker in list(self._live):
            self.drop(worker)
        if self._nursery is not None:
            self._nursery.close()


def _start(form: str, **settings: Any) -> Any:
    from burnish import native
    from burnish.workers import Worker

    try:
        return Worker.start(form, **settings)
    except native.runtime().Error as e:  # no sandbox, no memory: nothing that a candidate did
        raise BurnishError(
            e.reason or "environment", e.what, e.where or "worker", e.todo or "see `burnish doctor`"
        ) from e
