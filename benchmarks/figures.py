"""Figures: percentiles, a table that says which aims were met, and progress on stderr. Nothing heavy is imported."""

import statistics
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

Figures = dict[str, Any]
Aims = Mapping[str, tuple[str, float]]  # 'interval_ms.p50' -> ('≤', 17)


class BenchmarkError(Exception):
    """A benchmark could not be run, or found what must not be."""


def say(text: str) -> None:
    """Report progress."""
    print(text, file=sys.stderr, flush=True)


def rounded(value: float, digits: int = 4) -> float:
    """Return `value` with so many significant digits."""
    return float(f"{value:.{digits}g}")


def percentile(values: Sequence[float], percent: float) -> float | None:
    """Return the percentile, linear between the sorted values; None where there are none."""
    if not values:
        return None
    ordered = sorted(values)
    place = (len(ordered) - 1) * percent / 100.0
    low = int(place)
    high = min(low + 1, len(ordered) - 1)
    return rounded(ordered[low] + (place - low) * (ordered[high] - ordered[low]))


def percentiles(values: Sequence[float], *percents: int) -> dict[str, float | None]:
    """Return {'p50': …} for each of `percents`."""
    return {f"p{percent}": percentile(values, percent) for percent in percents}


def spread(values: Sequence[float]) -> dict[str, float]:
    """Return the median and how far the values lie apart."""
    low, high = percentile(values, 25), percentile(values, 75)
    assert low is not None
    assert high is not None
    return {
        "median": rounded(statistics.median(values)),
        "p25": low,
        "p75": high,
        "min": rounded(min(values)),
        "max": rounded(max(values)),
    }


def timed(ways: Mapping[str, Callable[[], object]], runs: int) -> dict[str, float]:
    """Return the median in ms of each way, in turn, after three rounds that are not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    for _ in range(runs + 3):
        for name, work in ways.items():
            began = time.perf_counter()
            work()
            seconds[name].append(1000 * (time.perf_counter() - began))
    return {name: statistics.median(values[3:]) for name, values in seconds.items()}


def milliseconds(stamps: Sequence[float]) -> list[float]:
    """Return the gaps between successive stamps (seconds) in milliseconds."""
    return [1000.0 * (b - a) for a, b in pairwise(stamps)]


def flat(figures: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """Yield every single figure with its dotted name; lists of raw values are left to the JSON file."""
    for name, value in figures.items():
        if isinstance(value, Mapping):
            yield from flat(value, f"{prefix}{name}.")
        elif not isinstance(value, list):
            yield prefix + name, value


def table(figures: Mapping[str, Any], aims: Aims) -> str:
    """Return a table: figure, value, aim, and whether it was met."""
    rows = [(name, _text(value), *_evaluated(value, aims.get(name))) for name, value in flat(figures)]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return "\n".join(f"{n:<{widths[0]}}  {v:>{widths[1]}}  {a:<{widths[2]}}  {w}".rstrip() for n, v, a, w in rows)


def _text(value: Any) -> str:
    if value is None:
        return "–"
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:g}" if isinstance(value, float) else str(value)


def _evaluated(value: Any, aim: tuple[str, float] | None) -> tuple[str, str]:
    if aim is None:
        return "", ""
    sign, limit = aim
    met = value is not None and (value <= limit if sign == "≤" else value >= limit)
    return f"{sign} {limit:g}", "met" if met else "SHORT"
