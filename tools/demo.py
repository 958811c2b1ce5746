"""`make demo`: optimises a few modules from examples/ with the built-in agents and prints what they won."""

import json
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
BURNISH = pathlib.Path(sys.executable).parent / "burnish"


def examples() -> list[pathlib.Path]:
    names = (ROOT / "tools" / "demo_examples.txt").read_text(encoding="utf-8").split()
    return [ROOT / "examples" / f"{name}.py" for name in names]


def optimise(problem: pathlib.Path, out: pathlib.Path) -> dict:
    command = [str(BURNISH), "optimize", str(problem), "--inputs", "20", "--seconds", "60", "--out", str(out), "--json"]
    done = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    lines = done.stdout.strip().splitlines()
    if done.returncode != 0 or not lines:
        return {"verdict": f"failed (exit {done.returncode})", "winner": "-", "speedup": None, "interval": None}
    return json.loads(lines[-1])


def row(name: str, result: dict) -> str:
    speedup, interval = result.get("speedup"), result.get("interval")
    won = f"{speedup:6.2f}x" if speedup else "      -"
    band = f"[{interval[0]:.2f}, {interval[1]:.2f}]" if interval else "-"
    return f"{name:28} {result['winner']:20} {won}  {band:16} {result['verdict']}"


def main() -> int:
    rows, failed = [], False
    with tempfile.TemporaryDirectory(prefix="burnish-demo-") as folder:
        for problem in examples():
            print(f"\n-- {problem.relative_to(ROOT)}", file=sys.stderr, flush=True)
            result = optimise(problem, pathlib.Path(folder) / problem.stem)
            failed |= result["verdict"] not in {"accepted", "original"}
            rows.append(row(problem.stem, result))
    print(f"\n{'problem':28} {'winner':20} {'speedup':>7}  {'99% interval':16} verdict")
    print("\n".join(rows))
    print("\nSpeedup over eager PyTorch, in the form that would be deployed. Try your own: burnish optimize FILE.py")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
