"""burnish.optimize with the real command: three models that nobody here wrote, loaded again in another process."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import burnish
import pytest
import torch
from burnish.api import executable
from burnish.errors import BurnishError

pytest.importorskip("transformers", reason="pip install transformers")
import real_models

try:
    COMMAND = executable()
except BurnishError as error:
    pytest.skip(str(error), allow_module_level=True)

AGAIN = """
import sys, torch, burnish, real_models
torch.manual_seed(0)
model, inputs = getattr(real_models, sys.argv[1])()
fast = burnish.load(model.eval(), sys.argv[2])
assert type(fast).__name__ == "Burnished"
with torch.no_grad():
    torch.save(dict(fast(**inputs)), sys.argv[3])
"""


def deploy_by_hand(store: Path, problem: str, folder: Path) -> None:
    def say(*arguments: str) -> str:
        command = [COMMAND, *arguments, "--store", str(store)]
        return subprocess.run(command, check=True, capture_output=True, text=True, timeout=120).stdout

    run = say("report").split()[1]
    say("export", run, problem, "compiler:1", "--as", "folder", "--out", str(folder))


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", ["bert", "vit", "llama"])
def test_a_real_model(name: str, tmp_path: Path) -> None:
    torch.manual_seed(0)
    model, inputs = getattr(real_models, name)()
    model.eval()
    keys = list(model.state_dict())
    with torch.no_grad():
        expected = model(**inputs)
    folder = tmp_path / "fast"
    fast = burnish.optimize(
        model,
        inputs,
        agents="compiler",
        attempts=1,
        inputs=10,
        verify_seconds=5,
        out=folder,
        store=tmp_path / "store",
    )
    assert list(fast.state_dict()) == keys
    assert all(a is b for a, b in zip(fast.parameters(), model.parameters(), strict=True))
    with torch.no_grad():
        got = fast(**inputs)
    assert type(got) is type(expected)
    for key in expected:
        torch.testing.assert_close(got[key], expected[key], rtol=1e-3, atol=1e-4)
    if (
        fast is model
    ):  # on a busy machine a win may not be beyond doubt: then what was found correct is deployed by hand
        assert not folder.exists()
        deploy_by_hand(tmp_path / "store", type(model).__name__, folder)
    environment = dict(os.environ, PYTHONPATH=os.pathsep.join([str(Path(__file__).parent), *sys.path]))
    command = [sys.executable, "-c", AGAIN, name, str(folder), str(tmp_path / "out.pt")]
    subprocess.run(command, check=True, env=environment, timeout=120)
    for key, value in torch.load(tmp_path / "out.pt").items():
        torch.testing.assert_close(value, expected[key], rtol=1e-3, atol=1e-4)
