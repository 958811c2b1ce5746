"""Modules that nobody here wrote: models of the package transformers, small configurations, random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from burnish.exporter import export
from plans import run_plan, same

pytest.importorskip("transformers", reason="pip install transformers")
from real_models import bert, gpt2, llama, resnet, vit


@pytest.mark.parametrize("make", [bert, llama, vit, gpt2, resnet], ids=lambda make: make.__name__)
def test_exports_bit_for_bit(make, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, inputs = make()
    model.eval()
    with torch.no_grad():
        expected = model(**inputs)
    export(model, (), inputs, tmp_path)
    got = run_plan(tmp_path, model, (), inputs)
    assert type(got) is type(expected)
    assert list(got.keys()) == list(expected.keys())
    for name in expected:
        assert same(expected[name], got[name]), name


def test_a_batch_and_length_that_vary(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, _ = llama()
    model.eval()
    calls = [((), {"input_ids": torch.randint(0, 500, size)}) for size in ((2, 24), (3, 40))]
    export(model, *calls[0], tmp_path, dynamic=calls[1:])
    for size in ((2, 24), (3, 40), (5, 31)):
        inputs = {"input_ids": torch.randint(0, 500, size)}
        with torch.no_grad():
            expected = model(**inputs)
        torch.testing.assert_close(run_plan(tmp_path, model, (), inputs).logits, expected.logits)
