"""Workers for tests: plans with kernels that no check has seen, and candidates as files."""

from __future__ import annotations

import contextlib
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

from burnish.workers import Worker
from processes import tree_of

ENTRY = """
extern "C" void burnish_entry_k(long begin, long end, void* const* a) {
  k(begin, end, (const float*)a[0], (float*)a[1]);
}
extern "C" const char burnish_signature_k[] = "pp";
"""


def kernel_plan(folder: Path, body: str, before: str = "") -> dict:
    """A plan whose only step is `void k(long begin, long end, const float* x, float* y)` with this body, compiled
    without the object check: what the sandbox does when the check has a hole. y is x's size."""
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "k.cpp"
    source.write_text(
        f'{before}\nextern "C" void k(long begin, long end, const float* x, float* y) {{ {body} }}\n{ENTRY}'
    )
    made = folder / "k.so"
    subprocess.run(["g++", "-O1", "-shared", "-fPIC", "-o", str(made), str(source)], check=True)
    plan = {
        "burnish_plan": 1, "target": "cpu",
        "inputs": {"x": {"dtype": "float32", "shape": ["n"]}},
        "kernels": {"k": {"source": "k.cpp"}},
        "steps": [
            {"empty": "y", "like": "x"},
            {"launch": "k", "range": "n", "grain": "n", "args": ["x", "y"]},
        ],
        "result": "y",
    }  # fmt: skip
    (folder / "plan.json").write_text(json.dumps(plan))
    return {"kind": "plan", "dir": str(folder), "kernels": {"k.cpp": str(made)}}


def gone(pids: list[int], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not any(_alive(p) for p in pids):
            return True
        time.sleep(0.02)
    return False


def _alive(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(") ")[2][0] != "Z"
    return False


@contextlib.contextmanager
def leaving_nothing(worker: Worker) -> Iterator[Worker]:
    """Closes the worker at the end and checks that no process and no file of it is left."""
    try:
        yield worker
        pids = tree_of(worker.pid)
    finally:
        exchange = worker._exchange
        worker.close()
    assert gone(pids)
    assert not exchange.exists()
