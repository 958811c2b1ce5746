"""Writes plans and their constants: JSON with one step a line, and the safetensors format."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import safetensors.torch
import torch


def plan_text(plan: Mapping[str, Any]) -> str:
    """JSON for people: one input, step and note a line."""
    parts = []
    for key, value in plan.items():
        if key in ("inputs", "params", "constants", "kernels") and value:
            lines = [f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items()]
            parts.append(f"  {json.dumps(key)}: {{\n" + ",\n".join(lines) + "\n  }")
        elif key in ("steps", "prepare") and value:
            parts.append(
                f"  {json.dumps(key)}: [\n" + ",\n".join(f"    {json.dumps(step)}" for step in value) + "\n  ]"
            )
        elif key == "notes" and "meta" in value:
            notes = [f"    {json.dumps(k)}: {json.dumps(v)}" for k, v in value.items() if k != "meta"]
            meta = ",\n".join(f"      {json.dumps(k)}: {json.dumps(v)}" for k, v in value["meta"].items())
            notes.append(f'    "meta": {{\n{meta}\n    }}')
            parts.append(f"  {json.dumps(key)}: {{\n" + ",\n".join(notes) + "\n  }")
        else:
            parts.append(f"  {json.dumps(key)}: {json.dumps(value)}")
    return "{\n" + ",\n".join(parts) + "\n}\n"


def write_plan(path: Path, plan: Mapping[str, Any]) -> None:
    """Writes a plan.json, whole or not at all."""
    _replace(path, plan_text(plan).encode())


def write_safetensors(path: Path, tensors: Mapping[str, torch.Tensor]) -> None:
    """Writes tensors as a safetensors file, contiguous; an empty one where there are none."""
    _replace(
        path,
        safetensors.torch.save({name: tensor.detach().cpu().contiguous().clone() for name, tensor in tensors.items()}),
    )


def read_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """Reads what write_safetensors wrote."""
    return safetensors.torch.load(path.read_bytes())


def _replace(path: Path, data: bytes) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_bytes(data)
    os.replace(partial, path)
