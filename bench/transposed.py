"""Transposed convolutions through oneDNN with the weight packed once, beside ATen's call, on one thread.

    python bench/transposed.py [--seconds 0.35]

Prints for each shape eager's time over the packed call's (which answers in NHWC), and over the packed call with the
answer turned back to NCHW. PyTorch alone: no plan, no judge.
"""

from __future__ import annotations

import argparse
import math
import time
from collections.abc import Callable

import torch
from torch.nn import functional

# batch, channels in and out, kernel, stride, padding, dilation, image
SHAPES = [
    (1, 3, 64, 3, 1, 0, 1, (32, 32, 32)),
    (1, 32, 64, 4, 2, 1, 1, (8, 32, 32)),
    (1, 32, 64, 3, 2, 1, 1, (8, 32, 32)),
    (1, 64, 32, 3, 1, 1, 1, (16, 32, 32)),
    (1, 8, 16, 3, 2, 1, 1, (16, 32, 32)),
    (1, 32, 64, 3, 1, 0, 1, (128, 128)),
    (32, 3, 16, 3, 2, 1, 1, (32, 32)),
    (8, 32, 64, 4, 2, 1, 1, (16, 16)),
    (1, 32, 64, 3, 5, 1, 2, (64, 64)),
]


def least(call: Callable[[], object], seconds: float) -> float:
    call()
    best, calls, begun = math.inf, 0, time.perf_counter()
    while calls < 3 or (time.perf_counter() - begun < seconds and calls < 50):
        start = time.perf_counter()
        call()
        best, calls = min(best, time.perf_counter() - start), calls + 1
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=0.35, help="of each measurement")
    seconds = parser.parse_args().seconds
    torch.set_num_threads(1)
    torch.set_grad_enabled(False)
    torch.manual_seed(0)
    print("| batch, channels, kernel, stride, dilation, image | eager | packed | with turning | largest difference |")
    print("| --- | --- | --- | --- | --- |")
    for batch, channels, out, kernel, stride, padding, dilation, image in SHAPES:
        n = len(image)
        x = torch.randn(batch, channels, *image)
        weight = torch.randn(channels, out, *[kernel] * n) / (channels * kernel**n) ** 0.5
        strides, paddings, dilations, none = [stride] * n, [padding] * n, [dilation] * n, [0] * n
        eager = {2: functional.conv_transpose2d, 3: functional.conv_transpose3d}[n]
        packed = torch.ops.mkldnn._reorder_convolution_transpose_weight(
            weight, paddings, none, strides, dilations, 1, list(x.shape)
        )

        def call(x=x, w=packed, p=paddings, s=strides, d=dilations, none=none):
            return torch.ops.mkldnn._convolution_transpose_pointwise(x, w, None, p, none, s, d, 1, "none", [], "")

        a = least(lambda e=eager, x=x, w=weight, s=stride, p=padding, d=dilation: e(x, w, None, s, p, 0, 1, d), seconds)
        b = least(call, seconds)
        c = least(lambda call=call: call().contiguous(memory_format=torch.contiguous_format), seconds)
        gap = (call() - eager(x, weight, None, stride, padding, 0, 1, dilation)).abs().max().item()
        name = f"{batch}, {channels} to {out}, {kernel}, {stride}, {dilation}, {'x'.join(map(str, image))}"
        print(f"| {name} | {a * 1e3:.2f} ms | {a / b:.2f}x | {a / c:.2f}x | {gap:.1e} |", flush=True)


if __name__ == "__main__":
    main()
