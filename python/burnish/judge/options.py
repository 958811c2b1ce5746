"""The judging flags as one value; the same for optimize, eval, suite and verify."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

CONTRACTS = ("generator", "narrow", "full")  # each holds the ones before it
PRECISIONS = ("highest", "high", "medium", "ieee")
MODES = ("eval", "train")
TARGETS = ("cpu", "cuda", "metal-emulated")
FEWEST_INPUTS = 10
FINAL_PAIRS = 5


class Misuse(ValueError):
    """A flag with a value that it cannot have."""


@dataclass(frozen=True)
class Options:
    target: str = "cpu"
    inputs: int = 100
    verify_seconds: float = 20.0
    precision: str = "highest"
    contract: str = "full"
    domain: dict[str, str] = field(default_factory=dict)
    mode: str = "eval"
    deterministic: bool = False
    sandbox: bool = True
    slowest_seconds: float = 0.0  # of one eager forward, beyond which the problem is left out; 0: any
    memory_bytes: int = 0  # of a worker; 0: three quarters of what the machine has free
    timeout_seconds: float = 60.0
    load_timeout_seconds: float = 120.0
    timing_seconds: float = 0.0  # of one final timing; 0: chosen from how long a call takes

    @property
    def device(self) -> str:
        """Where workers compute: the emulator of Metal takes CPU tensors."""
        return "cuda" if self.target == "cuda" else "cpu"

    @staticmethod
    def of(flags: dict | None) -> Options:
        """From the protocol's object. Unknown flags are kept out, wrong values raise Misuse."""
        known = {f.name for f in fields(Options)}
        flags = dict(flags or {})
        if flags.pop("no_sandbox", False):
            flags["sandbox"] = False
        flags = {k: v for k, v in flags.items() if k in known and v is not None}
        domain = flags.get("domain")
        if isinstance(domain, str):
            domain = [domain]
        if isinstance(domain, list):
            pairs = [d.partition("=") for d in domain]
            if bad := [p for p in pairs if not p[1]]:
                raise Misuse(f"--domain {bad[0][0]}: write NAME=KIND")
            flags["domain"] = {name: kind for name, _, kind in pairs}
        options = Options(**flags)
        for name, allowed in (("target", TARGETS), ("precision", PRECISIONS), ("contract", CONTRACTS), ("mode", MODES)):
            if getattr(options, name) not in allowed:
                raise Misuse(f"--{name} {getattr(options, name)}: choose one of {', '.join(allowed)}")
        if options.inputs < FEWEST_INPUTS:
            raise Misuse(f"--inputs {options.inputs}: at least {FEWEST_INPUTS}")
        return options
