"""The corpus of attacks as values: what each is, which problem it attacks, which verdicts are right for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
PROBLEMS = HERE / "problems"
ATTACKS = HERE / "attacks"

# The words of docs/reasons.md that a refusal or an error may carry. `no-win` is the corpus's own: an accepted verdict
# without a win, for what is harmless once it brings no time (a cache that never hits, a patched clock).
# fmt: off
REFUSALS = frozenset(
    {
        "compile", "object", "crash", "timeout", "memory", "resources", "protocol", "structure", "shape",
        "dtype", "device", "values", "nan", "precision", "contract", "nondeterministic", "aliasing",
        "input-changed", "parameter-changed", "parameters", "stale", "late", "out-of-bounds", "prepare-budget",
    }
)
ERRORS = frozenset(
    {
        "file", "import", "model", "inputs", "random", "stateful", "training-mode", "unsupported",
        "too-large", "too-slow", "plan", "environment",
    }
)
# fmt: on
NO_WIN = "no-win"
WIN = 1.02  # the lower end of the interval


@dataclass(frozen=True)
class Attack:
    """One attack: `path` is a ModelNew file or a plan's folder."""

    name: str
    path: Path
    reasons: frozenset[str]
    problem: Path
    options: dict[str, object] = field(default_factory=dict, hash=False)

    @property
    def form(self) -> str:
        return "plan" if self.path.is_dir() else "model_new"


def _header(lines: list[str]) -> dict[str, str]:
    """The leading `# key: value` lines."""
    found = {}
    for line in lines:
        if not line.startswith("# ") or ": " not in line:
            break
        key, value = line[2:].split(": ", 1)
        found[key] = value.strip()
    return found


def _options(text: str) -> dict[str, object]:
    """`inputs=100 deterministic` -> {"inputs": 100, "deterministic": True}."""
    options: dict[str, object] = {}
    for word in text.split():
        key, _, value = word.partition("=")
        options[key] = (int(value) if value.isdigit() else value) if value else True
    return options


def read_attack(path: Path) -> Attack:
    text = (path / "reason" if path.is_dir() else path).read_text()
    header = _header(text.splitlines())
    return Attack(
        name=path.stem,
        path=path,
        reasons=frozenset(header["reason"].split()),
        problem=PROBLEMS / f"{header['problem']}.py",
        options=_options(header.get("options", "")),
    )


def attacks() -> list[Attack]:
    """All attacks, by problem and options so that one judge serves neighbours, then by name."""
    found = [read_attack(p) for p in ATTACKS.iterdir() if (p.is_dir() and (p / "reason").exists()) or p.suffix == ".py"]
    return sorted(found, key=lambda a: (a.problem.name, sorted(map(str, a.options.items())), a.name))


def earned(attack: Attack, verdict: dict) -> bool:
    """Whether the verdict is one that is right for the attack."""
    if verdict["verdict"] == "accepted":
        interval = verdict.get("interval")
        return NO_WIN in attack.reasons and (interval is None or interval[0] <= WIN)
    # What is wrong in some calls only may be seen as two calls that differ, or as one kind of input that fails, by
    # which calls those were.
    differs = verdict["reason"] in ("nondeterministic", "contract") and bool(
        {"values", "stale", "late"} & attack.reasons
    )
    return (verdict["verdict"] == "refused" and differs) or verdict["reason"] in attack.reasons
