"""Checks that includes between the folders of src/ follow the arrows of docs/architecture.md, and that only
src/runtime includes PyTorch. Prints each wrong include and exits 1."""

import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# A folder may include itself and what stands here.
ARROWS: dict[str, set[str]] = {
    "base": set(),
    "plan": {"base"},
    "targets": {"plan", "base"},
    "store": {"base"},
    "report": {"store", "base"},
    "compiler": {"plan", "targets", "base"},
    "context": {"plan", "base"},
    "providers": {"base"},
    "agents": {"compiler", "providers", "context", "plan", "targets", "base"},
    "swarm": {"agents", "store", "targets", "plan", "base"},
    "cli": {"swarm", "agents", "report", "store", "compiler", "providers", "context", "targets", "plan", "base"},
    "runtime": {"plan", "base"},
}
TORCH = re.compile(r"^(ATen|c10|torch|caffe2|pybind11)/")
INCLUDE = re.compile(r'^\s*#\s*include\s+["<]([^">]+)[">]')


def wrong_includes() -> list[str]:
    problems = []
    for path in sorted((ROOT / "src").rglob("*")):
        if path.suffix not in {".h", ".cpp"}:
            continue
        folder = path.relative_to(ROOT / "src").parts[0]
        if folder not in ARROWS:
            problems.append(f"{path.relative_to(ROOT)}: src/{folder} is not in the layout; add it to {__file__}")
            continue
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
            found = INCLUDE.match(line)
            if not found:
                continue
            target = found.group(1)
            place = f"{path.relative_to(ROOT)}:{number}"
            if TORCH.match(target) and folder != "runtime":
                problems.append(f"{place}: includes PyTorch ({target}); only src/runtime may")
            top = target.split("/")[0]
            if "/" in target and top in ARROWS and top != folder and top not in ARROWS[folder]:
                problems.append(f"{place}: src/{folder} may not include src/{top}")
    return problems


if __name__ == "__main__":
    found = wrong_includes()
    print("\n".join(found) if found else f"arrows: {len(ARROWS)} folders, all includes point down")
    sys.exit(1 if found else 0)
