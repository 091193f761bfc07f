"""Units as measuring programs write them: a list of what is understood, each with its quantity and its size in SI.

A text is a product of factors, each a name with a whole exponent, as `deg/s`, `m/s²`, `rad s⁻¹` or `m/s/s`. Names stand
in `_NAMES` below and nowhere else: a name that is not there makes a text that is not understood, never one that is
guessed. docs/decisions/units-by-a-list.md says why there is no library behind it.
"""

import math
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import NamedTuple


class _Base(NamedTuple):
    """A named unit: its symbol, its size in SI, and its exponents of angle, length, time and pixel."""

    symbol: str
    factor: float
    angle: int = 0
    length: int = 0
    time: int = 0
    pixel: int = 0


@dataclass(frozen=True)
class Unit:
    """A unit that is understood: its `name`, its `quantity`, and its size in rad, m and s; 1 where it has none."""

    name: str
    quantity: str
    factor: float


_DEGREE, _TURN = math.pi / 180, 2 * math.pi
_BASES: tuple[tuple[_Base, str], ...] = (
    (
        _Base("s", 1.0, time=1),
        "s sec secs second seconds sek sekunde sekunden seconde secondes segundo segundos secondi",
    ),
    (_Base("ms", 1e-3, time=1), "ms msec msecs millis millisecond milliseconds millisekunden milisegundos"),
    (_Base("us", 1e-6, time=1), "us usec usecs micros microsecond microseconds mikrosekunden microsegundos"),
    (_Base("ns", 1e-9, time=1), "ns nsec nanos nanosecond nanoseconds"),
    (_Base("min", 60.0, time=1), "min mins minute minutes minuten minuto minutos"),
    (_Base("h", 3600.0, time=1), "h hr hrs hour hours std stunde stunden"),
    (_Base("rad", 1.0, angle=1), "rad rads radian radians radiant radianten radianes radianti"),
    (
        _Base("deg", _DEGREE, angle=1),
        "deg degs degree degrees ° º altgrad grado grados gradi degre degres degré degrés",
    ),
    (_Base("mrad", 1e-3, angle=1), "mrad milliradian milliradians"),
    (_Base("urad", 1e-6, angle=1), "urad microradian microradians"),
    (_Base("gon", math.pi / 200, angle=1), "gon gons gradian gradians"),
    (_Base("arcmin", _DEGREE / 60, angle=1), "arcmin arcmins arcminute arcminutes"),
    (_Base("arcsec", _DEGREE / 3600, angle=1), "arcsec arcsecs arcsecond arcseconds"),
    (_Base("rev", _TURN, angle=1), "rev revs revolution revolutions turn turns cycle cycles"),
    (_Base("m", 1.0, length=1), "m meter meters metre metres metro metros mètre mètres"),
    (_Base("cm", 1e-2, length=1), "cm centimeter centimeters centimetre centimetres zentimeter"),
    (_Base("mm", 1e-3, length=1), "mm millimeter millimeters millimetre millimetres"),
    (_Base("um", 1e-6, length=1), "um micron microns micrometer micrometers micrometre micrometres"),
    (_Base("nm", 1e-9, length=1), "nm nanometer nanometers nanometre nanometres"),
    (_Base("km", 1e3, length=1), "km kilometer kilometers kilometre kilometres"),
    (_Base("in", 0.0254, length=1), "in inch inches zoll"),
    (_Base("ft", 0.3048, length=1), "ft foot feet"),
    (_Base("yd", 0.9144, length=1), "yd yard yards"),
    (_Base("px", 1.0, pixel=1), "px pix pixel pixels"),
    (_Base("deg/s", _DEGREE, angle=1, time=-1), "dps"),
    (_Base("rev/min", _TURN / 60, angle=1, time=-1), "rpm"),
    (_Base("rev/s", _TURN, angle=1, time=-1), "rps"),
    (_Base("m/s", 1.0, length=1, time=-1), "mps"),
    (_Base("km/h", 1 / 3.6, length=1, time=-1), "kmh kph"),
    (_Base("mi/h", 0.44704, length=1, time=-1), "mph"),
    (_Base("1/s", 1.0, time=-1), "hz"),
)
_NAMES: Mapping[str, _Base] = {name: base for base, names in _BASES for name in names.split()}
_CASED: Mapping[str, _Base] = {"Grad": _NAMES["deg"]}  # German; what a small 'grad' is, no one can know
# Units of what is never a coordinate nor a time: force, torque, mass, field, temperature and the like.
_OTHERS = frozenset(
    [
        "n",
        "mn",
        "kn",
        "newton",
        "newtons",
        "lbf",
        "nm·n",
        "n·m",
        "n·cm",
        "n·mm",
        "newton-meter",
        "g",
        "gs",
        "gauss",
        "kg",
        "lb",
        "mg",
        "t",
        "mt",
        "ut",
        "tesla",
        "v",
        "mv",
        "volt",
        "volts",
        "a",
        "ma",
        "amp",
        "amps",
        "w",
        "mw",
        "kw",
        "watt",
        "watts",
        "j",
        "mj",
        "kj",
        "pa",
        "hpa",
        "kpa",
        "mbar",
        "bar",
        "psi",
        "atm",
        "°c",
        "°f",
        "degc",
        "degf",
        "c",
        "k",
        "kelvin",
        "celsius",
        "fahrenheit",
        "lx",
        "lux",
        "lm",
        "db",
        "dba",
        "%",
        "percent",
        "ppm",
        "ohm",
        "kohm",
        "khz",
        "mhz",
        "ph",
        "l",
        "ml",
        "mol",
        "rh",
        "count",
        "counts",
        "bpm",
        "ev",
        "vdc",
        "g's",
        "kg·m/s",
        "kg·m2/s",
    ]
)
_QUANTITIES: Mapping[tuple[int, int, int, int], str] = {
    (0, 0, 1, 0): "time",
    (1, 0, 0, 0): "angle",
    (1, 0, -1, 0): "angular velocity",
    (1, 0, -2, 0): "angular acceleration",
    (0, 1, 0, 0): "length",
    (0, 1, -1, 0): "velocity",
    (0, 1, -2, 0): "acceleration",
    (0, 0, 0, 1): "pixels",
    (0, 0, -1, 1): "pixel velocity",
    (0, 0, -1, 0): "frequency",
}
_FACTOR = re.compile(r"^([^\d+^-]+?)\.?(?:\^?([+-]?\d))?$")


@cache
def parse_unit(text: str) -> Unit | None:
    """Return the unit that `text` writes, as 'deg/s' or '[m/s²]'; None where it is not understood."""
    plain = _plain(text)
    if not plain or len(plain) > 40:
        return None
    if plain.lower() in _OTHERS:
        return Unit(text.strip().strip("()[]").strip(), "other", 1.0)
    found = _product(plain)
    if found is None:
        return _other(plain, text)
    names, factor, exponents = found
    quantity = _QUANTITIES.get(exponents)
    return Unit(_written(names), quantity, factor) if quantity else Unit(_written(names), "other", 1.0)


def units_of(quantity: str) -> tuple[str, ...]:
    """Return the names of the units of `quantity` that are understood, the SI's first."""
    if quantity == "angular velocity":
        return ("rad/s", "deg/s", "mrad/s", "rev/s", "rev/min", "deg/ms", "rad/ms", "deg/min")
    if quantity == "velocity":
        return ("m/s", "cm/s", "mm/s", "km/h", "in/s", "ft/s", "mm/ms", "m/min")
    wanted = next(exponents for exponents, name in _QUANTITIES.items() if name == quantity)
    return tuple(base.symbol for base, _ in _BASES if tuple(base[2:]) == wanted)


def _plain(text: str) -> str:
    """Return a unit with one sign for each thing: '·' between factors, '-' for minus, 'u' for micro."""
    text = unicodedata.normalize("NFKC", text).strip()
    for found, sign in (("−", "-"), ("μ", "u"), ("{", ""), ("}", ""), ("\\", ""), ("**", "^"), ("⋅", "·"), ("•", "·")):
        text = text.replace(found, sign)
    text = re.sub(r"^[(\[]\s*(.*?)\s*[)\]]$", r"\1", text)
    text = re.sub(r"\s+per\s+", "/", text)
    text = re.sub(r"\s*([/·*^])\s*", lambda found: found[1].replace("*", "·"), text)
    return re.sub(r"\s+", "·", text.strip())


def _product(plain: str) -> tuple[list[tuple[str, int]], float, tuple[int, int, int, int]] | None:
    """Return symbols with exponents, the size in SI and the exponents of the base quantities; None for what is not."""
    names: list[tuple[str, int]] = []
    factor, exponents = 1.0, [0, 0, 0, 0]
    for i, part in enumerate(plain.split("/")):
        inner = part[1:-1] if part.startswith("(") and part.endswith(")") else part
        for word in inner.split("·"):
            if word == "1" and i == 0 and "/" in plain:
                continue
            found = _FACTOR.match(word)
            base = found and (_CASED.get(found[1]) or _NAMES.get(found[1].lower()))
            if not found or not base:
                return None
            power = int(found[2] or 1) * (-1 if i else 1)
            names.append((base.symbol, power))
            factor *= base.factor**power
            exponents = [old + power * new for old, new in zip(exponents, base[2:], strict=True)]
    return names, factor, (exponents[0], exponents[1], exponents[2], exponents[3])


def _written(names: list[tuple[str, int]]) -> str:
    """Return a unit as it is shown: 'm/s²'."""
    above = "·".join(name + _raised(power) for name, power in names if power > 0) or "1"
    total: dict[str, int] = {}
    for name, power in names:
        if power < 0:
            total[name] = total.get(name, 0) - power
    return above + "".join(f"/{name}{_raised(power)}" for name, power in total.items())


def _raised(power: int) -> str:
    return "" if power == 1 else str(power).translate(str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻"))


def _other(plain: str, text: str) -> Unit | None:
    """Return a unit some factor of which is of no coordinate, as N·m or µT/s."""
    words = re.split(r"[/·]", re.sub(r"\^?-?\d", "", plain.lower()))
    known = all(word in _OTHERS or word in _NAMES for word in words) and any(word in _OTHERS for word in words)
    return Unit(text.strip().strip("()[]").strip(), "other", 1.0) if known else None
