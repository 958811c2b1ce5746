"""What an experiment of the published study's size takes in the store and on tape: 250 problems, 8 models, 4 contexts.

    python bench/store.py [--problems 4] [--attempts 5]

Runs `burnish experiment` with cassettes (`record`) over a few problems, with the real command, real prompts and
scripted models whose answers are of common length (5 to 10 kB, each another text); the judge is the tests' scripted
one. Bytes of the store and of the cassettes are scaled to 250 problems. At most 2 GB of both together.
The time of the report at full size is bench/report.py's business. Exit 1 where the bytes are more.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from command import EXAMPLES, burnish

TESTS = Path(__file__).resolve().parents[1] / "tests"
MODELS = [f"model{i}" for i in range(8)]
CONTEXTS = ["plain", "reference", "profile", "both"]
STUDY = 250
LIMIT = 2e9
ANSWER = '''
import hashlib, sys
prompt = sys.stdin.read()
seed = hashlib.sha256((sys.argv[1] + prompt).encode()).hexdigest()
if "You read measurements" in prompt:
    print(f"1. Fuse steps {seed}: " + "the pass over memory costs most of the time. " * 12)
    sys.exit()
def body(i):
    word = hashlib.sha256(f"{seed}{i}".encode()).hexdigest()
    return f"  y[i] = y[i] * 0x{word[:6]}p-20f + h[i] * 0x{word[6:12]}p-22f;  // {word[12:20]}\\n"
length = 60 + int(seed[:2], 16) // 4
kernel = 'extern "C" void k(long b, long e, const float* h, float* y) {\\n for (long i = b; i < e; ++i) {\\n'
kernel += "".join(body(i) for i in range(length)) + " }\\n}\\n"
print("I fuse everything. " * 20)
print("""```json plan.json
{"burnish_plan": 1, "inputs": {"x": {"dtype": "float32", "shape": [4]}}, "kernels": {"k": {"source": "k.cpp"}},
 "steps": [{"empty": "y", "like": "x"}, {"launch": "k", "range": 4, "args": ["x", "y"]}], "result": "y"}
```
```cpp k.cpp
""" + kernel + "```")
'''


def size(folder: Path) -> int:
    return sum(f.stat().st_size for f in folder.rglob("*") if f.is_file())


def prepare(folder: Path, problems: int, attempts: int) -> dict[str, str]:
    """The files of an experiment; the environment that it runs in."""
    samples = {side: [[1e-3 + 1e-9 * (97 * i % 1009) for i in range(40)]] * 2 for side in ("reference", "candidate")}
    chosen = sorted(EXAMPLES.glob("*.py"))[:problems]
    opened = {e.stem: {"plan": "identity", "source": e.read_text()} for e in chosen}  # else all prompts are the same
    script = {"open": opened, "verdicts": {"*": {"samples": samples, "speedup": 0.9}}}
    (folder / "script.json").write_text(json.dumps(script))
    (folder / "model.py").write_text(ANSWER)
    program = f"{shlex.quote(sys.executable)} {shlex.quote(str(folder / 'model.py'))}"
    rows = (f'[models.{m}]\nservice = "command"\nid = "{m}"\ncommand = "{program} {m}"\n' for m in MODELS)
    (folder / "models.toml").write_text("".join(rows))
    (folder / "level1").mkdir()
    for example in chosen:
        (folder / "level1" / example.name).write_text(example.read_text())
    keys = {
        "models": MODELS, "contexts": CONTEXTS, "agents": ["library"], "problems": ["level1"],
        "attempts": attempts, "record": "tape",
    }  # fmt: skip
    (folder / "study.toml").write_text("".join(f"{key} = {json.dumps(value)}\n" for key, value in keys.items()))
    return {
        **os.environ, "BURNISH_HOME": str(folder / "home"), "BURNISH_PYTHON": sys.executable,
        "BURNISH_MODELS": str(folder / "models.toml"), "PYTHONPATH": str(TESTS / "fakes" / "judge_package"),
        "FAKE_JUDGE": str(folder / "script.json"),
    }  # fmt: skip


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--problems", type=int, default=4)
    parser.add_argument("--attempts", type=int, default=5)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="burnish-store-") as name:
        folder = Path(name)
        env = prepare(folder, options.problems, options.attempts)
        started = time.perf_counter()
        command = [burnish(), "experiment", "study.toml", "--json"]
        done = subprocess.run(command, cwd=folder, env=env, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            sys.exit(done.stderr)
        taken = time.perf_counter() - started
        store, tape = size(folder / "home"), size(folder / "tape")
        database = sum(f.stat().st_size for f in (folder / "home").glob("burnish.db*"))
        objects = size(folder / "home" / "objects")
        blocks = sum(512 * f.stat().st_blocks for part in ("home", "tape") for f in (folder / part).rglob("*"))
        calls = len(list((folder / "tape").iterdir()))
    attempts = options.problems * len(MODELS) * len(CONTEXTS) * options.attempts
    scale = STUDY / options.problems
    print(f"{attempts} attempts, {calls} calls in {taken:.0f} s")
    print(f"an attempt: {store / attempts / 1e3:.1f} kB of store, {tape / attempts / 1e3:.1f} kB of cassettes")
    print(f"{STUDY} problems, scaled from {options.problems}:")
    print(f"  {scale * store / 1e9:.2f} GB of store: {scale * database / 1e9:.2f} the database,")
    print(f"  {scale * objects / 1e9:.2f} compiled kernels, which `burnish prune --objects` forgets")
    print(f"  {scale * tape / 1e9:.2f} GB of cassettes")
    both = scale * (store + tape)
    print(f"  {both / 1e9:.2f} GB together (at most {LIMIT / 1e9:g}); {scale * blocks / 1e9:.2f} in blocks")
    return int(both > LIMIT)


if __name__ == "__main__":
    sys.exit(main())
