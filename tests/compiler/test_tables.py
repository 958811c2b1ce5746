"""The tables in the documentation are those of the code."""

from __future__ import annotations

import subprocess

import harness


def test_documentation_has_the_compilers_tables() -> None:
    program = harness.tool()
    assert program is not None, "build burnish-compiler-tool first (make test does)"
    text = subprocess.run([str(program), "--tables"], capture_output=True, text=True, timeout=30, check=True).stdout
    written = (harness.ROOT / "docs" / "compiler-tables.md").read_text()
    assert written == text, "write it again: burnish-compiler-tool --tables > docs/compiler-tables.md"
