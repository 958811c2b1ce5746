"""Every example loads, is judgeable, and its plan computes what eager computes, bit for bit."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from burnish import native
from burnish.exporter import export
from burnish.interpret import PlanInterpreter
from burnish.problem import load_problem
from plans import check_meta, same
from torch.utils import _pytree as pytree

EXAMPLES = sorted((Path(__file__).resolve().parents[2] / "examples").glob("*.py"))


def test_there_are_at_least_thirty_with_a_docstring() -> None:
    assert len(EXAMPLES) >= 30
    assert all(path.read_text().startswith('"""') for path in EXAMPLES)


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda path: path.stem)
def test_example(path: Path, tmp_path: Path) -> None:
    problem = load_problem(path)
    problem.probe()
    exported = export(problem.module, *problem.draw(1), tmp_path)
    args, kwargs = problem.draw(2)
    expected = problem.run(args, kwargs)
    leaves = problem.leaves(args, kwargs)
    assert [(leaf.name, leaf.path) for leaf in leaves] == exported.inputs
    tensors: dict[str, torch.Tensor] = {}
    got = PlanInterpreter(tmp_path, problem.module).run([leaf.value for leaf in leaves], tensors)
    assert same(expected, got)
    check_meta(exported, tensors)


def test_the_executor_computes_the_same(tmp_path: Path) -> None:
    """The C++ executor, on the plan of every example, bit for bit."""
    runtime = native.runtime()
    wrong = []
    for path in EXAMPLES:
        problem = load_problem(path)
        export(problem.module, *problem.draw(1), tmp_path / path.stem)
        program = runtime.load(str(tmp_path / path.stem), {})
        state = dict(problem.module.named_parameters()) | dict(problem.module.named_buffers())
        bound = program.bind([state[name].detach() for _, name in program.params])
        args, kwargs = problem.draw(2)
        expected = [leaf for leaf in pytree.tree_leaves(problem.run(args, kwargs)) if isinstance(leaf, torch.Tensor)]
        got = bound.run([leaf.value for leaf in problem.leaves(args, kwargs)])
        if not same(expected, [leaf for leaf in pytree.tree_leaves(got) if isinstance(leaf, torch.Tensor)]):
            wrong.append(path.stem)
    assert not wrong


def test_draws_are_a_function_of_the_seed_and_leave_the_generators_alone() -> None:
    problem = load_problem(EXAMPLES[0])
    torch.manual_seed(7)
    before = torch.get_rng_state()
    assert same(problem.draw(5), problem.draw(5))
    assert not same(problem.draw(5), problem.draw(6))
    assert torch.equal(before, torch.get_rng_state())


def test_parameters_are_a_function_of_the_seed() -> None:
    path = next(p for p in EXAMPLES if p.stem == "lstm")
    state = [load_problem(path, seed=s).module.state_dict() for s in (1, 1, 2)]
    assert same(dict(state[0]), dict(state[1]))
    assert not same(dict(state[0]), dict(state[2]))
