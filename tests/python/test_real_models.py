"""Modules that nobody here wrote: models of the package transformers, small configurations, random weights."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from burnish.exporter import export
from plans import run_plan, same

transformers = pytest.importorskip("transformers", reason="pip install transformers (the extra 'test')")


def bert():
    config = transformers.BertConfig(
        vocab_size=500, hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128
    )
    tokens = torch.randint(0, 500, (2, 24))
    mask = (torch.arange(24)[None] < torch.tensor([[24], [17]])).long()
    return transformers.BertModel(config), {"input_ids": tokens, "attention_mask": mask}


def llama():
    config = transformers.LlamaConfig(
        vocab_size=500,
        hidden_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        intermediate_size=128,
        use_cache=False,
    )
    return transformers.LlamaForCausalLM(config), {"input_ids": torch.randint(0, 500, (2, 24))}


def vit():
    config = transformers.ViTConfig(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=4, intermediate_size=128, image_size=32, patch_size=8
    )
    return transformers.ViTForImageClassification(config), {"pixel_values": torch.randn(2, 3, 32, 32)}


def gpt2():
    config = transformers.GPT2Config(vocab_size=500, n_embd=64, n_layer=2, n_head=4, use_cache=False)
    return transformers.GPT2LMHeadModel(config), {"input_ids": torch.randint(0, 500, (2, 24))}


def resnet():
    config = transformers.ResNetConfig(embedding_size=16, hidden_sizes=[16, 32], depths=[1, 1], layer_type="basic")
    return transformers.ResNetForImageClassification(config), {"pixel_values": torch.randn(2, 3, 32, 32)}


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
