"""A judge that speaks the judge protocol with scripted verdicts and no PyTorch.

The script is JSON in the file that FAKE_JUDGE names, or the defaults below:
  "open":     {problem name: reply to "open", {"error": {...}}, "die", "hang", "killed" or "killed once"}
              "*" is for all others; "plan" in a reply: "identity", steps that make y of x, which has four floats, or
              fields of a plan
  "verdicts": {candidate name or form, or that with "@stage": verdict, "die" or "hang"}; "*"; or a plan's first operator
  "seconds":  how long each verdict takes
  "lease":    take the lease before each verdict and give it back afterwards
Every request is appended as a line to the file that FAKE_JUDGE_LOG names.
"""

from __future__ import annotations

import json
import os
import pathlib
import signal
import socket
import sys
import time

ACCEPTED = {
    "verdict": "accepted", "reason": "ok", "detail": None, "speedup": 1.5, "interval": [1.4, 1.6], "flat": True,
    "contract": "full", "error": {"candidate": 1e-7, "eager": 1e-7}, "peak_bytes": 1024,
    "seconds": {"load": 0.0, "verify": 0.0, "time": 0.0},
    "inputs": 10, "notes": [], "samples": {"reference": [[3e-3, 3.1e-3]], "candidate": [[2e-3, 2.1e-3]]},
}  # fmt: skip


def note(request: dict) -> None:
    if log := os.environ.get("FAKE_JUDGE_LOG"):
        with open(log, "a", encoding="utf-8") as file:
            file.write(json.dumps(request) + "\n")


def obey(what: object) -> None:
    if what == "die":
        os.kill(os.getpid(), signal.SIGSEGV)
    if what == "hang":
        time.sleep(3600)
    if what in ("killed", "killed once"):
        mark = pathlib.Path(os.environ["FAKE_JUDGE"] + ".killed")
        if what == "killed once" and mark.exists():
            return
        mark.touch()
        os.kill(os.getpid(), signal.SIGKILL)


def opened(script: dict, problem: dict | None, scratch: str) -> dict:
    name = pathlib.Path((problem or {}).get("file") or "module").stem
    table = script.get("open", {})
    reply = table.get(name, table.get("*", {}))
    obey(reply)
    reply = {} if reply == "killed once" else reply
    if "error" in reply:
        return reply
    if reply.get("plan") is not None:
        folder = pathlib.Path(scratch) / "plan"
        folder.mkdir(parents=True, exist_ok=True)
        plan = {
            "burnish_plan": 1, "target": "cpu", "inputs": {"x": {"dtype": "float32", "shape": [4]}},
            "steps": [{"op": "aten::relu", "args": ["x"], "out": ["y"]}], "result": "y",
        }  # fmt: skip
        if isinstance(reply["plan"], dict):
            plan |= reply["plan"]
        elif reply["plan"] != "identity":
            plan["steps"] = reply["plan"]
        (folder / "plan.json").write_text(json.dumps(plan), encoding="utf-8")
        reply = {**reply, "plan": str(folder)}
    standard = {"name": name, "source": "class Model: ...", "plan": None, "inputs": [], "eager_seconds": 3e-3,
                "trivial": False,
                "saturated": False, "eager_error": 1e-7, "notes": []}  # fmt: skip
    return {"ok": {**standard, **reply}}


def judged(script: dict, candidate: dict, stage: str) -> dict:
    table = script.get("verdicts", {})
    name = candidate.get("name", "")
    if candidate["form"] == "plan" and (plan := pathlib.Path(candidate["dir"]) / "plan.json").exists():
        steps = json.loads(plan.read_text(encoding="utf-8")).get("steps") or [{}]
        if (op := steps[0].get("op")) in table:
            return {**ACCEPTED, **table[op]}
    for key in (f"{name}@{stage}", name, f"{candidate['form']}@{stage}", candidate["form"], f"*@{stage}", "*"):
        if key in table:
            verdict = table[key]
            obey(verdict)
            return {**ACCEPTED, **verdict}
    return ACCEPTED


def main() -> int:
    fd = int(sys.argv[sys.argv.index("--fd") + 1])
    script_file = os.environ.get("FAKE_JUDGE")
    script = json.loads(pathlib.Path(script_file).read_text(encoding="utf-8")) if script_file else {}
    print("the fake judge starts")
    with socket.socket(fileno=fd) as sock, sock.makefile("rw", encoding="utf-8") as wire:

        def send(message: dict) -> None:
            wire.write(json.dumps(message) + "\n")
            wire.flush()

        for line in wire:
            request = json.loads(line)
            if "event" in request:
                continue
            note(request)
            if request["do"] == "open":
                send({"id": request["id"], **opened(script, request["problem"], request["scratch"])})
            elif request["do"] == "judge":
                if script.get("lease"):
                    send({"event": "lease", "state": "take"})
                    assert json.loads(wire.readline()) == {"event": "lease", "state": "taken"}
                send({"event": "progress", "phase": "verify", "done": 1, "of": 2})
                time.sleep(script.get("seconds", 0))
                if script.get("lease"):
                    send({"event": "lease", "state": "give"})
                send({"id": request["id"], "ok": judged(script, request["candidate"], request["stage"])})
                note({"replied": request["candidate"]["name"], "stage": request["stage"]})
            elif request["do"] == "profile":
                steps = [
                    {"step": "steps[0] op aten::relu", "seconds": 2e-3, "bytes_in": 4 << 20, "bytes_out": 4 << 20},
                    {"step": "steps[1] launch slow", "seconds": 6e-3, "bytes_in": 8 << 20, "bytes_out": 0},
                ]
                ok = {"seconds": 9e-3, "steps": steps, "bytes_per_second": 1e10, "eager_seconds": 3e-3}
                send({"id": request["id"], "ok": ok})
            else:
                return 0
    return 0


if __name__ == "__main__":
    sys.exit(main())
