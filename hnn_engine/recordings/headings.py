"""What a column's heading says: its name, the run or object it belongs to, its unit, and what quantity it holds.

A quantity is the unit's where one is stated, else what the words say in one of the languages that measuring programs
write: 'time', 'frame', 'trial', 'score', 'angle', 'length', 'coordinate' (an angle or a length, or neither), the rates
of change 'velocity' and 'acceleration', 'momentum', 'force', or '' where the words are not known.
"""

import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass, replace

from hnn_engine.recordings.units import Unit, parse_unit

RATES = frozenset(("angular velocity", "velocity", "pixel velocity", "momentum"))
COORDINATES = frozenset(("angle", "length", "pixels", "coordinate"))


@dataclass(frozen=True)
class Heading:
    """A heading taken apart. `text` is the whole of it, `label` what it belongs to, as 'Run 1' or 'mass_A', `run`
    whether that counts runs, `stated` the unit as it is written, `unit` that unit where it is understood, and `axis`
    x, y or z.
    """

    text: str
    name: str
    label: str = ""
    run: bool = False
    stated: str = ""
    unit: Unit | None = None
    quantity: str = ""
    axis: str = ""

    @property
    def signature(self) -> tuple[str, str]:
        """What two runs of the same quantity have in common."""
        return self.name.casefold(), self.unit.name if self.unit else self.stated


_RUN = r"(?:run|trial|data ?set|messung|messreihe|lauf|versuch|durchgang|essai|serie|série|ensayo|prova|set)"
_BEFORE = re.compile(rf"^\s*({_RUN}\s*#?\s*\d+)[\s:_./-]+(?=\S)(.+)$", re.IGNORECASE)
_COLON = re.compile(r"^\s*([^:()\[\]]{1,40}):\s*(\S.*)$")
_AFTER = re.compile(rf"^(.+?)[\s,;:_(\[-]*({_RUN}\s*#?\s*\d+)\s*[)\]]?\s*$", re.IGNORECASE)
_RUN_LABEL = re.compile(rf"^(?:{_RUN}\s*#?\s*\d+|latest|aktuell|letzte)$", re.IGNORECASE)
_SLASHED = re.compile(r"^([\w ]*\d+)/(\S+)$")  # Trajectory 1/X
_BRACKET = re.compile(r"[(\[]([^()\[\]]*(?:\([^()]*\)[^()\[\]]*)?)[)\]]")
_OBJECTS = re.compile(r"^(?:run|trial|set|ch|channel|kanal|sensor|#)?\s*#?\d+(?:\s*[+&]\s*\d+)?$|^[xyzt]$|^[a-z]\d$")
_REMARKS = frozenset(
    ("raw", "filtered", "smoothed", "measured", "left", "right", "calculated", "calc", "fit", "relative", "absolute")
)
_DIN = re.compile(r"^(.+?)\s*/\s*(\([^()]+\)|[^\s/].*)$")
_IN = re.compile(r"^(.+?)(?:\s+in\s+|\s*,\s*)(\S+)$")
_LAST_WORD = re.compile(r"^(.*\S)[\s_]+(\S*/\S+)$")

_TAILS = {  # words at the end of a name that stand for a unit of several factors
    ("rad", "s"): "rad/s",
    ("rad", "sec"): "rad/s",
    ("deg", "s"): "deg/s",
    ("deg", "sec"): "deg/s",
    ("m", "s"): "m/s",
    ("mm", "s"): "mm/s",
    ("cm", "s"): "cm/s",
    ("m", "s2"): "m/s2",
    ("rad", "s2"): "rad/s2",
    ("rad", "per", "s"): "rad/s",
    ("deg", "per", "s"): "deg/s",
    ("rads",): "rad/s",
    ("radps",): "rad/s",
    ("degps",): "deg/s",
    ("ms2",): "m/s2",
}
_WORDS: dict[str, str] = {
    word: quantity
    for quantity, words in {
        "score": "likelihood score confidence conf probability prob quality visibility visible certainty",
        "acceleration": "acceleration accelerations accel acc beschleunigung winkelbeschleunigung aceleracion"
        " accelerazione versnelling ax ay az thetaddot xddot",
        "velocity": "velocity velocities vel speed omega ω w v vx vy vz vr vtheta thetadot xdot qdot ydot rate rates"
        " geschwindigkeit winkelgeschwindigkeit vitesse velocidad velocita snelheid hoeksnelheid gyro gyroscope"
        " gyroskop giroscopio gyrometer gx gy gz",
        "force": "force kraft fuerza forza kracht torque drehmoment moment tension thrust fx fy fz weight gewicht",
        "momentum": "momentum impuls p",
        "trial": "trial run experiment series take versuch lauf messung messreihe durchgang essai ensayo prova"
        " trajectory track individual subject",
        "time": "t time times zeit temps tiempo tempo tijd czas tid aika timestamp timestamps clock elapsed uhrzeit"
        " heure hora ora datetime seconds sec secs second sekunden secondes segundos secondi millis micros msec usec"
        " milliseconds microseconds ms us sek время 时间 時間",
        "frame": "frame frames framenumber frameno frameidx bild bildnummer image index idx sample samples row nr no"
        " number counter step n",
        "angle": "angle angles angular theta θ th ϑ phi φ ϕ winkel auslenkwinkel angulo angolo hoek kat rotation pitch"
        " roll yaw heading orientation inclination tilt neigung psi ψ",
        "alpha": "alpha α",
        "length": "x y z s position positions pos displacement distance length elongation weg ort strecke abstand hohe"
        " height posicion posizione positie deplacement distancia spostamento afstand uitwijking wegstrecke extension"
        " stretch horizontal vertical",
        "coordinate": "q auslenkung deflection amplitude coordinate coord elongacion o",
        "other": "temperature temp temperatur voltage volt current pressure druck humidity light lux sound energy ke pe"
        " mass masse battery volts note notes comment remark notiz bemerkung magnetic magnetometer h",
    }.items()
    for word in words.split()
}
_ORDER = ("score", "acceleration", "velocity", "force", "time", "angle", "alpha", "momentum", "coordinate", "length")
_SHORT = frozenset(("x", "y", "z", "s", "t", "v", "w", "p", "q", "o", "n", "no", "h", "th", "ω", "θ", "φ"))
_CLOCKS = frozenset(["millis", "micros", "msec", "usec", "milliseconds", "microseconds", "ms", "us"])
_UNIT_WORDS = frozenset(
    [
        "us",
        "μs",
        "ms",
        "ns",
        "s",
        "sec",
        "secs",
        "seconds",
        "msec",
        "usec",
        "millis",
        "micros",
        "min",
        "mins",
        "minutes",
        "deg",
        "degs",
        "degree",
        "degrees",
        "rad",
        "rads",
        "radians",
        "mrad",
        "mm",
        "cm",
        "m",
        "meters",
        "metres",
        "in",
        "inch",
        "inches",
        "ft",
        "px",
        "pix",
        "pixel",
        "pixels",
        "dps",
        "rpm",
        "rps",
        "mps",
        "rev",
        "grad",
    ]
)
_ALONE_UNITS = frozenset(
    [
        "deg",
        "degrees",
        "degree",
        "rad",
        "radians",
        "radian",
        "mrad",
        "mm",
        "cm",
        "px",
        "pixel",
        "pixels",
        "°",
        "grad",
        "sec",
        "seconds",
    ]
)


def parse_heading(text: str) -> Heading:
    """Take a column's heading apart."""
    text = " ".join(text.split())
    rest, label = _without_label(text.strip("\"' "))
    name, stated = _without_unit(rest)
    unit = parse_unit(stated) if stated else None
    words = words_of(name)
    heading = Heading(text, name or rest, label, bool(_RUN_LABEL.match(label)), stated, unit, axis=_axis(words))
    return replace(heading, quantity=_quantity(heading, words))


def labelled(heading: Heading, label: str) -> Heading:
    """Return a heading that another line says belongs to `label`."""
    return replace(heading, label=label, text=f"{label} {heading.text}", run=bool(_RUN_LABEL.match(label)))


def with_units(headings: Iterable[Heading], units: Iterable[str]) -> tuple[Heading, ...]:
    """Return headings with the units of a line of their own."""
    found = []
    for heading, stated in zip(headings, units, strict=True):
        text = stated.strip()
        if text and not heading.stated:
            inner = text.strip("()[]").strip()
            whole = f"{heading.text} ({inner})"
            heading = replace(heading, text=whole, stated=inner, unit=parse_unit(inner))
            heading = replace(heading, quantity=_quantity(heading, words_of(heading.name)))
        found.append(heading)
    return tuple(found)


def in_pixels(heading: Heading) -> Heading:
    """Return the heading of a position as one in pixels, where it states no unit."""
    position = heading.quantity == "length" and heading.axis and not heading.stated
    return replace(heading, stated="px", unit=parse_unit("px"), quantity="pixels") if position else heading


def words_of(name: str) -> list[str]:
    """Return the words of a name, lower case and without accents: 'angular', 'velocity'; 'v', 'x' of 'v_{x}'."""
    parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
    plain = unicodedata.normalize("NFKD", parted.casefold())
    return re.findall(r"[^\W\d_]+", "".join(c for c in plain if not unicodedata.combining(c)))


def _without_label(text: str) -> tuple[str, str]:
    """Return a heading without what says whose it is, and that label."""
    for pattern, at in ((_BEFORE, 1), (_SLASHED, 1)):
        found = pattern.match(text)
        if found:
            return found[2].strip(), found[at].strip()
    parted = _COLON.match(text)
    if parted and not re.match(r"^\d+$", parted[1]):
        return parted[2].strip(), parted[1].strip()
    behind = _AFTER.match(text)
    if behind and _meaning(words_of(behind[1])):
        return behind[1].strip().rstrip(",;:([").strip(), behind[2].strip()
    return text, ""


def _without_unit(text: str) -> tuple[str, str]:
    """Return a name without the unit that it states, and that unit as it is written; '' where it states none."""
    brackets = [found for found in _BRACKET.finditer(text) if found[1].strip()]
    for found in reversed(brackets):
        inner = found[1].strip()
        if parse_unit(inner) or not (_OBJECTS.match(inner.lower()) or inner.lower() in _REMARKS or _is_remark(inner)):
            return _joined(text[: found.start()], text[found.end() :]), inner
    whole = parse_unit(text)
    if whole is not None and whole.quantity != "other" and ("/" in text or text.casefold() in _ALONE_UNITS | _CLOCKS):
        return text, text
    for pattern in (_IN, _LAST_WORD, _DIN):
        parted = pattern.match(text)
        if parted and not text.startswith("/") and parse_unit(parted[2]):
            return parted[1].rstrip(" /,:"), parted[2].strip().strip("()")
    return _without_tail(text)


def _is_remark(text: str) -> bool:
    """Whether several words in brackets are no unit, for a number is among them."""
    return " " in text and bool(re.search(r"\d", text))


def _joined(before: str, after: str) -> str:
    return " ".join(f"{before} {after}".split()).rstrip(" /,:")


def _without_tail(text: str) -> tuple[str, str]:
    """Return a name without the unit that its last words are, as in 'angle_deg', 'time us', 'rate_dps' or 'timeMs'."""
    if len(text) > 1 and text[-1] in "°º":
        return text[:-1].rstrip(" _,:"), text[-1]
    words = re.findall(r"[^\W_]+", re.sub(r"(?<=[a-z])(?=[A-Z][a-z]?$|[A-Z][a-z][a-z]?$)", " ", text))
    lower = [word.casefold() for word in words]
    for length in (3, 2, 1):
        tail = tuple(lower[-length:])
        if len(lower) > length and tail in _TAILS:
            unit = _TAILS[tail]
            if _agree(_meaning(words_of(" ".join(words[:-length]))), parse_unit(unit)):
                return " ".join(words[:-length]), unit
    if len(lower) > 1 and lower[-1] in _UNIT_WORDS:
        name = " ".join(words[:-1])
        if _agree(_meaning(words_of(name)), parse_unit(words[-1])):
            return name, words[-1]
    return text, ""


def _agree(meaning: str, unit: Unit | None) -> bool:
    """Whether a word at a name's end may be its unit."""
    if unit is None:
        return False
    allowed = {
        "time": ("time",),
        "angle": ("angle",),
        "alpha": ("angle", "angular acceleration"),
        "length": ("length", "pixels"),
        "coordinate": ("angle", "length", "pixels"),
        "velocity": ("angular velocity", "velocity", "pixel velocity", "frequency"),
        "acceleration": ("acceleration", "angular acceleration"),
    }
    if meaning in allowed:
        return unit.quantity in allowed[meaning]
    return not meaning and unit.name not in ("s", "m", "in", "min")


def _meaning(words: list[str]) -> str:
    """Return the quantity that the words of a name say; '' where they say none that is known."""
    found = {_WORDS[word] for word in words if word in _WORDS}
    telling = {_WORDS[word] for word in words if word in _WORDS and word not in _SHORT}
    if "frame" in found and not telling - {"frame", "trial"}:
        return "frame"
    for quantity in _ORDER:
        if quantity in telling:
            return quantity
    if "other" in telling:
        return "other"
    for quantity in _ORDER:
        if quantity in found:
            return quantity
    if "trial" in found and len(words) == 1:
        return "trial"
    return "other" if "other" in found else ""


def _quantity(heading: Heading, words: list[str]) -> str:
    """Return what a column holds, by its unit first and by its words where there is none."""
    meaning = _meaning(words)
    unit = heading.unit
    if unit is None:
        return meaning
    if meaning == "score":
        return "score"
    if unit.quantity == "time":
        return "time" if meaning in ("time", "frame", "") or set(words) & _CLOCKS else "other"
    if unit.quantity == "frequency":
        return "angular velocity" if meaning == "velocity" else "other"
    if unit.quantity in ("angle", "length", "pixels") and meaning in ("velocity", "acceleration", "force", "time"):
        return "unclear"
    if unit.quantity in ("velocity", "angular velocity") and meaning == "acceleration":
        return "unclear"
    return unit.quantity


def _axis(words: list[str]) -> str:
    """Return which axis a name is of, as the x of 'v_{x}', 'Position x' or 'ax'."""
    for word in words:
        if word in ("x", "y", "z"):
            return word
    short = next((word for word in words if re.match(r"^[vagf][xyz]$", word)), "")
    return short[-1:]
