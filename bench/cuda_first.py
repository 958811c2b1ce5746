"""What a GPU says of the landed tree, in one process of at most 150 s: `python bench/cuda_first.py [a b c d]`.

a: one `burnish eval --target cuda` of a compiler's plan, whole, and where it hangs; b: tests/judge/test_cuda.py;
c: the compiler's plans against eager in float64, and times; d: fractions of copy bandwidth on tensors of 1 GB.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch
import torch.nn as nn
import torch.nn.functional as F

ROOT = Path(__file__).resolve().parents[1]
BURNISH = os.environ.get("BURNISH") or str(ROOT / "build" / "release" / "burnish")
TOOL = Path(BURNISH).parent / "burnish-compiler-tool"
ENVIRONMENT = {**os.environ, "BURNISH_PYTHON": sys.executable, "PYTHONFAULTHANDLER": "1", "PYTHONUNBUFFERED": "1",
               "PYTHONPATH": str(ROOT / "python")}  # fmt: skip
BEGIN, LIMIT = time.monotonic(), 150.0
SEPARATE = {"a": 35.0, "b": 45.0, "c": 75.0, "d": 30.0}  # seconds


def say(*words: object) -> None:
    print(f"[{time.monotonic() - BEGIN:6.1f}]", *words, flush=True)


def left() -> float:
    return LIMIT - (time.monotonic() - BEGIN)


class Late(Exception):
    pass


@contextlib.contextmanager
def within(seconds: float) -> Iterator[None]:
    def late(*_: object) -> None:
        raise Late(f"more than {seconds:.0f} s")

    signal.signal(signal.SIGALRM, late)
    signal.setitimer(signal.ITIMER_REAL, max(0.1, seconds))
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)


# --- a: one eval, alone ----------------------------------------------------------------------------------------------
PROBLEM = """
import torch

class Model(torch.nn.Module):
    def __init__(self, n, m):
        super().__init__()
        self.linear = torch.nn.Linear(n, m)
        self.norm = torch.nn.LayerNorm(m)

    def forward(self, x):
        return torch.nn.functional.gelu(self.norm(self.linear(x)))

def get_inputs():
    return [torch.rand(2048, 256)]

def get_init_inputs():
    return [256, 512]
"""


def descendants(pid: int) -> list[int]:
    parents: dict[int, list[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError, ValueError, IndexError):
            fields = stat.read_text().rsplit(")", 1)[1].split()
            parents.setdefault(int(fields[1]), []).append(int(stat.parent.name))
    found, open_ = [], [pid]
    while open_:
        found.append(open_.pop())
        open_ += parents.get(found[-1], [])
    return found


def where_they_are(pid: int) -> None:
    for child in descendants(pid):
        folder = Path(f"/proc/{child}")
        with contextlib.suppress(OSError):
            command = (folder / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")[:160]
            state = next(x for x in (folder / "status").read_text().splitlines() if x.startswith("State"))
            say(f"process {child}: {state}; {command}")
        for task in list(folder.glob("task/*"))[:6]:
            facts = []
            for name in ("comm", "wchan", "syscall", "stack"):
                with contextlib.suppress(OSError):
                    facts.append((task / name).read_text().strip().replace("\n", " | ")[:240])
            say("   thread", task.name, " ".join(facts))


def run_alone(command: list[str], seconds: float, log: Path) -> int | None:
    """Runs a command with its output shown; where it does not end, says where each process stands and stops them."""
    with log.open("w") as file:
        process = subprocess.Popen(
            command, stdout=file, stderr=subprocess.STDOUT, env=ENVIRONMENT, cwd=ROOT, start_new_session=True
        )
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            say(f"it does not end within {seconds:.0f} s")
            where_they_are(process.pid)
            for child in descendants(process.pid):  # Python's processes print their stacks
                with contextlib.suppress(OSError):
                    if b"python" in Path(f"/proc/{child}/cmdline").read_bytes().split(b"\0")[0]:
                        os.kill(child, signal.SIGABRT)
            time.sleep(1)
        finally:
            for child in descendants(process.pid) if process.poll() is None else []:
                with contextlib.suppress(OSError):
                    os.kill(child, signal.SIGKILL)
            process.wait()
    print(log.read_text(errors="replace")[-6000:], flush=True)
    return process.returncode


def part_a(folder: Path) -> None:
    (folder / "problem.py").write_text(PROBLEM)
    spec: dict = {}
    exec(PROBLEM, spec)
    module = spec["Model"](*spec["get_init_inputs"]()).cuda()
    plan = compile_plan(module, tuple(x.cuda() for x in spec["get_inputs"]()), folder / "a")
    log = folder / "eval.log"
    start = time.monotonic()
    code = run_alone(
        [BURNISH, "eval", str(folder / "problem.py"), str(plan), "--target", "cuda", "--inputs", "20", "--json",
         "--store", str(folder / "store")], min(SEPARATE["a"], left()) - 6, log,
    )  # fmt: skip
    say(f"burnish eval: exit {code} after {time.monotonic() - start:.1f} s")
    if code != 0:
        for file in sorted((folder / "store").rglob("*.log"))[-4:]:
            print(f"--- {file.name}\n{file.read_text(errors='replace')[-2000:]}", flush=True)


def part_b(folder: Path) -> None:
    seconds = min(SEPARATE["b"], left()) - 4
    run_alone([sys.executable, "-m", "pytest", "-q", "-x", "--no-header", "tests/judge/test_cuda.py", "--timeout=40"],
              seconds, folder / "pytest.log")  # fmt: skip


# --- c: plans and eager ----------------------------------------------------------------------------------------------
class Fn(nn.Module):
    def __init__(self, f: Callable) -> None:
        super().__init__()
        self.f = f

    def forward(self, *args: torch.Tensor) -> torch.Tensor:
        return self.f(*args)


def rand(*shape: int) -> torch.Tensor:
    return torch.randn(*shape, device="cuda")


class Mlp(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.norm, self.up, self.down = nn.LayerNorm(768), nn.Linear(768, 3072), nn.Linear(3072, 768)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.down(F.gelu(self.up(self.norm(x))))


class ConvNormRelu(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv, self.norm = nn.Conv2d(64, 64, 3, padding=1), nn.BatchNorm2d(64)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return F.relu(self.norm(self.conv(x))) * 0.5 + 1


EXAMPLES: dict[str, tuple[Callable[[], nn.Module], Callable[[], tuple]]] = {
    "gelu chain": (lambda: Fn(lambda x, b: F.gelu(x + b) * torch.sigmoid(x)), lambda: (rand(8192, 4096), rand(4096))),
    "transposed add": (lambda: Fn(lambda x, y: torch.tanh(x + y.t())), lambda: (rand(4096, 4096), rand(4096, 4096))),
    "channel scale": (lambda: Fn(lambda x, s: x * torch.sigmoid(s)),
                      lambda: (rand(64, 256, 56, 56), rand(64, 256, 1, 1))),
    "softmax": (lambda: Fn(lambda x: torch.softmax(x, -1)), lambda: (rand(4096, 16384),)),
    "softmax short": (lambda: Fn(lambda x: torch.softmax(x, -1)), lambda: (rand(100000, 128),)),
    "log softmax": (lambda: Fn(lambda x: torch.log_softmax(x, 1)), lambda: (rand(128, 50000),)),
    "layer norm": (lambda: nn.LayerNorm(1024), lambda: (rand(16384, 1024),)),
    "layer norm huge": (lambda: nn.LayerNorm((64, 256, 256)), lambda: (rand(16, 64, 256, 256),)),
    "rms norm": (lambda: Fn(lambda x: x / torch.sqrt(x.pow(2).mean(1, keepdim=True) + 1e-5)),
                 lambda: (rand(16, 64, 256, 256),)),
    "group norm": (lambda: nn.GroupNorm(8, 64), lambda: (rand(16, 64, 256, 256),)),
    "instance norm": (lambda: nn.InstanceNorm2d(64), lambda: (rand(16, 64, 256, 256),)),
    "sum middle": (lambda: Fn(lambda x: x.sum(1, keepdim=True)), lambda: (rand(16, 256, 4096),)),
    "argmax middle": (lambda: Fn(lambda x: torch.argmax(x, 1)), lambda: (rand(16, 256, 4096),)),
    "mean first": (lambda: Fn(lambda x: x.mean(0)), lambda: (rand(65536, 256),)),
    "mse": (lambda: Fn(F.mse_loss), lambda: (rand(8192, 4096), rand(8192, 4096))),
    "cross entropy": (lambda: Fn(F.cross_entropy),
                      lambda: (rand(4096, 1000), torch.randint(0, 1000, (4096,), device="cuda"))),
    "frobenius": (lambda: Fn(lambda x: x / torch.norm(x, p="fro")), lambda: (rand(16, 64, 256, 256),)),
    "mlp": (Mlp, lambda: (rand(4096, 768),)),
    "conv bn relu": (ConvNormRelu, lambda: (rand(16, 64, 64, 64),)),
    "small chain": (lambda: Fn(lambda x: torch.tanh(F.silu(x) + 1) * x), lambda: (rand(64, 1024),)),
}  # fmt: skip


def compile_plan(module: nn.Module, args: tuple, folder: Path) -> Path:
    from burnish.exporter import export

    export(module.eval(), args, {}, folder / "in")
    done = subprocess.run(
        [str(TOOL), str(folder / "in"), str(folder / "out"), "--target", "cuda"],
        capture_output=True, text=True, timeout=20, check=False,
    )  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(done.stderr)
    constants = folder / "in" / "constants.safetensors"
    if constants.exists():
        (folder / "out" / "constants.safetensors").write_bytes(constants.read_bytes())
    return folder / "out"


def load_plan(folder: Path, module: nn.Module) -> Any:
    from burnish import native

    done = subprocess.run([BURNISH, "compile", str(folder), "--json", "--store", str(folder / "store")],
                          capture_output=True, text=True, timeout=40, env=ENVIRONMENT, check=False)  # fmt: skip
    if done.returncode != 0:
        raise RuntimeError(done.stderr + done.stdout)
    objects = {name: entry["object"] for name, entry in json.loads(done.stdout)["sources"].items()}
    program = native.runtime().load(str(folder), objects)
    named = {**dict(module.named_parameters()), **dict(module.named_buffers())}
    return program.bind([named[path] for _, path in program.params])


def one(result: object) -> torch.Tensor:
    return result if isinstance(result, torch.Tensor) else one(result[0])  # type: ignore[index]


def milliseconds(call: Callable, *args: object, budget: float = 0.15) -> float:
    """The median of CUDA-event times of one call, over at most `budget` seconds."""
    for _ in range(3):
        call(*args)
    torch.cuda.synchronize()
    times: list[float] = []
    end = time.monotonic() + budget
    while len(times) < 5 or (time.monotonic() < end and len(times) < 200):
        start, stop = (torch.cuda.Event(enable_timing=True) for _ in range(2))
        start.record()
        call(*args)
        stop.record()
        stop.synchronize()
        times.append(start.elapsed_time(stop))
    return sorted(times)[len(times) // 2]


def graphed(call: Callable, *args: object) -> Callable[[], None]:
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call(*args)
    return graph.replay


@torch.no_grad()
def part_c(folder: Path) -> None:
    end = time.monotonic() + min(SEPARATE["c"], left()) - 2
    made = []
    ratios: list[float] = []
    for name, (build, draw) in EXAMPLES.items():
        if time.monotonic() > end:
            say("no time left for", name)
            continue
        try:
            torch.manual_seed(1)
            module, args = build().cuda().eval(), draw()
            plan_folder = compile_plan(module, args, folder / name.replace(" ", "_"))
            run = load_plan(plan_folder, module).run
            got, eager = one(run(list(args))), module(*args)
            wide = module.double()
            exact = wide(*[a.double() if a.is_floating_point() else a for a in args])
            module.float()
            close = torch.allclose(got, eager, atol=1e-2, rtol=1e-2)
            if got.is_floating_point():
                norm = exact.norm() + 1e-30
                error = f"{((got.double() - exact).norm() / norm).item():.1e}"
                error += f" (eager {((eager.double() - exact).norm() / norm).item():.1e})"
            else:
                error = f"{(got != eager).sum().item()} differ"
            del exact, got
            e, p = milliseconds(module, *args), milliseconds(run, list(args))
            ge, gp = milliseconds(graphed(module, *args)), milliseconds(graphed(run, list(args)))
            kernels = len(json.loads((plan_folder / "plan.json").read_text()).get("kernels", {}))
            ratios.append(max(1.0, e / p))
            say(f"{name:16s} {'ok' if close else 'WRONG'} error {error}, {kernels} kernels; eager {e:.3f} ms, "
                f"plan {p:.3f} ({e / p:.2f}x); in a graph {ge:.3f}, {gp:.3f} ({ge / gp:.2f}x)")  # fmt: skip
            made.append((name, module, args, e, p))
        except Late:
            raise
        except Exception as error:
            say(f"{name}: {type(error).__name__}: {str(error)[-900:]}")
    if ratios:
        product = 1.0
        for r in ratios:
            product *= r
        say(f"plans over eager, geometric mean, floor 1: {product ** (1 / len(ratios)):.2f} on {len(ratios)} examples")
    torch._dynamo.config.cache_size_limit = 1000
    for name, module, args, e, p in made:
        if time.monotonic() > end - 4:
            say("no time left to compile", name)
            break
        try:
            torch._dynamo.reset()
            fast = torch.compile(module)
            c = milliseconds(fast, *args)
            say(f"{name:16s} torch.compile {c:.3f} ms ({e / c:.2f}x over eager); the plan over it {c / p:.2f}x")
        except Late:
            raise
        except Exception as error:
            say(f"{name}: torch.compile: {type(error).__name__}: {str(error)[-300:]}")


# --- d: bandwidth ----------------------------------------------------------------------------------------------------
@torch.no_grad()
def part_d(folder: Path) -> None:
    x = rand(65536, 4096)
    copy = milliseconds(torch.empty_like(x).copy_, x, budget=0.5)
    say(f"copy of 1 GB: {copy:.3f} ms, {2 * x.nbytes / copy / 1e9:.2f} TB/s")
    for name, build in {
        "pointwise": lambda: Fn(lambda x: F.gelu(x) * 2 + 1),
        "softmax": lambda: Fn(lambda x: torch.softmax(x, -1)),
        "layer norm": lambda: nn.LayerNorm(4096),
    }.items():
        try:
            module = build().cuda().eval()
            run = load_plan(compile_plan(module, (x,), folder / f"d_{name.replace(' ', '_')}"), module).run
            plan, eager = milliseconds(run, [x], budget=0.5), milliseconds(module, x, budget=0.5)
            say(f"{name:10s} of 1 GB: {copy / plan:.2f} of copy's bandwidth, {plan:.3f} ms; eager {copy / eager:.2f}")
        except Late:
            raise
        except Exception as error:
            say(f"{name}: {type(error).__name__}: {str(error)[-600:]}")


def main() -> None:
    parts = sys.argv[1:] or ["c", "a", "d", "b"]
    sys.path.insert(0, str(ROOT / "python"))
    say(torch.cuda.get_device_name(), "PyTorch", torch.__version__, "Python", sys.version.split()[0])
    with tempfile.TemporaryDirectory(prefix="burnish-first-") as name:
        for part in parts:
            if left() < 5:
                say("no time left for part", part)
                continue
            say("part", part)
            try:
                with within(min(SEPARATE[part], left())):
                    globals()["part_" + part](Path(name))
            except Exception as error:
                say(f"part {part}: {type(error).__name__}: {str(error)[-1500:]}")


if __name__ == "__main__":
    main()
