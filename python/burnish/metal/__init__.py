"""Metal kernels without a Mac: the emulator, and a strict stand-in for torch.mps.compile_shader.

lib = burnish.metal.compile_shader(source)            # as torch.mps.compile_shader; CPU tensors stand for MPS tensors
lib.softmax(x, out, threads=(1024, 64), group_size=(1024, 1))
lib = burnish.metal.compile_shader(source, checked=True)   # races, bounds and more raise burnish.metal.Finding
"""

from __future__ import annotations

from burnish.metal.emulator import Finding
from burnish.metal.shader import Kernel, ShaderLibrary, compile_shader

__all__ = ["Finding", "Kernel", "ShaderLibrary", "compile_shader"]
