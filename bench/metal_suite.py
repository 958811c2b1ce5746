"""What share of the compiler's plans for Metal is accepted, of the problems whose plans for the CPU are.

    python bench/metal_suite.py FOLDER... --results FILE [--seconds S] [--part K/N] [--elements N] [--operations N]

A FOLDER holds problems in KernelBench's convention: a level of a checkout (commit 21fbe5a has the original sizes), or
examples/. Each is reduced in size to what the emulator takes (bench/reduced.py), exported, compiled once for the CPU
and once for Metal, and both plans are judged by `burnish eval`. FILE gets a JSON line a problem; the same command goes
on where it was stopped. The reduced copies are gone when a problem is done.
"""

from __future__ import annotations

import argparse
import collections
import json
import multiprocessing
import subprocess
import sys
import tempfile
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from command import add_part, burnish
from reduced import Cost, reduce

PREPARE_S, EVAL_S = 180, 600  # more is a failure of that problem


def number_of(problem: Path) -> tuple[str, int, str]:
    """By level and the number in front of the name, where there is one."""
    first = problem.stem.split("_")[0]
    return str(problem.parent), int(first) if first.isdigit() else 0, problem.stem


def prepare(problem: Path, limit: Cost, folder: Path, answer: Connection) -> None:
    """In a process of its own, which a module may take down: a reduced copy and its plan."""
    from burnish.exporter import export
    from burnish.problem import load_problem

    stage = "reduce"
    try:
        made = reduce(problem.read_text(encoding="utf-8"), limit)
        (folder / "problem.py").write_text(made.source, encoding="utf-8")
        stage = "export"
        loaded = load_problem(folder / "problem.py")
        export(loaded.module, *loaded.draw(0), folder / "plan")
        cost = {"elements": made.cost.elements, "operations": made.cost.operations, "fits": made.cost.fits(limit)}
        answer.send({**cost, "numbers": made.changed})
    except Exception as e:
        answer.send({"failed": stage, "detail": f"{type(e).__name__}: {e}"[:300]})


def prepared(problem: Path, limit: Cost, folder: Path) -> dict[str, Any]:
    receiver, sender = multiprocessing.get_context("fork").Pipe(duplex=False)
    process = multiprocessing.get_context("fork").Process(target=prepare, args=(problem, limit, folder, sender))
    process.start()
    sender.close()
    try:
        answer = receiver.recv() if receiver.poll(PREPARE_S) else {"failed": "export", "detail": "no end in time"}
    except EOFError:
        answer = {"failed": "export", "detail": "its process died"}
    process.kill()
    process.join()
    return answer


def plan_for(target: str, folder: Path) -> dict[str, Any]:
    """Compiles the plan; how many steps of it are kernels of ours, and how many PyTorch's."""
    tool = Path(burnish()).with_name("burnish-compiler-tool")
    command = [str(tool), str(folder / "plan"), str(folder / target), "--target", target]
    done = subprocess.run(command, capture_output=True, text=True, timeout=EVAL_S, check=False)
    if done.returncode != 0:
        return {"verdict": "no plan", "reason": "compiler", "detail": done.stderr[-300:]}
    constants = folder / "plan" / "constants.safetensors"
    if constants.exists():
        (folder / target / constants.name).write_bytes(constants.read_bytes())
    plan = json.loads((folder / target / "plan.json").read_text(encoding="utf-8"))
    return {"launches": sum("launch" in s for s in plan["steps"]), "operators": sum("op" in s for s in plan["steps"])}


def judged(target: str, folder: Path, inputs: int) -> dict[str, Any]:
    made = plan_for(target, folder)
    if "verdict" in made:
        return made
    command = [burnish(), "eval", str(folder / "problem.py"), str(folder / target), "--target", target, "--json"]
    command += ["--inputs", str(inputs), "--store", str(folder / "store")]
    began = time.monotonic()
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=EVAL_S, check=False)
        verdict = json.loads(done.stdout.strip().splitlines()[-1])
    except subprocess.TimeoutExpired:
        verdict = {"verdict": "refused", "reason": "slow", "detail": f"no verdict in {EVAL_S} s"}
    except (ValueError, IndexError):
        verdict = {"verdict": "error", "reason": "command", "detail": done.stderr[-300:]}
    kept = {key: verdict.get(key) for key in ("verdict", "reason", "detail")}
    if kept["verdict"] is None:
        kept.update(verdict="error", detail=json.dumps(verdict)[:300])
    return {**made, **kept, "seconds": round(time.monotonic() - began, 1)}


def one(problem: Path, options: argparse.Namespace) -> dict[str, Any]:
    began = time.monotonic()
    record: dict[str, Any] = {"problem": f"{problem.parent.name}/{problem.stem}"}
    with tempfile.TemporaryDirectory(prefix="burnish-metal-suite-") as made:
        folder = Path(made)
        record.update(prepared(problem, Cost(options.elements, options.operations), folder))
        if "failed" not in record:
            record["cpu"] = judged("cpu", folder, options.inputs)
            if record["cpu"]["verdict"] == "accepted":
                record["metal"] = judged("metal-emulated", folder, options.inputs)
    return {**record, "seconds": round(time.monotonic() - began, 1)}


def outcome(record: dict[str, Any]) -> str:
    for target in ("metal", "cpu"):
        if target in record:
            verdict = record[target]
            return f"{target}: {verdict['verdict']}" + (
                f" ({verdict['reason']})" if verdict["verdict"] != "accepted" else ""
            )
    return f"no {record['failed']}"


def summary(records: list[dict[str, Any]]) -> str:
    both = [r for r in records if "metal" in r]
    accepted = [r for r in both if r["metal"]["verdict"] == "accepted"]
    with_kernels = [r for r in both if r["metal"].get("launches")]
    passed = [r for r in with_kernels if r["metal"]["verdict"] == "accepted"]
    lines = [
        f"{len(records)} problems, {sum(not r.get('fits', True) for r in records)} larger than asked for",
        f"CPU plans accepted: {len(both)}; of these, plans for Metal accepted: {len(accepted)}"
        + (f" ({100 * len(accepted) / len(both):.1f}%)" if both else ""),
        f"of these with kernels in MSL: {len(with_kernels)}, accepted: {len(passed)}",
    ]
    for what, count in collections.Counter(map(outcome, records)).most_common():
        lines.append(f"  {count:4d} {what}")
    for r in records:
        if r not in accepted:
            why = r.get("metal") or r.get("cpu") or r
            lines.append(f"  {r['problem']}: {outcome(r)}: {' '.join(str(why.get('detail')).split())[:160]}")
    return "\n".join(lines)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", type=Path, nargs="+", metavar="FOLDER")
    parser.add_argument("--results", type=Path, required=True, metavar="FILE")
    parser.add_argument("--seconds", type=float, default=1e9, help="nothing new is begun after so long")
    parser.add_argument("--elements", type=int, default=1 << 19, help="of the largest tensor")
    parser.add_argument("--operations", type=int, default=1 << 28, help="of one call")
    parser.add_argument("--inputs", type=int, default=10, help="that a plan is verified on")
    add_part(parser)
    options = parser.parse_args()
    problems = sorted((f for folder in options.folders for f in folder.glob("*.py")), key=number_of)
    if not problems:
        sys.exit(f"no problems in {' '.join(map(str, options.folders))}: name folders with problem files")
    done = options.results.read_text(encoding="utf-8").splitlines() if options.results.exists() else []
    records = [json.loads(line) for line in done]
    known = {record["problem"] for record in records}
    end = time.monotonic() + options.seconds
    with options.results.open("a", encoding="utf-8") as results:
        for problem in options.part(problems):
            if f"{problem.parent.name}/{problem.stem}" in known:
                continue
            if time.monotonic() > end:
                break
            records.append(one(problem, options))
            results.write(json.dumps(records[-1]) + "\n")
            results.flush()
            print(f"{records[-1]['problem']}: {outcome(records[-1])}, {records[-1]['seconds']} s", flush=True)
    print(summary(records))
    return 0


if __name__ == "__main__":
    sys.exit(main())
