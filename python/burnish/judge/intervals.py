"""The ratio of two sets of timings and how sure it is.

A round times the twins A B B A and then B A A B, so that a drift of the machine and what a switch costs fall on both;
its ratio is the geometric mean of the two (A + A) / (B + B).
The estimate of a pair of processes is the median of its rounds' ratios, the estimate of the whole the median of the
pairs'. Why the median of paired ratios and not a ratio of trimmed means: a neighbour on the machine hits single rounds,
up to half of them, by factors, and a trimmed mean of the calls carries that in full once more than the trimmed share is
hit; the pairing takes out slow drift, which the trimmed mean does not. docs/judging.md has the numbers.

The bootstrap draws pairs, then rounds within each. Few pairs make it too sure of itself (with five, the spread between
pairs comes out a factor sqrt(4/5) too small, and its tails are those of the normal distribution): the interval is
widened by what Student's t says of that many pairs. That costs a factor of two or more in width. From eight pairs on
nothing has to be assumed: the median of what pairs give lies between the smallest and the largest of eight with
probability 1 - 2^-7 = 99.2%, whatever its distribution (David and Nagaraja, Order Statistics, section 7.1), so the
interval goes from one order statistic to another. `timing.measure` asks for eight or twelve where five do not tell.
"""

from __future__ import annotations

import math
import random
import statistics
from collections.abc import Sequence

CONFIDENCE = 0.99
DRAWS = 2000
WIN = 1.02  # the lower bound has to be above this

# t(0.995, n - 1) / z(0.995) * sqrt(n / (n - 1)): what the spread between n pairs is widened by. One pair says nothing
# of it.
_STUDENT = {2: 63.657, 3: 9.925, 4: 5.841, 5: 4.604, 6: 4.032, 7: 3.707, 8: 3.499, 9: 3.355, 10: 3.250}
_Z = 2.5758


def widening(pairs: int) -> float:
    if pairs < 2:
        return 1.0
    t = _STUDENT.get(pairs, 3.25 if pairs < 16 else 2.9)
    return t / _Z * (pairs / (pairs - 1)) ** 0.5


def ratio(pairs: Sequence[Sequence[float]]) -> float:
    """The estimate from the ratios of the rounds of each pair."""
    return statistics.median([statistics.median(p) for p in pairs])


def interval(pairs: Sequence[Sequence[float]], seed: int = 0, draws: int = DRAWS) -> tuple[float, float]:
    """The CONFIDENCE interval of `ratio`. It always holds the estimate."""
    middle = ratio(pairs)
    if (rank := _rank(len(pairs))) > 0:
        ordered = sorted(statistics.median(p) for p in pairs)
        return ordered[rank - 1], ordered[-rank]
    if len(pairs) == 1 and len(pairs[0]) == 1:
        return (0.0, float("inf"))
    rng = random.Random(seed)
    chosen = []
    medians = [_resampled(p, rng) for p in pairs]
    for _ in range(draws):
        drawn = [medians[rng.randrange(len(pairs))]() for _ in pairs]
        chosen.append(statistics.median(drawn))
    chosen.sort()
    tail = (1 - CONFIDENCE) / 2
    low, high = chosen[int(tail * draws)], chosen[min(draws - 1, int((1 - tail) * draws))]
    centres = [statistics.median(p) for p in pairs]
    if len(pairs) >= 3:
        half = widening(len(pairs)) * _Z * _robust_spread(centres) / len(pairs) ** 0.5
        low, high = min(low, middle - half), max(high, middle + half)
    return (max(0.0, min(low, middle)), max(high, middle))


def _rank(pairs: int) -> int:
    """The r for which the median lies between the r-th smallest and the r-th largest of that many values with at least
    CONFIDENCE; 0 where they are too few. The number below the median is binomial with p = 1/2."""
    outside, rank = 0.0, 0
    while True:
        outside += 2 * math.comb(pairs, rank) / 2**pairs
        if outside > 1 - CONFIDENCE:
            return rank
        rank += 1


def _robust_spread(values: Sequence[float]) -> float:
    """A standard deviation from the middle half, so that one bad pair of processes does not hide a real win."""
    middle = statistics.median(values)
    deviations = sorted(abs(v - middle) for v in values)
    return 1.4826 * statistics.median(deviations)


def _resampled(rounds: Sequence[float], rng: random.Random):
    """A function that draws a bootstrap median of `rounds`: the order statistic of a binomial index, not a whole
    resample."""
    ordered, n = sorted(rounds), len(rounds)

    def draw() -> float:
        picked = sorted(rng.choices(range(n), k=n)) if n <= 64 else None
        if picked is not None:
            half = n // 2
            return ordered[picked[half]] if n % 2 else (ordered[picked[half - 1]] + ordered[picked[half]]) / 2
        at = min(n - 1, max(0, round(rng.gauss(n / 2, n**0.5 / 2))))
        return ordered[at]

    return draw
