"""A verdict as `burnish eval --json` prints it; what was not measured is null."""

from __future__ import annotations

from dataclasses import dataclass, field

from burnish.judge.ladder import Tally
from burnish.judge.reasons import verdict_of
from burnish.judge.timing import Timing
from burnish.judge.yardstick import Finding

MOST_SAMPLES = 4000  # of a side that travel with a verdict


@dataclass
class Verdict:
    reason: str
    detail: dict | None = None
    speedup: float | None = None
    interval: list[float] | None = None
    flat: bool | None = None
    contract: str | None = None
    error: dict | None = None
    peak_bytes: int | None = None
    seconds: dict[str, float] = field(default_factory=dict)
    inputs: int = 0
    notes: list[str] = field(default_factory=list)
    samples: dict[str, list] = field(default_factory=lambda: {"reference": [], "candidate": []})
    seeds: dict[str, str] = field(default_factory=dict)
    win: bool = False
    extra: dict = field(default_factory=dict)

    def to_json(self) -> dict:
        out = {
            "verdict": verdict_of(self.reason),
            **{k: v for k, v in self.__dict__.items() if k != "extra"},
            **self.extra,
        }
        out["seconds"] = {k: round(v, 4) for k, v in self.seconds.items()}
        return out

    def refuse(self, finding: Finding) -> Verdict:
        self.reason, self.detail = finding.reason, finding.detail()
        self.speedup = self.interval = None
        self.win = False
        return self

    def take_tally(self, tally: Tally, contract: str | None, eager_error: float | None) -> None:
        self.flat, self.contract, self.inputs = tally.flat, contract, tally.inputs
        if tally.error is not None or eager_error is not None:
            self.error = {"candidate": tally.error, "eager": eager_error}
        self.peak_bytes = tally.peak_bytes or None
        self.seconds["verify"] = tally.seconds
        self.notes += [n for n in tally.notes if n not in self.notes]

    def take_timing(self, timing: Timing) -> None:
        if not timing.pairs:
            return
        self.speedup = timing.speedup
        self.interval = list(timing.interval())
        self.win = timing.win
        self.seconds["time"] = self.seconds.get("time", 0.0) + timing.seconds
        self.samples = {"reference": _thin(timing.reference), "candidate": _thin(timing.candidate)}
        self.extra["call_seconds"] = dict(zip(("reference", "candidate"), timing.call_seconds, strict=True))
        self.extra["sampled"] = timing.sampled


def _thin(pairs: list[list[float]]) -> list[list[float]]:
    most = MOST_SAMPLES // max(1, len(pairs))
    return [[float(f"{s:.4g}") for s in p[:: max(1, -(-len(p) // most))]] for p in pairs]
