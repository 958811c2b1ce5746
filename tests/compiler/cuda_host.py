"""The compiler's CUDA kernels on this machine: built for the host with cuda_on_host.h, and compiled by NVRTC."""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from harness import ROOT

KERNEL = re.compile(r'extern "C" __global__ void __launch_bounds__\([\d, ]+\) (\w+)\((.*?)\) \{')
RUNTIME = ROOT / "src" / "compiler" / "runtime"
# What only a device's assembler knows: cuda_on_host.h has its own.
DEVICE_ALONE = [(RUNTIME / name).read_text() for name in ("halves.cuh",)]


def with_runner(head: re.Match) -> str:
    """A function for ctypes that launches a kernel."""
    names = ", ".join(arg.split()[-1] for arg in head[2].split(", "))
    return (
        f'extern "C" void run_{head[1]}(int64_t grid, int64_t block, {head[2]}) {{\n'
        f"  emulated::launch(grid, block, [&] {{ {head[1]}({names}); }});\n}}\n"
    )


def build_on_host(text: str, at: Path) -> ctypes.CDLL:
    """The kernels of a source as a library at `at`, each with a function run_NAME(grid, block, arguments)."""
    if not at.exists():
        runners = "".join(with_runner(head) for head in KERNEL.finditer(text))
        for part in DEVICE_ALONE:
            assert part in text
            text = text.replace(part, "")
        at.with_suffix(".cpp").write_text('#include "cuda_on_host.h"\n' + text + runners)
        subprocess.run(
            ["g++", "-std=c++20", "-O1", "-w", "-fno-strict-aliasing", "-ffp-contract=fast", "-march=native", "-shared",
             "-fPIC", f"-I{Path(__file__).parent}", str(at.with_suffix(".cpp")), "-o", str(at)],
            check=True, timeout=180,
        )  # fmt: skip
    return ctypes.CDLL(str(at))


def nvrtc_kernels(folder: Path, architecture: str, store: Path) -> dict[str, dict[str, Any]]:
    """Compiles a plan's kernels.cu for an architecture; what the compiler says of each kernel, by name."""
    command = os.environ.get("BURNISH") or str(ROOT / "build" / "release" / "burnish")
    done = subprocess.run(
        [command, "compile", str(folder), "--json", "--arch", architecture, "--store", str(store)],
        capture_output=True, text=True, timeout=180, env={**os.environ, "BURNISH_PYTHON": sys.executable}, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return json.loads(done.stdout)["sources"]["kernels.cu"]["kernels"]
