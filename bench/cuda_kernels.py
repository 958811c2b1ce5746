"""What each kind of the compiler's CUDA kernels reaches against copy bandwidth, or against the peak of half products.

    python bench/cuda_kernels.py [--out FILE] [--only WORD] [--dtype float16] [--seconds 240]
    python bench/cuda_kernels.py --compile [--only WORD] [--dtype float16]

One line of JSON a case: `of_copy` is what must be moved at least (inputs, parameters and results, once) over the plan's
time, in parts of what a copy of 1 GB moves; `of_peak` the arithmetic that eager's formula asks for, in parts of fp16
products of side 8192 (a product by split halves does three of those, so a third is its roof). Times are CUDA events,
medians, warm. With --out, cases that stand in the file with this commit and device are left out, so that a run which
was cut off goes on. The cases `graph ...` compare a plan run plainly and recorded as a CUDA graph.

--compile needs no GPU: it makes every plan, compiles it for sm_90a, and says which kernels each case became.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import torch
import torch.nn.functional as F
from cuda_first import BURNISH, ENVIRONMENT, ROOT, compile_plan, load_plan, milliseconds, one
from torch import nn


class Case(NamedTuple):
    f: Callable
    inputs: tuple[tuple[int, ...], ...]
    params: tuple[tuple[int, ...], ...] = ()
    flops: float = 0  # of products; 0: memory decides


class Module(nn.Module):
    def __init__(self, case: Case) -> None:
        super().__init__()
        self.f = case.f
        self.w = nn.ParameterList(nn.Parameter(torch.randn(shape) / shape[-1] ** 0.5) for shape in case.params)

    def forward(self, *args: torch.Tensor) -> torch.Tensor:
        return self.f(*args, *self.w)


def chain(x: torch.Tensor, *weights: torch.Tensor) -> torch.Tensor:
    """Small layers one after another: launches decide."""
    for w in weights:
        x = F.layer_norm(x + torch.tanh(F.linear(x, w)), x.shape[-1:])
    return x


def product(m: int, n: int, k: int) -> Case:
    return Case(F.linear, ((m, k),), ((n, k), (n,)), 2.0 * m * n * k)


PLANES = (64, 64, 224, 224)  # 0.8 GB
CASES: dict[str, Case] = {
    "pointwise": Case(lambda x, y: F.gelu(x) * y + 1, ((16384, 8192), (16384, 8192))),
    "pointwise, transposed": Case(lambda x, y: torch.tanh(x + y.t()), ((16384, 16384), (16384, 16384))),
    "pointwise, by channel": Case(lambda x, s: x * torch.sigmoid(s), (PLANES, (64, 64, 1, 1))),
    "rows of 8": Case(lambda x: torch.softmax(x, -1), ((1 << 25, 8),)),
    "rows of 10": Case(lambda x: F.log_softmax(x, -1), ((1 << 24, 10),)),
    "sums of rows of 8": Case(lambda x: x.sum(-1), ((1 << 25, 8),)),
    "rows of 128": Case(lambda x: torch.softmax(x, -1), ((1 << 20, 128),)),
    "rows of 1,024": Case(lambda x: F.layer_norm(x, (1024,)), ((1 << 17, 1024),)),
    "rows of 8,192": Case(lambda x: torch.softmax(x, -1), ((1 << 14, 8192),)),
    "rows of 32,768": Case(lambda x: F.layer_norm(x, (32768,)), ((4096, 32768),)),
    "few long rows": Case(lambda x: F.layer_norm(x, x.shape[1:]), ((16, 64, 256, 256),)),
    "sum of long rows": Case(lambda x: x.sum(1), ((64, 1 << 21),)),
    "columns, 8 of them": Case(lambda x: x.sum(0), ((1 << 25, 8),)),
    "columns, first": Case(lambda x: x.mean(0), ((1 << 18, 512),)),
    "columns, middle": Case(lambda x: x.amax(1), ((64, 512, 4096),)),
    "columns, norm": Case(lambda x: x / torch.sqrt(x.pow(2).mean(1, keepdim=True) + 1e-5), (PLANES,)),
    "pooling, max 3/2": Case(lambda x: F.max_pool2d(x, 3, 2, 1), (PLANES,)),
    "pooling, average 2": Case(lambda x: F.avg_pool2d(x, 2), (PLANES,)),
    "pooling, max 3-D": Case(lambda x: F.max_pool3d(x, 2), ((16, 32, 64, 64, 64),)),
    "pooling, average 11": Case(lambda x: F.avg_pool2d(x, 11), (PLANES,)),
    "scan, rows of 1,000": Case(lambda x: torch.cumsum(x, 1), ((1 << 17, 1000),)),
    "scan, rows of 32,768": Case(lambda x: torch.cumsum(x, 1), ((4096, 32768),)),
    "scan, few long rows": Case(lambda x: torch.cumsum(x, 1), ((32, 1 << 21),)),
    "scan, columns": Case(lambda x: torch.cumsum(x, 1), ((64, 512, 2048),)),
    "depthwise 3": Case(lambda x, w: F.conv2d(x, w, None, 1, 1, groups=64), (PLANES,), ((64, 1, 3, 3),)),
    "depthwise 7": Case(lambda x, w: F.conv2d(x, w, None, 1, 3, groups=64), (PLANES,), ((64, 1, 7, 7),)),
    "few columns, 1": Case(torch.mv, ((16384, 16384), (16384,))),
    "few columns, 8": Case(torch.mm, ((16384, 16384), (16384, 8))),
    "few rows, 1": Case(F.linear, ((1, 16384),), ((16384, 16384), (16384,))),
    "few rows, 8": Case(F.linear, ((8, 16384),), ((16384, 16384), (16384,))),
    "product 8192": product(8192, 8192, 8192),
    "product 2048": product(2048, 2048, 2048),
    "product 1000 x 4000 x 3000": product(1000, 4000, 3000),
    "graph of 8 layers, 64 x 256": Case(chain, ((64, 256),), ((256, 256),) * 8),
    "graph of 24 layers, 64 x 256": Case(chain, ((64, 256),), ((256, 256),) * 24),
    "graph of 8 layers, 4096 x 1024": Case(chain, ((4096, 1024),), ((1024, 1024),) * 8),
}


def fresh(
    case: Case, device: str, dtype: torch.dtype, draw: Callable = torch.randn
) -> tuple[Module, tuple[torch.Tensor, ...]]:
    torch.manual_seed(1)
    module = Module(case).to(device, dtype).eval()
    return module, tuple(draw(shape, device=device, dtype=dtype) for shape in case.inputs)


def kernels_of(folder: Path) -> list[str]:
    return sorted({k.rpartition("_")[0] for k in json.loads((folder / "plan.json").read_text()).get("kernels", {})})


def exact_error(module: Module, args: tuple[torch.Tensor, ...], result: torch.Tensor) -> float:
    dtype = result.dtype
    exact = module.double()(*(x.double() for x in args))
    module.to(dtype)
    return float((result.double() - exact).norm() / (exact.norm() + 1e-30))


def asks_for_graph(folder: Path) -> Path:
    other = folder.with_name(folder.name + "_graph")
    subprocess.run(["cp", "-r", str(folder), str(other)], check=True)
    plan = json.loads((other / "plan.json").read_text())
    (other / "plan.json").write_text(json.dumps({**plan, "graph": True}))
    return other


@torch.no_grad()
def measure(name: str, case: Case, dtype: torch.dtype, folder: Path, copied: float, peak: float) -> dict[str, Any]:
    """`copied`: bytes a second of a copy; `peak`: arithmetic a second of half products."""
    module, args = fresh(case, "cuda", dtype)
    plan = compile_plan(module, args, folder)
    bound = load_plan(plan, module)
    got, eager = one(bound.run(list(args))), module(*args)
    moved = sum(t.nbytes for t in (*args, *module.parameters(), got))
    small = sum(x.numel() for x in args) < 1 << 28  # float64 needs twice the memory and its time
    errors = {f"{who}error": exact_error(module, args, y) for who, y in (("", got), ("eager_", eager))} if small else {}
    del got, eager
    ours, theirs = milliseconds(bound.run, list(args), budget=0.3), milliseconds(module, *args, budget=0.3)
    row = {"name": name, "kernels": kernels_of(plan), "ms": ours, "eager_ms": theirs,
           "of_copy": moved / ours * 1e3 / copied, "eager_of_copy": moved / theirs * 1e3 / copied}  # fmt: skip
    row |= errors
    if case.flops:
        row |= {"of_peak": case.flops / ours * 1e3 / peak, "eager_of_peak": case.flops / theirs * 1e3 / peak}
    if name.startswith("graph"):
        recorded = load_plan(asks_for_graph(plan), module)
        row |= {"graph_ms": milliseconds(recorded.run, list(args), budget=0.3), "recorded": recorded.recorded}
        same = torch.equal(one(recorded.run(list(args))), one(bound.run(list(args))))
        row |= {"not_recorded": recorded.not_recorded, "same": same}
    return row


def roofs() -> dict[str, float]:
    """What the device does: bytes a second of a copy of 1 GB, and arithmetic a second of half products."""
    x = torch.randn(1 << 28, device="cuda")
    copied = 2 * x.nbytes / milliseconds(torch.empty_like(x).copy_, x, budget=0.5) * 1e3
    half = torch.randn(8192, 8192, device="cuda", dtype=torch.float16)
    return {"copied": copied, "peak": 2 * 8192.0**3 / milliseconds(torch.mm, half, half, budget=0.5) * 1e3}


def commit() -> str:
    done = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return done.stdout.strip()


def only_compile(names: list[str], dtype: torch.dtype, folder: Path) -> int:
    failed = 0
    for i, name in enumerate(names):
        module, args = fresh(
            CASES[name], "cpu", dtype, torch.empty
        )  # export looks at no value, so no memory is touched
        plan = compile_plan(module, args, folder / str(i))
        done = subprocess.run([BURNISH, "compile", str(plan), "--arch", "sm_90a", "--store", str(folder / "store")],
                              capture_output=True, text=True, env=ENVIRONMENT, check=False)  # fmt: skip
        failed += done.returncode != 0
        print(json.dumps({"name": name, "kernels": kernels_of(plan), "compiles": done.returncode == 0}), flush=True)
        if done.returncode != 0:
            print(done.stderr[-2000:], file=sys.stderr)
    return 1 if failed else 0


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--out", type=Path, help="append to this file, and leave out what stands in it")
    ask.add_argument("--only", default="", help="cases with this word in their name")
    ask.add_argument("--dtype", default="float32", choices=["float32", "float16", "bfloat16"])
    ask.add_argument("--seconds", type=float, default=240)
    ask.add_argument("--compile", action="store_true", help="make and compile the plans only")
    asked = ask.parse_args()
    sys.path.insert(0, str(ROOT / "python"))
    names = [name for name in CASES if asked.only in name]
    dtype = getattr(torch, asked.dtype)
    with tempfile.TemporaryDirectory(prefix="burnish-kernels-") as scratch:
        if asked.compile:
            return only_compile(names, dtype, Path(scratch))
        end = time.monotonic() + asked.seconds
        here = {"device": torch.cuda.get_device_name(), "commit": commit(), "torch": torch.__version__,
                "dtype": asked.dtype}  # fmt: skip
        lines = asked.out.read_text().splitlines() if asked.out and asked.out.exists() else []
        rows = [json.loads(line) for line in lines if line.endswith("}")]  # the last one may be cut off
        done = {r["name"] for r in rows if "failed" not in r and all(r.get(k) == here[k] for k in here)}
        roof = roofs()
        print(json.dumps({"roofs": roof, **here}), flush=True)
        for i, name in enumerate(n for n in names if n not in done):
            if time.monotonic() > end:
                print(f"no time left for {name} and what follows", file=sys.stderr)
                return 1
            try:
                row = measure(name, CASES[name], dtype, Path(scratch) / str(i), **roof)
            except Exception as error:  # one case's failure is its result
                row = {"name": name, "failed": f"{type(error).__name__}: {error}"[:2000]}
            torch.cuda.empty_cache()
            line = json.dumps(here | {k: float(f"{v:.4g}") if isinstance(v, float) else v for k, v in row.items()})
            print(line, flush=True)
            if asked.out:
                with asked.out.open("a") as file:
                    file.write(line + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
