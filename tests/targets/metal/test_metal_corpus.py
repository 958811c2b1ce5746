"""Every fault of broken/ is found, at its line and as its kind; every kernel of correct/ passes in both modes."""

import metal_corpus as corpus
import pytest


@pytest.mark.parametrize("name", corpus.cases("broken"))
def test_the_fault_is_found_at_its_line(name: str) -> None:
    case = corpus.cases("broken")[name]
    assert corpus.found(name, case) == (case["kind"], case["line"])


@pytest.mark.parametrize("name", corpus.cases("correct"))
def test_a_correct_kernel_is_taken(name: str) -> None:
    case = corpus.cases("correct")[name]
    assert corpus.wrong(name, case, checked=False) == ""
    assert corpus.wrong(name, case, checked=True) == ""


def test_each_file_is_a_case_and_each_case_a_file() -> None:
    for folder in ("broken", "correct"):
        files = {p.stem for p in (corpus.HERE / folder).glob("*.metal")}
        assert files == set(corpus.cases(folder))
