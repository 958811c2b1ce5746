"""Random programs of views, in-place operators and plain ones: the plan gives what eager gives, bit for bit."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest
import torch
import torch.nn as nn
from burnish.errors import BurnishError
from plans import check_export

SEEDS = int(os.environ.get("BURNISH_FUZZ_SEEDS", "40"))
SHAPE = (4, 6)

# What a line of a program may be; {a}, {b}, {v} are variables, {i} an index. All tensors have the same shape.
LINES = [
    "{v} = {a} + {b}",
    "{v} = {a} * 0.5",
    "{v} = torch.relu({a})",
    "{v} = {a}",
    "{v} = {a}.clone()",
    "{v} = {a}.t().t()",
    "{v} = {a}.view(-1).view(4, 6)",
    "{v} = {a}.reshape(2, 12).reshape(4, 6)",
    "{v} = {a}[:]",
    "{v} = torch.zeros_like({a})",
    "{v} = torch.cat({a}.chunk(2, dim=1)[::-1], dim=1)",
    "{v} = {a}.contiguous()",
    "{a} += {b}",
    "{a} *= 0.9",
    "{a}.relu_()",
    "{a}.add_({b}, alpha=2)",
    "{a}.clamp_(-2, 2)",
    "{a}[:, {i}] = {b}[:, 1]",
    "{a}[{i}] = 0.25",
    "{a}[1:3] = {b}[2:4]",
    "{a}[:, ::2] += 1",
    "{a}.t()[{i}].mul_(-1)",
    "{a}.copy_({b})",
    "{a}.masked_fill_({b} > 0.5, 0.1)",
    "{a}.view(-1)[{i}:5].zero_()",
    "{a}[{b} > 1] = 0.0",
    "{v} = {a}.sum(0, keepdim=True).expand(4, 6).clone()",
]


def program(seed: int) -> str:
    draw = random.Random(seed)
    names = ["p", "q"]
    lines = ["p = x * 1.5", "q = y.clone()"]
    for _ in range(draw.randint(3, 12)):
        line = draw.choice(LINES)
        fresh = draw.choice([*names, f"v{len(names)}"])
        lines.append(line.format(a=draw.choice(names), b=draw.choice(names), v=fresh, i=draw.randint(0, 3)))
        if fresh not in names and "{v}" in line:
            names.append(fresh)
    results = draw.sample(names, k=min(len(names), draw.randint(1, 3)))
    if draw.random() < 0.5:  # a part of it in a block that torch.export makes a graph of its own
        first = draw.randrange(2, len(lines))
        last = draw.randint(first + 1, len(lines))
        block = draw.choice(["torch.enable_grad()", "torch.no_grad()", "torch.autocast('cpu', enabled=False)"])
        lines[first:last] = [f"with {block}:", *(f"    {line}" for line in lines[first:last])]
    lines.append(f"return {', '.join(f'{r} * 1.0' for r in results)},")
    return "def forward(self, x, y):\n" + "".join(f"    {line}\n" for line in lines)


@pytest.mark.parametrize("seed", range(SEEDS))
def test_random_program(seed: int, tmp_path: Path) -> None:
    text = program(seed)
    scope: dict = {"torch": torch}
    exec(text, scope)
    module = type("Made", (nn.Module,), {"forward": scope["forward"]})()
    torch.manual_seed(seed)
    args = (torch.randn(SHAPE), torch.randn(SHAPE))
    with torch.no_grad():
        try:
            module(*(a.clone() for a in args))
        except RuntimeError as error:  # eager refuses it too: a write to an expanded tensor, say
            pytest.skip(str(error).splitlines()[0])
    try:
        check_export(module, tmp_path, args)
    except AssertionError:
        pytest.fail(f"the plan of this program gives something else:\n{text}\n{(tmp_path / 'plan.json').read_text()}")
    except BurnishError as error:
        pytest.fail(f"{error}\n{text}")
