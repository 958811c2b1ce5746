"""Models of the package transformers in small configurations with random weights, for the tests."""

from __future__ import annotations

import torch
import transformers


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
