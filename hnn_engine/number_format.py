"""How numbers are written, in the window, on the command line and in reports.

`number` is for reading, '1.3·10⁻⁴ J'; `scientific` for tables whose rows are compared, '1.31e-4' in plain text and
'1.31·10⁻⁴' by `typeset`.
"""

import math
import re

_SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
_PLAIN = str.maketrans("⁻⁰¹²³⁴⁵⁶⁷⁸⁹−,", "-0123456789-.")
_POWER = re.compile(r"(?:([\d.,]+)\s*[·×]\s*)?10([⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)")
_E_NOTATION = re.compile(r"(?<=\d)e(-?\d+)\b")
_LOW, _HIGH = 1e-3, 1e5  # outside, a power of ten is easier to read
NO_BREAK = "\u00a0"
NONE = "–"  # in the place of a figure that does not exist


def number(value: float, unit: str = "", digits: int = 3) -> str:
    """Return `value` with `digits` significant digits and its unit: '0.5 kg', '1.3·10⁻⁴ J'; ints in full."""
    text = _finite(value, digits) if math.isfinite(value) else _odd(value)
    return f"{text}{NO_BREAK}{unit}" if unit else text


def percent(fraction: float) -> str:
    """Return `fraction` in per cent with two significant digits: '0.02 %', '31 %'; from ten on 'over 1000 %'."""
    return f"over 1000{NO_BREAK}%" if fraction >= 10 else number(100 * fraction, "%", 2)


def power_of_ten(exponent: int) -> str:
    """Return 10 to `exponent` as '10⁻³'; 0 gives '1'."""
    return f"10{str(exponent).translate(_SUPERSCRIPTS)}" if exponent else "1"


def grouped(count: int) -> str:
    """Return a whole number with thin spaces between its thousands: '40 000'."""
    return f"{count:,}".replace(",", "\u202f")


def scientific(value: float | None, digits: int = 2) -> str:
    """Return `value` with `digits` decimals and its power of ten: '3.71e-2' for 0.0371, '1.63', '–' for None."""
    parts = _mantissa_and_exponent(value, digits)
    return parts if isinstance(parts, str) else f"{parts[0]}e{parts[1]}"


def typeset(value: float | None, digits: int = 2) -> str:
    """Return '3.71·10⁻²' for 0.0371, otherwise as `scientific`."""
    parts = _mantissa_and_exponent(value, digits)
    return parts if isinstance(parts, str) else f"{parts[0]}·{power_of_ten(parts[1])}"


def raised(text: str) -> str:
    """Return `text` with its numbers in e notation as `typeset` has them: 'scores 3.9e-2' gives 'scores 3.9·10⁻²'."""
    return _E_NOTATION.sub(lambda found: f"·10{str(int(found[1])).translate(_SUPERSCRIPTS)}", text)


def seconds_left(seconds: float) -> str:
    """Return how long something of `seconds` still takes, no finer than is worth reading: '8 s left', '1 h 5 min left';
    empty where that is not known."""
    if not math.isfinite(seconds) or seconds < 0:
        return ""
    if seconds < 1:
        return "almost done"
    if seconds < 90:
        return f"{_coarse(seconds)}{NO_BREAK}s left"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes}{NO_BREAK}min left"
    return f"{minutes // 60}{NO_BREAK}h {minutes % 60}{NO_BREAK}min left"


def parse(text: str) -> str:
    """Undo `number` for a text without unit: '−1.3·10⁻⁴' gives '-1.3e-4'. What is no number comes back as it was."""
    plain = _POWER.sub(_exponent, text.strip()).translate(_PLAIN)
    try:
        float(plain)
    except ValueError:
        return text.strip()
    return plain


def _exponent(match: re.Match[str]) -> str:
    return f"{match[1] or '1'}e{match[2].translate(_PLAIN)}"


def _finite(value: float, digits: int) -> str:
    if isinstance(value, int) and abs(value) < 1_000_000:
        return str(value).replace("-", "−")
    if value == 0:
        return "0"
    exponent = int(f"{value:.{digits - 1}e}".partition("e")[2])  # of the rounded value: 999.9 is 1000
    if _LOW <= abs(value) < _HIGH:
        places = max(digits - 1 - exponent, 0)
        text = f"{round(value, digits - 1 - exponent):.{places}f}"
        return _trimmed(text).replace("-", "−")
    return _scaled(value / 10.0**exponent, exponent, digits)


def _scaled(mantissa: float, exponent: int, digits: int) -> str:
    text = _trimmed(f"{mantissa:.{digits - 1}f}").replace("-", "−")
    power = power_of_ten(exponent)
    if text in ("1", "−1"):
        return text.replace("1", power)
    return f"{text}·{power}"


def _trimmed(text: str) -> str:
    return text.rstrip("0").rstrip(".") if "." in text else text


def _odd(value: float) -> str:
    if math.isnan(value):
        return NONE
    return "∞" if value > 0 else "−∞"


def _coarse(seconds: float) -> int:
    return round(seconds) if seconds < 20 else 5 * round(seconds / 5)


def _mantissa_and_exponent(value: float | None, digits: int) -> tuple[str, int] | str:
    if value is None:
        return NONE
    if not math.isfinite(value):
        return "∞"
    if value == 0:
        return "0"
    factor, exponent = f"{value:.{digits}e}".split("e")
    return (factor, int(exponent)) if int(exponent) else factor
