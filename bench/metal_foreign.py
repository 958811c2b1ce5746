"""What share of Metal sources that others wrote the emulator compiles, and why not the rest.

python bench/metal_foreign.py FOLDER [--include FOLDER]... [--limit N]

FOLDER holds .metal files: PyTorch's aten/src/ATen/native/mps/kernels (c10/metal headers are those of the installed
PyTorch, or of --include), or MLX's
mlx/backend/metal/kernels (with --include the root of MLX). Nothing of them is kept.
"""

from __future__ import annotations

import argparse
import collections
import re
import time
from pathlib import Path

import burnish.metal as metal
import torch

INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]')


def inlined(path: Path, roots: list[Path], seen: set[Path]) -> str:
    """A source with the includes of its own project in their place, each once."""
    lines = []
    for line in path.read_text(errors="replace").splitlines():
        found = INCLUDE.match(line)
        if line.strip() == "#pragma once":
            continue
        if found and not found.group(1).startswith("metal_"):
            for root in [path.parent, *roots]:
                target = (root / found.group(1)).resolve()
                if target.is_file():
                    if target not in seen:
                        seen.add(target)
                        lines.append(inlined(target, roots, seen))
                    break
            else:
                lines.append(line)
            continue
        lines.append(line)
    return "\n".join(line.encode("ascii", "replace").decode() for line in lines) + "\n"


def reason(error: Exception) -> str:
    """The first message, without its place."""
    first = str(error).splitlines()[0]
    return re.sub(r"^program_source:\d+:\d+: (fatal )?error: ", "", first)[:150]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--include", type=Path, action="append", default=[])
    parser.add_argument("--limit", type=int, default=10**6)
    options = parser.parse_args()
    roots = [*options.include, Path(torch.__file__).parent / "include"]
    files = sorted(options.folder.rglob("*.metal"))[: options.limit]
    if not files:
        parser.error(f"no .metal file in {options.folder}")
    compiled, kernels, reasons = 0, 0, collections.defaultdict(list)
    start = time.perf_counter()
    for path in files:
        try:
            library = metal.compile_shader(inlined(path, roots, {path.resolve()}))
            compiled += 1
            kernels += len(dir(library))
        except Exception as error:
            reasons[reason(error)].append(path.name)
    for text, names in sorted(reasons.items(), key=lambda item: -len(item[1])):
        print(f"{len(names):3}  {text}: {', '.join(names)}")
    took = time.perf_counter() - start
    print(f"{compiled} of {len(files)} files compile ({compiled / len(files):.0%}), {kernels} kernels, {took:.0f} s")


if __name__ == "__main__":
    main()
