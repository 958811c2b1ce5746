"""Checks what must never be committed: paths of a developer's machine, keys, large files, overlong sources."""

import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
FORBIDDEN = [
    (re.compile(rb"/work/(main|wt|venv|shared)\b"), "a path of a developer's machine"),
    (re.compile(rb"\b(sk-[A-Za-z0-9]{20,}|sk-ant-[A-Za-z0-9-]{20,}|AKIA[0-9A-Z]{16})\b"), "what looks like a key"),
]
MAX_BYTES = 512 * 1024
MAX_LINES = 700  # 500 is the aim (CONTRIBUTING.md); this stops what has gone out of hand


def problems() -> list[str]:
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, check=True).stdout
    found = []
    for name in filter(None, listed.decode().split("\0")):
        path = ROOT / name
        if not path.is_file() or name == "tools/check_tree.py":
            continue
        data = path.read_bytes()
        if len(data) > MAX_BYTES:
            found.append(f"{name}: {len(data)} bytes; nothing here should be larger than {MAX_BYTES}")
        for pattern, what in FORBIDDEN:
            if pattern.search(data):
                found.append(f"{name}: holds {what}")
        lines = data.count(b"\n")
        if path.suffix in {".h", ".cpp", ".py"} and lines > MAX_LINES:
            found.append(f"{name}: {lines} lines; split it (one clear idea a file)")
    return found


if __name__ == "__main__":
    wrong = problems()
    print("\n".join(wrong) if wrong else "tree: nothing that must not be committed")
    sys.exit(1 if wrong else 0)
