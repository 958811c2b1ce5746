"""Plans for CUDA in the runtime: kernels from NVRTC, PyTorch's stream and allocator. Most need a GPU."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from burnish import native
from safetensors.torch import save_file

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="needs an NVIDIA GPU")

ROOT = Path(__file__).resolve().parents[2]
KERNELS = r"""
#include <cooperative_groups.h>
extern "C" __global__ void bias_gelu(const float* h, const float* b, float* y, int64_t n, int64_t columns) {
  const int64_t i = blockIdx.x * int64_t(blockDim.x) + threadIdx.x;
  if (i >= n) return;
  const float v = h[i] + (b ? b[i % columns] : 0.0f);
  y[i] = 0.5f * v * (1.0f + erff(v * 0.70710678118654752f));
}
extern "C" __global__ void scale(const float* x, float* y, float by, int64_t n) {
  for (int64_t i = blockIdx.x * int64_t(blockDim.x) + threadIdx.x; i < n; i += int64_t(gridDim.x) * blockDim.x)
    y[i] = by * x[i];
}
extern "C" __global__ void reversed(const float* x, float* y, int64_t n) {
  extern __shared__ float row[];
  for (int64_t i = threadIdx.x; i < n; i += blockDim.x) row[i] = x[i];
  __syncthreads();
  for (int64_t i = threadIdx.x; i < n; i += blockDim.x) y[i] = row[n - 1 - i];
}
extern "C" __global__ void grid_sum(const float* x, float* partial, float* y, int64_t n) {
  float sum = 0;
  for (int64_t i = blockIdx.x * int64_t(blockDim.x) + threadIdx.x; i < n; i += int64_t(gridDim.x) * blockDim.x)
    sum += x[i];
  atomicAdd(&partial[blockIdx.x], sum);
  cooperative_groups::this_grid().sync();
  if (blockIdx.x == 0 && threadIdx.x == 0) {
    float all = 0;
    for (int i = 0; i < gridDim.x; ++i) all += partial[i];
    y[0] = all;
  }
}
extern "C" __global__ void cluster_rank(float* y) {
  unsigned rank, size;
  asm("mov.u32 %0, %%cluster_ctarank;" : "=r"(rank));
  asm("mov.u32 %0, %%cluster_nctaid.x;" : "=r"(size));
  if (threadIdx.x == 0) y[blockIdx.x] = 100 * size + rank;
}
extern "C" __global__ void __launch_bounds__(128) small(float* y) { y[threadIdx.x] = 1; }
"""
X = {"x": {"dtype": "float32", "shape": ["n"]}}


@pytest.fixture(scope="module")
def runtime() -> Any:
    return native.runtime()


def write(folder: Path, *steps: dict, inputs: dict | None = None, result: Any = "y", **plan: Any) -> Path:
    kernels = {s["launch"]: {"source": "kernels.cu"} for s in [*steps, *plan.get("prepare", [])] if "launch" in s}
    (folder / "kernels.cu").write_text(KERNELS)
    text = {"burnish_plan": 1, "target": "cuda", "inputs": inputs or X, "kernels": kernels, "steps": steps}
    (folder / "plan.json").write_text(json.dumps(text | {"result": result} | plan))
    return folder


def compiled(folder: Path, *arguments: str) -> dict[str, str]:
    """Source -> object, as `burnish compile` makes them."""
    beside = Path(sys.executable).parent / "burnish"
    command = os.environ.get("BURNISH") or str(beside if beside.exists() else ROOT / "build" / "release" / "burnish")
    environment = {**os.environ, "BURNISH_PYTHON": sys.executable}
    done = subprocess.run(
        [command, "compile", str(folder), "--json", "--store", str(folder / "store"), *arguments],
        capture_output=True, text=True, env=environment, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return {name: entry["object"] for name, entry in json.loads(done.stdout)["sources"].items()}


def load(runtime: Any, folder: Path, params: tuple = ()) -> Any:
    return runtime.load(str(folder), compiled(folder)).bind(list(params))


SCALE = {"launch": "scale", "grid": ["cdiv(n, 256)", 1, 1], "block": [256, 1, 1], "args": ["x", "y", 2.0, "n"]}
LIKE_X = {"empty": "y", "like": "x"}


@pytest.mark.skipif(torch.cuda.is_available(), reason="this machine has a GPU")
def test_without_a_gpu_it_says_what_is_missing(runtime: Any, tmp_path: Path) -> None:
    pytest.importorskip("nvidia.cu13", reason="NVRTC is not installed (requirements.txt)")
    folder = write(tmp_path, LIKE_X, SCALE)
    objects = compiled(folder, "--arch", "sm_90a")
    with pytest.raises(runtime.Error, match=r"NVIDIA driver|no CUDA") as caught:
        runtime.load(str(folder), objects)
    assert caught.value.reason == "environment"


@needs_gpu
def test_a_product_of_the_library_and_a_kernel(runtime: Any, tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {"op": "aten::linear", "args": ["x", "w"], "out": ["h"]},
        {"empty": "y", "like": "h"},
        {"launch": "bias_gelu", "grid": ["cdiv(numel(h), 256)", 1, 1], "block": [256, 1, 1],
         "args": ["h", "b", "y", "numel(h)", "size(h, 1)"]},
        inputs={"x": {"dtype": "float32", "shape": ["n", 64]}}, params={"w": "weight", "b": "bias"},
    )  # fmt: skip
    linear = torch.nn.Linear(64, 96, device="cuda")
    bound = load(runtime, folder, (linear.weight.detach(), linear.bias.detach()))
    for n in (1, 7, 300):
        x = torch.randn(n, 64, device="cuda")
        (y,) = bound.run([x])
        with torch.no_grad():
            torch.testing.assert_close(y, torch.nn.functional.gelu(linear(x)), rtol=1e-5, atol=1e-5)
    with pytest.raises(runtime.GuardMiss, match="another device"):
        bound.run([torch.randn(7, 64)])
    with pytest.raises(runtime.GuardMiss, match="16 bytes"):
        bound.run([torch.randn(7 * 64 + 1, device="cuda")[1:].view(7, 64)])


@needs_gpu
def test_offsets_null_pointers_empty_grids_and_zero(runtime: Any, tmp_path: Path) -> None:
    folder = write(
        tmp_path,
        {"zero": "y", "dtype": "float32", "shape": ["n + 4"]},
        {"launch": "bias_gelu", "grid": ["cdiv(n, 32)", 1, 1], "block": [32, 1, 1],
         "args": ["x", None, {"of": "y", "offset": 4}, "n", 1]},
    )  # fmt: skip
    bound = load(runtime, folder)
    x = torch.randn(1000, device="cuda")
    (y,) = bound.run([x])
    assert not y[:4].any()
    torch.testing.assert_close(y[4:], torch.nn.functional.gelu(x), rtol=1e-5, atol=1e-5)
    (y,) = bound.run([torch.empty(0, device="cuda")])
    assert y.tolist() == [0, 0, 0, 0]


@needs_gpu
def test_dynamic_shared_memory_clusters_and_cooperative_grids(runtime: Any, tmp_path: Path) -> None:
    def folder(name: str) -> Path:
        (tmp_path / name).mkdir()
        return tmp_path / name

    shared = {"launch": "reversed", "grid": [1, 1, 1], "block": [1024, 1, 1], "shared_bytes": "4 * n",
              "args": ["x", "y", "n"]}  # fmt: skip
    bound = load(runtime, write(folder("shared"), LIKE_X, shared))
    for n in (5, 10_000, 50_000):  # 200 KB: above what needs no asking
        x = torch.randn(n, device="cuda")
        assert torch.equal(bound.run([x])[0], x.flip(0))
    with pytest.raises(runtime.Error, match="at most 232448 is allowed"):
        bound.run([torch.randn(60_000, device="cuda")])

    together = {"launch": "grid_sum", "grid": [64, 1, 1], "block": [256, 1, 1], "cooperative": True,
                "args": ["x", "partial", "y", "n"]}  # fmt: skip
    steps = [{"zero": "partial", "dtype": "float32", "shape": [64]}, {"empty": "y", "dtype": "float32", "shape": [1]}]
    x = torch.rand(1 << 20, device="cuda")
    (y,) = load(runtime, write(folder("cooperative"), *steps, together)).run([x])
    torch.testing.assert_close(y[0], x.sum(), rtol=1e-4, atol=0)

    cluster = {"launch": "cluster_rank", "grid": [8, 1, 1], "block": [32, 1, 1], "cluster": [4, 1, 1], "args": ["y"]}
    made = {"empty": "y", "dtype": "float32", "shape": [8]}
    (y,) = load(runtime, write(folder("cluster"), made, cluster)).run([x])
    assert y.tolist() == [400, 401, 402, 403] * 2


@needs_gpu
def test_a_launch_above_a_kernels_limit_says_both_numbers(runtime: Any, tmp_path: Path) -> None:
    launch = {"launch": "small", "grid": [1, 1, 1], "block": [256, 1, 1], "args": ["y"]}
    bound = load(runtime, write(tmp_path, {"zero": "y", "dtype": "float32", "shape": [256]}, launch))
    with pytest.raises(runtime.Error, match=r"256 threads a block.*it can have 128"):
        bound.run([torch.zeros(1, device="cuda")])


@needs_gpu
def test_it_runs_on_the_callers_stream_and_in_a_graph_that_the_caller_captures(runtime: Any, tmp_path: Path) -> None:
    bound = load(runtime, write(tmp_path, LIKE_X, SCALE))
    x = torch.randn(1 << 20, device="cuda")
    stream = torch.cuda.Stream()
    stream.wait_stream(torch.cuda.current_stream())
    with torch.cuda.stream(stream):
        x.copy_(torch.arange(1 << 20, device="cuda"))
        for _ in range(3):
            (y,) = bound.run([x])
        assert torch.equal(y, 2 * x)
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        (y,) = bound.run([x])
    for value in (3.0, -1.0):
        x.fill_(value)
        graph.replay()
        torch.cuda.synchronize()
        assert torch.equal(y, torch.full_like(x, 2 * value))


@needs_gpu
def test_constants_and_prepared_tensors_are_on_the_gpu(runtime: Any, tmp_path: Path) -> None:
    save_file({"c": torch.arange(8.0)}, tmp_path / "constants.safetensors")
    folder = write(
        tmp_path,
        {"op": "aten::add.Tensor", "args": ["x", "p"], "out": ["y"]},
        constants={"c": "c"}, params={"w": "w"},
        prepare=[{"op": "aten::mul.Tensor", "args": ["w", "c"], "out": ["p"]}],
        inputs={"x": {"dtype": "float32", "shape": [8]}},
    )  # fmt: skip
    w = torch.full((8,), 3.0, device="cuda")
    bound = load(runtime, folder, (w,))
    x = torch.zeros(8, device="cuda")
    assert bound.run([x])[0].tolist() == [3.0 * i for i in range(8)]
    w.fill_(1.0)
    assert bound.run([x])[0].tolist() == [float(i) for i in range(8)]
    rows = bound.profile([x], 2)
    assert rows[0]["seconds"] > 0


@needs_gpu
def test_a_recorded_graph(runtime: Any, tmp_path: Path) -> None:
    steps = [
        {"op": "aten::linear", "args": ["x", "w"], "out": ["h"]},
        {"empty": "y", "like": "h"},
        {"launch": "bias_gelu", "grid": ["cdiv(numel(h), 256)", 1, 1], "block": [256, 1, 1],
         "args": ["h", "b", "y", "numel(h)", "size(h, 1)"]},
    ]  # fmt: skip
    inputs = {"x": {"dtype": "float32", "shape": ["n", 64]}}
    folder = write(tmp_path, *steps, inputs=inputs, params={"w": "weight", "b": "bias"}, graph=True)
    linear = torch.nn.Linear(64, 96, device="cuda")
    bound = load(runtime, folder, (linear.weight.detach(), linear.bias.detach()))

    def check(x: torch.Tensor, y: torch.Tensor) -> None:
        with torch.no_grad():
            torch.testing.assert_close(y, torch.nn.functional.gelu(linear(x)), rtol=1e-5, atol=1e-5)

    calls = [torch.randn(n, 64, device="cuda") for n in (7, 300) for _ in range(5)]
    results = [bound.run([x])[0] for x in calls]
    assert (bound.recorded, bound.not_recorded) == (2, "")
    for x, y in zip(calls, results, strict=True):  # after all calls: no result is memory of a later one
        check(x, y)
    with torch.no_grad():
        linear.weight.mul_(2)  # in place: the graph reads it where it lies
    check(calls[0], bound.run([calls[0]])[0])
    streams = [torch.cuda.Stream() for _ in range(3)]
    for i in range(30):  # by turns in several streams
        stream = streams[i % 3]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            y = bound.run([calls[i % 5]])[0]
        stream.synchronize()
        check(calls[i % 5], y)
    graph = torch.cuda.CUDAGraph()  # the caller's own: the plan runs plainly in it
    with torch.cuda.graph(graph):
        y = bound.run([calls[1]])[0]
    graph.replay()
    torch.cuda.synchronize()
    check(calls[1], y)
