"""Numbers as the table writes them: '3.71e-2' in plain text, '3.71·10⁻²' on a page."""

import math
import re

NONE = "–"
_PLAIN = re.compile(r"(?<=\d)e(-?\d+)\b")
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int = 2) -> str:
    """Return '3.71e-2' for 0.0371 with `digits` behind the point, '1.63' without a power; '–' for None."""
    parts = _parts(value, digits)
    return parts if isinstance(parts, str) else f"{parts[0]}e{parts[1]}"


def typeset(value: float | None, digits: int = 2) -> str:
    """Return '3.71·10⁻²' for 0.0371, otherwise as `number`."""
    parts = _parts(value, digits)
    return parts if isinstance(parts, str) else f"{parts[0]}·{power(parts[1])}"


def raised(text: str) -> str:
    """Return `text` with its plain numbers as `typeset` has them: 'scores 3.9e-2' becomes 'scores 3.9·10⁻²'."""
    return _PLAIN.sub(lambda found: f"·{power(int(found[1]))}", text)


def tick_label(value: float) -> str:
    """Return the text of a tick: '10⁻³' for a power, else '0.035' where that is short, or '3.5·10⁻⁴'."""
    factor, exponent = f"{value:.1e}".split("e")
    if factor == "1.0":
        return power(int(exponent))
    return f"{value:.3g}" if 1e-3 <= abs(value) < 1e4 else f"{factor.removesuffix('.0')}·{power(int(exponent))}"


def _parts(value: float | None, digits: int) -> tuple[str, int] | str:
    if value is None:
        return NONE
    if not math.isfinite(value):
        return "∞"
    if value == 0:
        return "0"
    factor, exponent = f"{value:.{digits}e}".split("e")
    return (factor, int(exponent)) if int(exponent) else factor


def power(exponent: int) -> str:
    """Return '10⁻³'."""
    return "10" + str(exponent).translate(_RAISED)
