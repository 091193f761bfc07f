"""Where an axis of a plot has its ticks, what is written there, and how its range grows; in windows and reports."""

import math

from hnn_engine.number_format import number, power_of_ten

Range = tuple[float, float]
_GROWTH = 1.5
_SMALL = 0.3  # data that fill less of the range than this let it shrink
_MARGIN = 0.08


def nice_ticks(low: float, high: float, room: int) -> tuple[float, list[float]]:
    """Return the spacing of ticks, 1, 2 or 5 times a power of ten, and the ticks from `low` to `high`, at most about
    `room` of them, all in the unit of the axis; none where the range is empty or not finite."""
    span = high - low
    if not (math.isfinite(span) and span > 0):
        return 1.0, []
    rough = span / max(room, 1)
    power = 10.0 ** math.floor(math.log10(rough))
    spacing = next(step * power for step in (1.0, 2.0, 5.0, 10.0) if step * power >= rough * 0.999)
    first, last = math.ceil(low / spacing - 1e-9), math.floor(high / spacing + 1e-9)
    return spacing, [index * spacing for index in range(first, last + 1)]


def log_ticks(low: float, high: float, room: int) -> tuple[float, list[float]]:
    """Return spacing and ticks, log10 like `low` and `high`: whole powers where the range holds two, else as
    `nice_ticks`. At most about `room` ticks."""
    if high - low < 2:
        return nice_ticks(low, high, room)
    step = max(1, math.ceil((high - low) / max(room, 1)))
    first = math.ceil(low / step)
    return float(step), [float(index * step) for index in range(first, math.floor(high / step) + 1)]


def tick_label(value: float, spacing: float) -> str:
    """Return the text of the tick at `value`, all ticks of one `spacing` with the same number of places: '−0.50',
    '2·10⁻⁵'."""
    if abs(value) < 1e-9 * spacing:
        return "0"
    if abs(value) >= 1e5 or spacing < 1e-3:
        return number(value)
    places = max(0, -math.floor(math.log10(spacing) + 1e-9))
    return f"{value:.{places}f}".replace("-", "−")


def log_label(value: float) -> str:
    """Return the text of a tick at log10 `value`: '10⁻³', or '3.2·10⁻⁴' between the powers."""
    if abs(value - round(value)) < 1e-6:
        return power_of_ten(round(value))
    return number(10.0**value, digits=2)


def grown(current: Range, wanted: Range) -> Range:
    """Return the range (low, high) that shows `wanted`, changed as seldom as can be; both in the unit of the axis.

    It stays while `wanted` is inside and fills at least 0.3 of it; a side that is passed moves out in steps of ×1.5;
    data that have become small are framed anew. What is not finite changes nothing.
    """
    low, high = wanted
    if not (math.isfinite(low) and math.isfinite(high)) or high < low:
        return current
    span = current[1] - current[0]
    if not span > 0 or high - low < _SMALL * span:
        return current if _holds_flat(current, wanted) else framed(wanted)
    left, right = current
    while left > low:
        left -= (_GROWTH - 1) * (right - left)
    while right < high:
        right += (_GROWTH - 1) * (right - left)
    return left, right


def framed(wanted: Range) -> Range:
    """Return `wanted`, (low, high), with a margin of 8 % of its length on both sides; a single value gets a range
    around it."""
    low, high = wanted
    margin = _MARGIN * (high - low) or max(0.1 * abs(low), 1e-6)
    return low - margin, high + margin


def _holds_flat(current: Range, wanted: Range) -> bool:
    # Data that stand still have no size to frame; they only have to be inside.
    flat = wanted[1] - wanted[0] <= 1e-9 * max(abs(wanted[0]), abs(wanted[1]), 1e-3)
    return flat and current[0] <= wanted[0] and wanted[1] <= current[1]
