"""A real model server: llama.cpp's, with a tiny model of random weights. Its answers are nonsense, and said to be."""

from __future__ import annotations

import pathlib
import subprocess
import sys
from collections.abc import Iterator

import gguf
import numpy as np
import pytest

EMBEDDING, INNER, HEADS, CONTEXT = 32, 64, 2, 32768


def random_model(file: pathlib.Path) -> None:
    """One layer of llama's architecture over a vocabulary of bytes."""
    tokens = ["<unk>", "<s>", "</s>", *(f"<0x{byte:02X}>" for byte in range(256)), "▁"]
    writer = gguf.GGUFWriter(file, "llama")
    writer.add_context_length(CONTEXT)
    writer.add_embedding_length(EMBEDDING)
    writer.add_block_count(1)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(HEADS)
    writer.add_layer_norm_rms_eps(1e-5)
    writer.add_rope_dimension_count(EMBEDDING // HEADS)
    writer.add_vocab_size(len(tokens))
    writer.add_tokenizer_model("llama")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([2, 3, 3, *[6] * 256, 1])  # unknown, control, control, bytes, normal
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    draw = np.random.default_rng(1)

    def weights(name: str, *shape: int) -> None:
        values = draw.standard_normal(shape) * 0.3 if len(shape) > 1 else np.ones(shape)
        writer.add_tensor(name, values.astype(np.float32))

    weights("token_embd.weight", len(tokens), EMBEDDING)
    weights("output.weight", len(tokens), EMBEDDING)
    weights("output_norm.weight", EMBEDDING)
    for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
        weights(f"blk.0.{name}.weight", EMBEDDING, EMBEDDING)
    weights("blk.0.ffn_gate.weight", INNER, EMBEDDING)
    weights("blk.0.ffn_up.weight", INNER, EMBEDDING)
    weights("blk.0.ffn_down.weight", EMBEDDING, INNER)
    weights("blk.0.attn_norm.weight", EMBEDDING)
    weights("blk.0.ffn_norm.weight", EMBEDDING)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


@pytest.fixture
def served(burnish) -> Iterator:
    """The command, with the server's model as `llama`."""
    random_model(burnish.folder / "tiny.gguf")
    script = pathlib.Path(__file__).with_name("llama_server.py")
    log = (burnish.folder / "server.log").open("w")
    server = subprocess.Popen(
        [sys.executable, script, burnish.folder / "tiny.gguf"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True,
    )  # fmt: skip
    try:
        address = next(line.split("serving at ")[1].strip() for line in server.stdout if "serving at" in line)
        models = burnish.folder / "models.toml"
        models.write_text(f'[models.llama]\nurl = "{address}/v1"\noutput_tokens = 48\n', encoding="utf-8")
        burnish.env["BURNISH_MODELS"] = str(models)
        burnish.script(open={"*": {"plan": "identity"}})
        yield burnish
    finally:
        server.stdin.close()
        server.stdout.close()
        try:
            server.wait(20)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()
        log.close()


def test_a_random_models_answers_stream_are_judged_and_refused(served) -> None:
    checked = served("models", "llama", "--check", "--json")
    assert checked.code == 0 and checked.last["answered"] > 0, checked.out
    done = served("optimize", served.problem(), "--agents", "library,llama", "--attempts", "2", "--json")
    assert done.code == 0, done.err
    verdicts = {(line["agent"], line["number"]): line for line in done.lines if line.get("event") == "judged"}
    for number in (1, 2):
        assert verdicts["llama", number]["verdict"] in ("refused", "error")
        assert verdicts["llama", number]["reason"] == "plan"
    assert done.last["winner"] == "library", "the built-ins always work"
    calls = served.rows("select tokens_in, tokens_out, estimated, cost, error from model_calls order by id")
    assert len(calls) == 2
    for tokens_in, tokens_out, estimated, cost, error in calls:
        assert tokens_in > 5000 and 0 < tokens_out <= 48 and not estimated and cost == 0 and not error
    assert calls[1][0] > calls[0][0], "the second prompt has the first answer and what it earned"
    shown = served("show", done.last["run"], "gelu").out
    assert "llama:1" in shown
