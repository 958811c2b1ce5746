"""The two corpora of Metal kernels: broken/ (one fault each, its kind and line in cases.json) and correct/ (what each
computes, as an expression of PyTorch).

python tests/targets/metal/metal_corpus.py [--unseen]     run both, print what is not as it should be and the figures
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import burnish.metal as metal
import torch

HERE = Path(__file__).parent


def cases(folder: str) -> dict[str, dict[str, Any]]:
    return json.loads((HERE / folder / "cases.json").read_text())


def _tensor(spec: dict[str, Any], generator: torch.Generator) -> torch.Tensor:
    dtype = getattr(torch, spec["dtype"])
    shape = spec["shape"]
    if spec["fill"] == "zeros":
        return torch.zeros(shape, dtype=dtype)
    count = torch.Size(shape).numel()
    if spec["fill"] == "arange":
        return torch.arange(count).to(dtype).reshape(shape)
    return torch.randn(shape, generator=generator).to(dtype)


def _arguments(case: dict[str, Any]) -> tuple[list[Any], dict[str, torch.Tensor], dict[int, str]]:
    """The call's arguments, the tensors by name, the casts by position."""
    generator = torch.Generator().manual_seed(7)
    values: list[Any] = []
    names: dict[str, torch.Tensor] = {}
    casts: dict[int, str] = {}

    def make(spec: dict[str, Any]) -> torch.Tensor:
        tensor = _tensor(spec, generator)
        if "name" in spec:
            names[spec["name"]] = tensor
        return tensor

    for position, spec in enumerate(case["args"]):
        if not isinstance(spec, dict):
            values.append(spec)
        elif "tensors" in spec:
            values.append([make(s) for s in spec["tensors"]])
        elif "list" in spec:
            values.append(spec["list"])
            casts[position] = spec.get("cast", "")
        else:
            values.append(make(spec))
    return values, names, casts


def found(name: str, case: dict[str, Any]) -> tuple[str, int]:
    """What is found in a kernel: its kind and line; ("", 0) where nothing is. A race is between two lines and
    named with both: the expected one is given back where it is the other."""
    source = (HERE / "broken" / f"{name}.metal").read_text()
    values, _, casts = _arguments(case)
    try:
        library = metal.compile_shader(source, checked=True)
        library.k(
            *values,
            threads=case["threads"],
            group_size=case["group"],
            arg_casts=casts or None,
            timeout_s=case.get("timeout", 10.0),
        )
    except metal.Finding as finding:
        return finding.kind, case["line"] if finding.other_line == case["line"] else finding.line
    except SyntaxError as error:
        place = str(error).split(":")
        return "compile", int(place[1]) if place[0] == "program_source" else 0
    except (RuntimeError, ValueError):
        return "launch", 0
    return "", 0


def wrong(name: str, case: dict[str, Any], checked: bool) -> str:
    """Why a correct kernel is not taken as one; empty where it is."""
    source = (HERE / "correct" / f"{name}.metal").read_text()
    values, names, casts = _arguments(case)
    before = {key: tensor.clone() for key, tensor in names.items()}
    try:
        library = metal.compile_shader(source, checked=checked)
        library.k(*values, threads=case["threads"], group_size=case["group"], arg_casts=casts or None)
    except (metal.Finding, SyntaxError, RuntimeError) as error:
        return f"{type(error).__name__}: {error}"
    for output, expression in case["expect"].items():
        error = _error(names[output], expression, before)
        if error:
            return f"{output}: {error}"
    return ""


def _error(got: torch.Tensor, expression: str, inputs: dict[str, torch.Tensor]) -> str:
    """Within 4 times eager's error against float64 (one unit in the last place of the largest value at least)."""
    eager = eval(expression, {"torch": torch, **inputs})
    if not got.dtype.is_floating_point:
        return "" if torch.equal(got.to(eager.dtype), eager) else f"{got.tolist()} is not {eager.tolist()}"
    widened = {k: t.double() if t.dtype.is_floating_point else t for k, t in inputs.items()}
    exact = eval(expression.replace(".float()", ".double()"), {"torch": torch, **widened})
    mine = (got.double() - exact).abs().max().item()
    floor = torch.finfo(got.dtype).eps * max(1e-30, exact.abs().max().item())
    allowed = max(4 * (eager.double() - exact).abs().max().item(), 2 * floor)
    return "" if mine <= allowed else f"error {mine:.3g}, allowed {allowed:.3g}"


def main() -> int:
    unseen = "--unseen" in sys.argv
    status = 0
    broken = {n: c for n, c in cases("broken").items() if c.get("unseen", False) == unseen}
    hits = 0
    for name, case in broken.items():
        result = found(name, case)
        hits += result == (case["kind"], case["line"])
        if result != (case["kind"], case["line"]):
            print(f"broken/{name}: found {result}, expected {(case['kind'], case['line'])}")
            status = 1
    correct = {n: c for n, c in cases("correct").items() if c.get("unseen", False) == unseen}
    passed = 0
    for name, case in correct.items():
        why = [wrong(name, case, checked) for checked in (False, True)]
        passed += not any(why)
        if any(why):
            print(f"correct/{name}: {why[0] or 'checked: ' + why[1]}")
            status = 1
    kind = "unseen" if unseen else "seen"
    print(f"{kind}: {hits} of {len(broken)} faults found at their lines,", end=" ")
    print(f"{passed} of {len(correct)} correct kernels taken")
    return status


if __name__ == "__main__":
    sys.exit(main())
