"""How fast the Metal emulator is here: softmax of 1,024 x 1,024 in both modes, and compiling one kernel.

python bench/metal.py
"""

from __future__ import annotations

import os
import statistics
import tempfile
import time
from pathlib import Path

import burnish.metal as metal
import torch

SOURCE = Path(__file__).parents[1] / "tests" / "targets" / "metal" / "correct" / "softmax.metal"


def seconds(call, rounds: int) -> float:
    times = []
    for _ in range(rounds):
        start = time.perf_counter()
        call()
        times.append(time.perf_counter() - start)
    return statistics.median(times)


def main() -> None:
    source = SOURCE.read_text()
    x, y = torch.randn(1024, 1024), torch.empty(1024, 1024)
    with tempfile.TemporaryDirectory() as home:
        os.environ["BURNISH_HOME"] = home
        metal.compile_shader(source)  # brings the library's precompiled header along
        metal.compile_shader(source, checked=True)
        for checked in (False, True):
            number = iter(range(100))

            def compile_once(checked: bool = checked, number=number) -> None:
                metal.compile_shader(f"{source}\n// {next(number)}\n", checked=checked)

            mode = "checked" if checked else "fast"
            print(f"{mode}: compile {seconds(compile_once, 5) * 1e3:.0f} ms", end=", ")
            kernel = metal.compile_shader(source, checked=checked).k
            sizes = {"threads": 1024 * 256, "group_size": 256}
            run = seconds(lambda kernel=kernel, sizes=sizes: kernel(x, y, 1024, **sizes), 3 if checked else 9)
            print(f"softmax 1024 x 1024 in {run * 1e3:.0f} ms")
    torch.testing.assert_close(y, x.softmax(-1))


if __name__ == "__main__":
    main()
