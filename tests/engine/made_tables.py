"""Tables made up from a known motion, written in the many ways that measuring programs and people have."""

import math
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt
from hypothesis import strategies as st

Array = npt.NDArray[np.float64]
ANGLES = {
    "rad": 1.0, "radians": 1.0, "deg": math.pi / 180, "degrees": math.pi / 180, "°": math.pi / 180,
    "Grad": math.pi / 180,
    "deg.": math.pi / 180, "mrad": 1e-3, "rev": 2 * math.pi,
}  # fmt: skip
LENGTHS = {"m": 1.0, "cm": 0.01, "mm": 1e-3, "in": 0.0254, "ft": 0.3048, "inches": 0.0254, "metres": 1.0}
TIMES = {"s": 1.0, "sec": 1.0, "ms": 1e-3, "msec": 1e-3, "us": 1e-6, "µs": 1e-6, "min": 60.0, "seconds": 1.0}
TURNS = {
    "rad/s": 1.0, "deg/s": math.pi / 180, "°/s": math.pi / 180, "dps": math.pi / 180, "rad s⁻¹": 1.0, "mrad/s": 1e-3,
    "rpm": 2 * math.pi / 60, "rad s^-1": 1.0, "degrees/s": math.pi / 180, "1/s": 1.0,
}  # fmt: skip
SPEEDS = {"m/s": 1.0, "cm/s": 0.01, "mm/s": 1e-3, "m s⁻¹": 1.0, "in/s": 0.0254, "m/sec": 1.0, "km/h": 1 / 3.6}
TIME_NAMES = ("t", "time", "Time", "Zeit", "Temps", "Tiempo", "Elapsed Time", "TIME", "Tempo")
ANGLE_NAMES = ("angle", "theta", "θ", "Winkel", "Ángulo", "Angular Position", "phi", "Angle position", "Angolo")
LENGTH_NAMES = ("x", "Position", "Weg", "displacement", "Position x", "Distance", "height", "Posición")
TURN_NAMES = (
    "omega",
    "ω",
    "Angular Velocity",
    "angular velocity",
    "Winkelgeschwindigkeit",
    "gyro",
    "Velocità angolare",
)
SPEED_NAMES = ("v", "Velocity", "velocity", "speed", "Geschwindigkeit", "Vitesse")
OTHERS = (
    ("Force (N)", 3.0), ("Angular acceleration (rad/s²)", 8.0), ("Acceleration (m/s^2)", 5.0), ("likelihood", 0.01),
    ("temp (°C)", 2.0), ("Voltage (V)", 1.0), ("Torque (N·m)", 0.2), ("note", 0.0), ("Magnetic field (µT)", 30.0),
)  # fmt: skip
BEFORE = (
    (), ("Pendulum, run of 3 May 2024",), ("Sample Rate{d}100.0", "Record Length{d}240"), ("Length (m){d}0.994", ""),
    ("Initializing MPU6050...", "Done! Offsets: 12"), ("# written by a logger", "# 30 Hz"), ("Date:{d}2024",),
)  # fmt: skip

FORMS = (
    "{n} ({u})",
    "{n} [{u}]",
    "{n}({u})",
    "{n} / {u}",
    "{n} in {u}",
    "row",
    "{n} ({u})",
    "{n}_{u}",
    "{n} {u}",
    "{n}",
)
SI = {"angle": ("s", "rad", "rad/s"), "length": ("s", "m", "m/s")}
TAILS = {"s", "sec", "ms", "msec", "us", "seconds", "rad", "deg", "mrad", "m", "cm", "mm", "inches", "dps", "rpm"}


@dataclass(frozen=True, repr=False)
class Made:
    """A table as text, and what it was made from: rows `(N,)` in s, rad or m, and per s, and the trial of each."""

    text: str
    kind: str
    t: Array
    q: Array
    v: Array
    trial: npt.NDArray[np.int64]
    has_velocity: bool
    stated: bool  # time, coordinate and velocity with units, in the heading
    spare: int = 0  # rows that the reader may leave out
    how: dict[str, object] = field(default_factory=dict)

    def __repr__(self) -> str:
        """Show how it was made, and its first lines."""
        return f"Made({self.how}, {self.text.splitlines()[:12]})"


@st.composite
def made_tables(draw: st.DrawFn) -> Made:
    """Draw a table."""
    kind = draw(st.sampled_from(("angle", "length")))
    rows, trials = draw(st.integers(60, 160)), draw(st.sampled_from((1, 1, 1, 2, 3)))
    step, frequency = draw(st.sampled_from((0.01, 1 / 30, 0.02, 0.05))), draw(st.floats(1.5, 6.0))
    size, damping = draw(st.floats(0.2, 1.4)), draw(st.floats(0.0, 0.2))
    phase = draw(st.floats(0, 6))
    times, angles, speeds, numbers = [], [], [], []
    for trial in range(trials):
        t = np.arange(rows) * step
        q = size * np.exp(-damping * t) * np.cos(frequency * t + phase + trial)
        v = (
            -size
            * np.exp(-damping * t)
            * (frequency * np.sin(frequency * t + phase + trial) + damping * np.cos(frequency * t + phase + trial))
        )
        times.append(t)
        angles.append(q)
        speeds.append(v)
        numbers.append(np.full(rows, trial))
    t, q, v, trial_of = map(np.concatenate, (times, angles, speeds, numbers))
    return _written(draw, kind, t, q, v, trial_of.astype(np.int64), trials)


def _written(
    draw: st.DrawFn, kind: str, t: Array, q: Array, v: Array, trial: npt.NDArray[np.int64], trials: int
) -> Made:
    mark = draw(st.sampled_from((",", ";", "\t", ";")))
    comma = mark != "," and draw(st.booleans())
    has_velocity = draw(st.booleans())
    units, names = (ANGLES, ANGLE_NAMES) if kind == "angle" else (LENGTHS, LENGTH_NAMES)
    rates, rate_names = (TURNS, TURN_NAMES) if kind == "angle" else (SPEEDS, SPEED_NAMES)
    time_unit, unit, rate = (draw(st.sampled_from(sorted(table))) for table in (TIMES, units, rates))
    form = draw(st.sampled_from(FORMS))
    if form == "{n}":  # no units: what is in the SI may be read so, all else is to be asked
        time_unit, unit, rate = (
            draw(st.sampled_from((had, si))) for had, si in zip((time_unit, unit, rate), SI[kind], strict=True)
        )
        unit = SI[kind][1] if unit == "rev" else unit  # within ±2π as well
        time_unit = "s" if time_unit == "min" else time_unit  # steps of 0.0005 may be seconds
        rate = SI[kind][2] if rate in ("km/h", "in/s") else rate  # within a factor 2 of another unit's slope
    if form == "{n}_{u}" and not {time_unit, unit, rate} <= TAILS:
        form = "{n} ({u})"
    label = draw(st.sampled_from(("", "Run 1: ", "Latest: ", "Data Set 1:", "Trial 1 "))) if trials == 1 else ""
    if form != "row" and "{n} in" in form and (unit in ("in", "°") or rate in ("1/s",)):
        form = "{n} ({u})"
    if form in ("{n} / {u}", "{n} {u}") and (" " in rate or "/" in rate or time_unit == "min"):
        form = "{n} ({u})"
    columns: list[tuple[str, str, list[str]]] = [
        (draw(st.sampled_from(TIME_NAMES)), time_unit, _cells(t / TIMES[time_unit], comma, 9)),
        (draw(st.sampled_from(names)), unit, _cells(q / units[unit], comma, 8)),
    ]
    if has_velocity:
        columns.append((draw(st.sampled_from(rate_names)), rate, _cells(v / rates[rate], comma, 8)))
    separate = draw(st.sampled_from(("restart", "blank", "header", "column"))) if trials > 1 else ""
    if separate == "column":
        columns.append(("run", "", [f"{number + 1}" for number in trial]))
    noise = np.random.default_rng(3).normal(size=len(t))
    for name, scale in draw(st.lists(st.sampled_from(OTHERS), max_size=2, unique=True)):
        cells = _cells(scale * noise, comma, 6) if scale else ["" if i % 3 else "seen" for i in range(len(t))]
        columns.append((name, "given", cells))
    lost = draw(st.sampled_from(("", "", "empty", "dash", "n/a", "NaN")))
    gone = sorted(draw(st.sets(st.integers(8, len(t) - 9), max_size=4))) if lost else []
    for row in gone:
        columns[1][2][row] = {"empty": "", "dash": "-", "n/a": "n/a", "NaN": "NaN"}[lost]
    order = draw(st.permutations(range(len(columns))))
    heads = [_head(form, name, unit, label) for name, unit, _ in columns]
    header = [mark.join(heads[i] for i in order)]
    if form == "row":
        header.append(mark.join("" if columns[i][1] == "given" else columns[i][1] for i in order))
    lines: list[str] = []
    for row in range(len(t)):
        if row and trial[row] != trial[row - 1]:
            lines += {"blank": [""], "header": header}.get(separate, [])
        lines.append(mark.join(columns[i][2][row] for i in order))
    before = [line.format(d=mark) for line in draw(st.sampled_from(BEFORE))]
    quoted = mark != " " and draw(st.sampled_from((False, False, True)))
    trailing = draw(st.sampled_from(("", "", mark)))
    foot = draw(st.sampled_from(("", "", "Mean" + mark * (len(columns) - 1), mark * (len(columns) - 1))))
    minus = draw(st.booleans())
    if quoted:
        header, lines = ([_quoted(line, mark) for line in part] for part in (header, lines))
    header, lines = ([line + trailing if line else "" for line in part] for part in (header, lines))
    text = "\n".join([*before, *header, *lines, foot]) + "\n"
    kept = np.setdiff1d(np.arange(len(t)), gone)
    return Made(
        text.replace("-", "\u2212") if minus and "e-" not in text and lost != "dash" and not any(before) else text,
        kind, t[kept], q[kept], v[kept], trial[kept], has_velocity, form != "{n}",
        how={"form": form, "separate": separate, "lost": lost, "mark": mark, "units": (time_unit, unit, rate)},
    )  # fmt: skip


def _head(form: str, name: str, unit: str, label: str) -> str:
    if unit == "given" or not unit:
        return name if not label or unit == "given" else f"{label}{name}"
    return f"{label}{name}" if form == "row" else label + form.format(n=name, u=unit)


def _quoted(line: str, mark: str) -> str:
    return mark.join(f'"{cell}"' for cell in line.split(mark)) if line else ""


def _cells(values: Array, comma: bool, digits: int) -> list[str]:
    texts = [f"{value:.{digits}g}" for value in values]
    return [text.replace(".", ",") for text in texts] if comma else texts
