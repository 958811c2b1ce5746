"""Products of fp32 matrices on Hopper by split halves (src/compiler/runtime/split_product.cu): right, and how fast.

    python bench/cuda_products.py [--seconds 110] [--compile]

On the GPU: first the pieces against their definition, each configuration in a process of its own, with where they are
wrong; then the errors under the kinds of input of contract `full`; then the times of several configurations, of SGEMM,
of TF32 and of the same halves by library calls, in one process with CUDA events. --compile only compiles every
configuration (no GPU needed).
"""

from __future__ import annotations

import argparse
import faulthandler
import json
import os
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

import torch

ROOT = Path(__file__).resolve().parents[1]
SOURCE = ROOT / "src" / "compiler" / "runtime" / "split_product.cu"
START = time.monotonic()
SIZES = ((8192, 8192, 8192), (1024, 1024, 1024), (128, 4096, 4096), (4096, 4096, 4096), (2048, 2048, 2048))


class Config(NamedTuple):
    columns: int
    groups: int
    stages: int
    promote: int
    cluster: int = 1

    @property
    def name(self) -> str:
        return f"{64 * self.groups}x{self.columns}s{self.stages}p{self.promote}" + "c" * (self.cluster > 1)

    @property
    def shared(self) -> int:
        return self.stages * 256 * (64 * self.groups + self.columns) + 1024


CONFIGS = [
    Config(128, 2, 3, 1), Config(128, 2, 3, 2), Config(192, 2, 2, 1), Config(192, 2, 2, 2), Config(64, 2, 4, 2),
    Config(128, 1, 4, 2), Config(64, 1, 3, 2), Config(64, 1, 6, 2), Config(64, 1, 6, 8), Config(128, 2, 3, 1, 2),
    Config(128, 2, 3, 2, 2), Config(128, 2, 3, 4, 2), Config(192, 2, 2, 1, 2), Config(192, 2, 2, 2, 2),
]  # fmt: skip


def say(*words: object) -> None:
    print(f"[{time.monotonic() - START:5.1f}]", *words, flush=True)


def halves_of(name: str, rows: object, k: object) -> dict[str, Any]:
    return {"empty": name, "dtype": "float16", "shape": [f"cdiv({k}, 64) * cdiv({rows}, 8) * 1024"]}


def split(x: str, rows: object, k: object) -> list[dict[str, Any]]:
    launch = {"launch": "split_rows", "grid": [f"8 * cdiv({rows}, 8)", 1, 1], "block": [256, 1, 1],
              "args": [x, f"{x}h", f"{x}s", rows, k]}  # fmt: skip
    return [halves_of(f"{x}h", rows, k), {"empty": f"{x}s", "dtype": "float32", "shape": [rows]}, launch]


def product(config: Config) -> list[dict[str, Any]]:
    tiles = f"{config.cluster} * cdiv(m, {64 * config.groups * config.cluster}) * cdiv(n, {config.columns})"
    launch = {"launch": "split_product", "grid": [tiles, 1, 1], "block": [128 * (config.groups + 1), 1, 1],
              "shared_bytes": config.shared, "args": ["ah", "as", "bh", "bs", None, "y", "m", "n", "k"]}  # fmt: skip
    if config.cluster > 1:
        launch["cluster"] = [config.cluster, 1, 1]
    return [{"empty": "y", "dtype": "float32", "shape": ["m", "n"]}, launch]


def plans(config: Config) -> dict[str, dict[str, Any]]:
    """Splitting alone, the product of what is split, and a linear layer whose weight is split in `prepare`."""
    matrix = {"dtype": "float32", "shape": ["m", "k"]}
    halves = {"dtype": "float16", "shape": ["any_a"]}, {"dtype": "float16", "shape": ["any_b"]}
    head = {"burnish_plan": 1, "target": "cuda"}
    text = "".join(f"#define {k.upper()} {v}\n" for k, v in config._asdict().items()) + SOURCE.read_text()
    splits = {"split_rows": {"text": SOURCE.read_text(), "source": "split.cu"}}
    products = {"split_product": {"text": text, "source": "split.cu"}}
    # m and n are bound by the scales, k by a vector that has its length
    inputs = {"ah": halves[0], "as": {"dtype": "float32", "shape": ["m"]}, "bh": halves[1],
              "bs": {"dtype": "float32", "shape": ["n"]}, "like_k": {"dtype": "float32", "shape": ["k"]}}  # fmt: skip
    return {
        "split": head | {"inputs": {"a": matrix}, "kernels": splits, "steps": split("a", "m", "k"),
                         "result": ["ah", "as"]},
        "product": head | {"inputs": inputs, "kernels": products, "steps": product(config), "result": "y"},
    }  # fmt: skip


def compiled(folder: Path, arch: str | None, quiet: bool) -> dict[str, str]:
    command = [os.environ.get("BURNISH", str(ROOT / "build" / "release" / "burnish")), "compile", str(folder), "--json"]
    command += ["--store", str(folder.parent / "store")] + (["--arch", arch] if arch else [])
    environment = {"BURNISH_PYTHON": sys.executable, **os.environ}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False, timeout=90)
    if done.returncode:
        raise RuntimeError(done.stderr[-3000:])
    sources = json.loads(done.stdout)["sources"]
    for entry in sources.values():
        with Path(entry["object"]).open("rb") as file:
            resources = file.readline().decode().strip()
    if not quiet:
        say(folder.name, resources[:400])
    return {name: entry["object"] for name, entry in sources.items()}


class Kernels:
    """What the runtime runs for a configuration."""

    def __init__(self, config: Config, folder: Path, arch: str | None, quiet: bool = False) -> None:
        self.config, self.folders, self.objects, self.bound = config, {}, {}, {}
        for name, plan in plans(config).items():
            self.folders[name] = folder / f"{config.name}-{name}"
            self.folders[name].mkdir(exist_ok=True)
            (self.folders[name] / "plan.json").write_text(json.dumps(plan))
            self.objects[name] = compiled(self.folders[name], arch, quiet)

    def run(self, name: str, *inputs: torch.Tensor) -> list[torch.Tensor]:
        if name not in self.bound:
            from burnish import native

            runtime = native.runtime()
            self.bound[name] = runtime.load(str(self.folders[name]), self.objects[name]).bind([])
        return self.bound[name].run(list(inputs))

    def split(self, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        halves, scale = self.run("split", x)
        return halves, scale

    def product(self, a: tuple, b: tuple, like_k: torch.Tensor) -> torch.Tensor:
        return self.run("product", *a, *b, like_k)[0]

    def matmul(self, a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
        return self.product(self.split(a), self.split(b), a.new_empty(a.shape[1]))


# ---------------------------------------------------------------- definitions in PyTorch


def split_by_torch(x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """hi, lo, and the inverse of each row's scale: the definition."""
    largest = x.abs().amax(1, keepdim=True)
    exponent = torch.frexp(largest).exponent.to(torch.int32) - 1
    power = torch.where(largest > 0, 14 - exponent, torch.full_like(exponent, 120)).clamp(-113, 120)
    scaled = torch.ldexp(x, power)
    hi = scaled.half()
    return hi, (scaled - hi.float()).half(), torch.ldexp(torch.ones_like(largest), -power).flatten()


def laid_out(hi: torch.Tensor, lo: torch.Tensor) -> torch.Tensor:
    """As the kernel lays the halves out: [block of 64][8 rows][hi, lo][row][16-byte piece, swizzled]."""
    rows, k = hi.shape
    eights, blocks = -(-rows // 8), -(-k // 64)
    both = hi.new_zeros(2, eights * 8, blocks * 64)
    both[0, :rows, :k], both[1, :rows, :k] = hi, lo
    pieces = both.view(2, eights, 8, blocks, 8, 8).permute(3, 1, 0, 2, 4, 5)  # block, eight, half, row, piece, element
    row, piece = torch.arange(8).view(8, 1), torch.arange(8).view(1, 8)
    swizzled = torch.empty_like(pieces)
    swizzled[:, :, :, row, piece ^ row] = pieces[:, :, :, row, piece]
    return swizzled.flatten()


def relative(y: torch.Tensor, exact: torch.Tensor) -> float:
    """The root mean square error over that of the result, the worst of its rows and columns blocks aside."""
    return float((y.double() - exact).norm() / exact.norm())


def by_library(a: torch.Tensor, b: torch.Tensor, every: int) -> Callable[[], torch.Tensor]:
    """The same halves by calls of the library: three products along K in one, added up in fp32 every `every` of K."""
    (ah, al, a_scale), (bh, bl, b_scale) = split_by_torch(a), split_by_torch(b)
    pieces = []
    for first in range(0, a.shape[1], every):
        s = slice(first, first + every)
        pieces.append((torch.cat([ah[:, s], al[:, s], ah[:, s]], 1), torch.cat([bl[:, s], bh[:, s], bh[:, s]], 1).t()))

    def run() -> torch.Tensor:
        y = torch.mm(*pieces[0], out_dtype=torch.float32)
        for p, q in pieces[1:]:
            y += torch.mm(p, q, out_dtype=torch.float32)
        return y.mul_(a_scale[:, None]).mul_(b_scale)

    return run


# ---------------------------------------------------------------- checks


def where_wrong(name: str, y: torch.Tensor, exact: torch.Tensor, a: torch.Tensor, b: torch.Tensor) -> None:
    y, exact = y.double().cpu(), exact.cpu()
    scale = exact.abs().mean()
    wrong = ~((y - exact).abs() < 1e-4 * scale + 1e-4 * exact.abs())
    m, n = y.shape
    say(f"  {name}: {int(wrong.sum())} of {m * n} wrong, {int(y.isnan().sum())} NaN, {int((y == 0).sum())} zero")
    say("  wrong by 16 rows:", [int(w.sum()) for w in wrong.split(16)])
    say("  wrong by 8 columns:", [int(w.sum()) for w in wrong.split(8, 1)])
    for i, j in wrong.nonzero()[:6].tolist():
        found = ((y - exact[i, j]).abs() < 1e-5 * exact[i, j].abs()).nonzero()[:3].tolist()
        mine = ((exact - y[i, j]).abs() < 1e-5 * y[i, j].abs()).nonzero()[:3].tolist()
        say(f"  [{i}, {j}] is {y[i, j]:.6g}, should be {exact[i, j]:.6g}, which is at {found}; this is of {mine}")
    a, b = a.double().cpu(), b.double().cpu()
    parts = torch.stack([a[:, s : s + 16] @ b[:, s : s + 16].t() for s in range(0, a.shape[1], 16)])  # by 16 of K
    if wrong.any():
        i, j = wrong.nonzero()[0].tolist()
        solved = torch.linalg.lstsq(parts.flatten(1).t(), y.flatten()[:, None]).solution.flatten()
        say("  as a sum over blocks of 16 of K it has the weights", [round(w, 3) for w in solved.tolist()][:32])


def check_split(kernels: Kernels) -> None:
    for rows, k in ((8, 64), (128, 256), (13, 77), (300, 4096)):
        x = torch.randn(rows, k) * torch.logspace(-30, 30, rows, base=2)[:, None]
        x[0, :3] = torch.tensor([0.0, 2.0**-40, -(2.0**10)])
        hi, lo, scale = split_by_torch(x)
        halves, by = kernels.split(x.cuda())
        wanted = laid_out(hi, lo)
        halves, by = halves.cpu(), by.cpu()
        same, right = torch.equal(halves, wanted), torch.equal(by, scale)
        say(f"split {rows}x{k}: halves {'right' if same else 'WRONG'}, scales {'right' if right else 'WRONG'}")
        if not same:
            at = (halves != wanted).nonzero().flatten()
            say(f"  {len(at)} of {len(wanted)} differ, first at {at[:8].tolist()}: {halves[at[:8]].tolist()},")
            say(f"  should be {wanted[at[:8]].tolist()}")
        if not right:
            say(f"  scales {by[:8].tolist()}, should be {scale[:8].tolist()}")


def check_product(kernels: Kernels) -> bool:
    good, one_tile = True, (64 * kernels.config.groups, kernels.config.columns, 64)
    for m, n, k in (one_tile, (256, 384, 512), (100, 77, 200), (33, 5, 1000)):
        a, b = torch.randn(m, k, device="cuda"), torch.randn(n, k, device="cuda")
        exact = a.double() @ b.double().t()
        y = kernels.matmul(a, b)
        torch.cuda.synchronize()
        error, usual = relative(y, exact), relative(a @ b.t(), exact)
        fine = error <= 2 * usual + 1e-7
        good = good and fine
        say(f"{kernels.config.name} {m}x{n}x{k}: error {error:.2e}, SGEMM {usual:.2e} {'' if fine else 'WRONG'}")
        if not fine:
            where_wrong(kernels.config.name, y, exact, a, b)
            break
    return good


def kinds(m: int, n: int, k: int) -> dict[str, tuple[torch.Tensor, torch.Tensor]]:
    def normal(*shape: int) -> torch.Tensor:
        return torch.randn(*shape, device="cuda")

    def powers(size: int, by: int) -> torch.Tensor:
        return torch.exp2(torch.randint(-by, by + 1, (size,), device="cuda").float())

    a, b = normal(m, k), normal(n, k) / k**0.5
    return {
        "normal": (a, b),
        "uniform": (torch.rand(m, k, device="cuda"), torch.rand(n, k, device="cuda")),
        "2^20": (a * 2.0**20, b),
        "2^-20": (a * 2.0**-20, b),
        "rows scaled": (a * powers(m, 10)[:, None], b * powers(n, 10)[:, None]),
        "channels scaled": (a * powers(k, 10), b),
        "sparse": (a * (torch.rand(m, k, device="cuda") < 0.01), b),
    }


def errors(chosen: list[Kernels]) -> None:
    m, n, k = 512, 768, 4096
    say(f"relative RMS errors at {m}x{n}x{k}; worst row in brackets")
    for kind, (a, b) in kinds(m, n, k).items():
        exact = a.double() @ b.double().t()

        def both(y: torch.Tensor, exact: torch.Tensor = exact) -> str:
            rows = (y.double() - exact).norm(dim=1) / exact.norm(dim=1).clamp(min=1e-300)
            return f"{relative(y, exact):.1e} [{float(rows.max()):.1e}]"

        row = [f"{kind:16s} SGEMM {both(a @ b.t())}"]
        row += [f"{kernels.config.name} {both(kernels.matmul(a, b))}" for kernels in chosen]
        row += [f"library 512 {both(by_library(a, b, 512)())}"]
        say("  " + "  ".join(row))


# ---------------------------------------------------------------- times


def seconds(call: Callable[[], object], budget: float) -> float:
    """The median time of a call by CUDA events, the operands of 50 MB or more, or the cache warm."""
    call()
    torch.cuda.synchronize()
    samples: list[float] = []
    end = time.monotonic() + budget
    while len(samples) < 5 or (time.monotonic() < end and len(samples) < 200):
        start, stop = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
        start.record()
        call()
        stop.record()
        stop.synchronize()
        samples.append(start.elapsed_time(stop) / 1e3)
    return sorted(samples)[len(samples) // 2]


def precision(name: str, call: Callable[[], torch.Tensor]) -> Callable[[], torch.Tensor]:
    def run() -> torch.Tensor:
        torch.set_float32_matmul_precision(name)
        try:
            return call()
        finally:
            torch.set_float32_matmul_precision("highest")

    return run


def timed(chosen: list[Kernels], m: int, n: int, k: int, budget: float) -> None:
    a, b = torch.randn(m, k, device="cuda"), torch.randn(n, k, device="cuda")
    rows = slice(0, min(m, 256))
    exact = a[rows].double() @ b.double().t()
    usual = seconds(lambda: a @ b.t(), budget)
    again = seconds(lambda: a @ b.t(), budget)
    flops = 2.0 * m * n * k
    base = relative((a @ b.t())[rows], exact)
    say(f"{m}x{n}x{k}: SGEMM {usual * 1e3:.3f} ms, {flops / usual / 1e12:.1f} TFLOP/s, error {base:.1e}; "
        f"A/A {usual / again:.3f}")  # fmt: skip
    splitting = seconds(lambda: chosen[0].split(a), budget)
    say(f"  splitting a: {splitting * 1e6:.0f} us, {8 * m * k / splitting / 1e12:.2f} TB/s")

    def row(name: str, call: Callable[[], torch.Tensor], more: float = 0.0) -> None:
        try:
            error = relative(call()[rows], exact)
            took = seconds(call, budget)
            say(f"  {name:16s} {took * 1e3:8.3f} ms {flops / took / 1e12:6.1f} TFLOP/s  {usual / took:5.2f}x of SGEMM"
                + (f", with a's splitting {usual / (took + more):5.2f}x" if more else "")
                + f"  error {error:.1e} ({error / base:.2f} of SGEMM's)")  # fmt: skip
        except Exception as error:
            say(f"  {name}: {type(error).__name__}: {str(error)[:300]}")

    row("TF32", precision("high", lambda: a @ b.t()))
    for every in (512, 1024):
        if k >= every and m >= 1024:
            row(f"library {every}", by_library(a, b, every))
    like_k = a.new_empty(k)
    for kernels in chosen:
        ah, bh = kernels.split(a), kernels.split(b)
        row(kernels.config.name, lambda kernels=kernels, ah=ah, bh=bh: kernels.product(ah, bh, like_k), splitting)


def attempt(what: str, call: Callable[[], object]) -> Any:
    try:
        return call()
    except Exception:
        say(f"{what} failed:\n{traceback.format_exc(limit=4)[-2500:]}")
        return None


def checked(kernels: Kernels, folder: str) -> bool:
    """The checks of one configuration in a process of its own: one that never ends costs itself."""
    command = [sys.executable, __file__, "--check", kernels.config.name, "--folder", folder]
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=40)
    except subprocess.TimeoutExpired as late:
        say(f"{kernels.config.name} did not end in 40 s; it said {(late.stdout or b'')[-1500:]!r}")
        return False
    print(done.stdout + done.stderr[-1500:], end="", flush=True)
    return done.returncode == 0


def check(config: Config, folder: Path) -> int:
    torch.manual_seed(0)
    kernels = Kernels(config, folder, None, quiet=True)
    if config == CONFIGS[0]:
        attempt("splitting", lambda: check_split(kernels))
    return 0 if attempt(config.name, lambda: check_product(kernels)) else 1


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=110)
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--check", choices=[config.name for config in CONFIGS], help=argparse.SUPPRESS)
    parser.add_argument("--folder", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.check:
        return check(next(c for c in CONFIGS if c.name == arguments.check), Path(arguments.folder))
    faulthandler.dump_traceback_later(arguments.seconds + 8, exit=True)
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(1 if arguments.compile else 5) as pool:
        arch = "sm_90a" if arguments.compile else None
        made = list(pool.map(lambda c: attempt(f"compiling {c.name}", lambda: Kernels(c, Path(folder), arch)), CONFIGS))
        every = [kernels for kernels in made if kernels]
        if arguments.compile or not every:
            return 0 if len(every) == len(CONFIGS) else 1
        say(torch.cuda.get_device_name(), "PyTorch", torch.__version__)
        fine = list(pool.map(lambda kernels: checked(kernels, folder), every))
        good = [kernels for kernels, right in zip(every, fine, strict=True) if right]
        say(f"right: {[kernels.config.name for kernels in good]}")
        torch.set_float32_matmul_precision("highest")
        torch.manual_seed(0)
        chosen = good or every
        attempt("errors", lambda: errors(list({kernels.config.promote: kernels for kernels in chosen}.values())))
        for m, n, k in SIZES:
            if time.monotonic() - START < arguments.seconds - 12:
                attempt(f"{m}x{n}x{k}", lambda m=m, n=n, k=k: timed(chosen, m, n, k, 0.25))
    return 0 if len(good) == len(CONFIGS) else 1


if __name__ == "__main__":
    raise SystemExit(main())
