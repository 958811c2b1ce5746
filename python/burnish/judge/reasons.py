"""The words of a verdict. docs/reasons.md explains each with what to do."""

ACCEPTED = ("ok", "trivial", "saturated")
REFUSED = (
    "compile",
    "object",
    "crash",
    "timeout",
    "memory",
    "resources",
    "protocol",
    "structure",
    "shape",
    "dtype",
    "device",
    "values",
    "nan",
    "precision",
    "contract",
    "nondeterministic",
    "aliasing",
    "input-changed",
    "parameter-changed",
    "parameters",
    "stale",
    "late",
    "out-of-bounds",
    "kernel",
    "prepare-budget",
)
ERRORS = (
    "file",
    "import",
    "model",
    "inputs",
    "random",
    "stateful",
    "training-mode",
    "unsupported",
    "too-large",
    "too-slow",
    "plan",
    "environment",
)
NUMERIC = ("values", "nan", "precision")  # what a narrower contract may forgive


def verdict_of(reason: str) -> str:
    if reason in ACCEPTED:
        return "accepted"
    return "error" if reason in ERRORS else "refused"


def known(reason: str) -> str:
    """A worker's word, if it is one that refuses; anything else is a lie of the worker: `protocol`."""
    return reason if reason in REFUSED or reason in ("plan", "file", "environment") else "protocol"
