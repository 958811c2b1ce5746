"""Correct candidates from templates: a family is a module, several ways to write it, and the sizes to try them at."""

from __future__ import annotations

import json
import string
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(frozen=True)
class Kernel:
    """A plan with .cpp kernels: C++ text, and the steps as text; `$` names a size in both."""

    source: str
    steps: tuple
    result: object = "y"
    prepare: tuple = ()


@dataclass(frozen=True)
class Family:
    """`tensors`: forward's arguments, each a generator expression and its sizes. Bodies are Python with `$` sizes."""

    name: str
    tensors: dict[str, tuple[str, str]]
    forward: str
    variants: dict[str, str | Kernel]
    sizes: tuple[dict[str, int], ...]
    init: str = ""
    top: str = ""
    params: dict[str, str] = field(default_factory=dict)  # name in plans -> path
    options: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class Lookalike:
    """One honest candidate: `files` are its texts, one .py or a plan's folder."""

    name: str
    problem_name: str
    problem: str
    form: str
    files: dict[str, str]
    options: dict[str, object]

    def write(self, folder: Path) -> Path:
        """Writes the candidate below `folder`; gives the file or the plan's folder."""
        place = folder / self.name
        place.mkdir(parents=True, exist_ok=True)
        for name, text in self.files.items():
            (place / name).write_text(text)
        return place / "candidate.py" if self.form == "model_new" else place


def _indent(text: str, depth: int) -> str:
    return textwrap.indent(textwrap.dedent(text).strip("\n"), "    " * depth)


def _module(family: Family, name: str, forward: str) -> str:
    text = "import math\n\nimport torch\nfrom torch import nn\nfrom torch.nn import functional as F\n"
    if family.top:
        text += "\n" + textwrap.dedent(family.top).strip("\n") + "\n"
    text += f"\n\nclass {name}(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
    if family.init:
        text += _indent(family.init, 2) + "\n"
    text += f"\n    def forward(self, {', '.join(family.tensors)}):\n" + _indent(forward, 2) + "\n"
    return text


def _problem(family: Family) -> str:
    drawn = ", ".join(f"{how}({sizes})" for how, sizes in family.tensors.values())
    text = _module(family, "Model", family.forward)
    return text + f"\n\ndef get_inputs():\n    return [{drawn}]\n\n\ndef get_init_inputs():\n    return []\n"


def _numbers(value: object) -> object:
    """Sizes that were put in for `$` become numbers again."""
    if isinstance(value, dict):
        return {k: _numbers(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [_numbers(v) for v in value]
    return int(value) if isinstance(value, str) and value.isdigit() else value


def _plan(family: Family, kernel: Kernel) -> str:
    used = json.dumps([kernel.steps, kernel.prepare])
    launched = sorted({s["launch"] for s in kernel.steps + kernel.prepare if "launch" in s})
    plan: dict[str, object] = {
        "burnish_plan": 1,
        "target": "cpu",
        "inputs": {
            name: {"dtype": "float32", "shape": [s.strip() for s in sizes.split(",")], "strides": "contiguous"}
            for name, (_, sizes) in family.tensors.items()
        },
        "params": {name: path for name, path in family.params.items() if f'"{name}"' in used},
    }
    if launched:
        plan["kernels"] = {name: {"source": "kernels.cpp"} for name in launched}
    if kernel.prepare:
        plan["prepare"] = list(kernel.prepare)
    return json.dumps(plan | {"steps": list(kernel.steps), "result": kernel.result})


def lookalikes_of(family: Family) -> Iterator[Lookalike]:
    for sizes in family.sizes:
        tag = "_".join(str(v) for v in sizes.values())

        def put(text: str, sizes: dict[str, int] = sizes) -> str:
            return string.Template(text).substitute({k: str(v) for k, v in sizes.items()})

        for variant, body in family.variants.items():
            if isinstance(body, Kernel):
                plan = json.dumps(_numbers(json.loads(put(_plan(family, body)))), indent=1)
                files = {"plan.json": plan}
                if body.source:
                    files["kernels.cpp"] = "#include <cmath>\n#include <cstdint>\n" + put(textwrap.dedent(body.source))
            else:
                files = {"candidate.py": put(_module(family, "ModelNew", body))}
            yield Lookalike(
                name=f"{family.name}-{tag}-{variant}",
                problem_name=f"{family.name}-{tag}",
                problem=put(_problem(family)),
                form="plan" if isinstance(body, Kernel) else "model_new",
                files=files,
                options=family.options,
            )


def launch(kernel: str, over: str, *args: str, grain: int = 1) -> dict:
    return {"launch": kernel, "range": over, "grain": grain, "args": list(args)}


def empty(name: str, *shape: str, like: str | None = None) -> dict:
    return {"empty": name, "like": like} if like else {"empty": name, "dtype": "float32", "shape": list(shape)}


def op(name: str, *args: object, out: str = "y", **kwargs: object) -> dict:
    step: dict[str, object] = {"op": f"aten::{name}", "args": list(args), "out": [out]}
    return step | ({"kwargs": kwargs} if kwargs else {})
