"""docs/plan.md is meant to be enough to write a plan from: its complete example must run and be right."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import torch
from burnish import native

PAGE = Path(__file__).parents[2] / "docs" / "plan.md"

# What the compile step appends to a kernel's source (src/targets/cpu/entry.cpp), by hand for this one signature.
ENTRY = """
extern "C" void burnish_entry_bias_gelu(int64_t begin, int64_t end, void* const* a) {
  bias_gelu(begin, end, (const float*)a[0], (const float*)a[1], (float*)a[2], (int64_t)a[3]);
}
extern "C" const char burnish_signature_bias_gelu[] = "pppi";
"""


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE.read_text(), re.DOTALL | re.MULTILINE)


def test_the_complete_example_runs_and_is_right(tmp_path: Path) -> None:
    scope: dict = {"torch": torch}
    exec(blocks("python")[0], scope)
    torch.manual_seed(0)
    model = scope["Model"]().eval()
    (tmp_path / "plan.json").write_text(blocks("json")[0])
    source, object_file = tmp_path / "kernels.cpp", tmp_path / "kernels.so"
    source.write_text(blocks("cpp")[0] + ENTRY)
    subprocess.run(["g++", "-O2", "-shared", "-fPIC", "-o", object_file, source], check=True)

    runtime = native.runtime()
    program = runtime.load(str(tmp_path), {"kernels.cpp": str(object_file)})
    bound = program.bind([dict(model.named_parameters())[path] for _, path in program.params])
    with torch.no_grad():
        for n in (1, 7, 64):
            x = torch.randn(n, 256)
            torch.testing.assert_close(bound.run([x])[0], model(x), rtol=1e-5, atol=1e-6)
        with pytest.raises(runtime.GuardMiss, match="n >= 1"):
            bound.run([torch.randn(0, 256)])
