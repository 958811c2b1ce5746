"""examples/cpp: a plan run from C++ computes what the module computes, with no Python in the process."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
import torch
from burnish import native
from deployed import Scale, deploy_export, deploy_kernel
from safetensors.torch import save_file

SOURCE = Path(__file__).resolve().parents[2] / "examples" / "cpp"


@pytest.fixture(scope="module")
def run_plan(tmp_path_factory: pytest.TempPathFactory) -> Path:
    build = tmp_path_factory.mktemp("cpp")
    torch_folder = Path(torch.__file__).parent
    options = [f"-DTORCH={torch_folder}", f"-DBURNISH_RUNTIME={native.ensure_built()}", "-GNinja"]
    subprocess.run(["cmake", "-S", SOURCE, "-B", build, *options], check=True, capture_output=True)
    subprocess.run(["cmake", "--build", build], check=True, capture_output=True)
    return build / "run_plan"


def call(run_plan: Path, folder: Path, module: torch.nn.Module, **inputs: torch.Tensor) -> str:
    save_file(module.state_dict(), folder / "state.safetensors")
    save_file(inputs, folder / "inputs.safetensors")
    command = [run_plan, folder, folder / "state.safetensors", folder / "inputs.safetensors"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={})
    return done.stdout if done.returncode == 0 else done.stderr


def test_operators_and_kernels(run_plan: Path, tmp_path: Path) -> None:
    net = torch.nn.Sequential(torch.nn.Linear(4, 3), torch.nn.ReLU()).eval()
    x = torch.randn(2, 4)
    said = call(run_plan, deploy_export(net, tmp_path / "net", x), net, input=x)
    assert said.startswith("[2, 3] sum "), said
    with torch.no_grad():
        assert float(said.split()[3]) == pytest.approx(net(x).double().sum().item(), rel=1e-4)
    scale = Scale()
    assert "[5] sum 45" in call(run_plan, deploy_kernel(tmp_path / "scale"), scale, x=torch.full((5,), 3.0))
    assert "the plan does not hold" in call(run_plan, tmp_path / "scale", scale, x=torch.full((5, 1), 3.0))
    assert 'no tensor "w"' in call(run_plan, tmp_path / "scale", net, x=torch.ones(5))
