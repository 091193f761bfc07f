"""What the numbers say of the units: where they contradict what is stated, or do not bear out what was taken."""

import math
from dataclasses import dataclass

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import shortened
from hnn_engine.recordings.columns import Columns
from hnn_engine.recordings.places import Question
from hnn_engine.recordings.plausible import (
    ALIKE,
    LONGEST_STEP,
    SHORTEST_STEP,
    TURN,
    WITHIN,
    Slope,
    compare_slope,
    counts_rows,
    jumps_like,
    probable_factor,
)
from hnn_engine.recordings.positions import fit_circle
from hnn_engine.recordings.recording import Indices
from hnn_engine.recordings.roles import Roles
from hnn_engine.recordings.table import Table

MOMENTUM = 1.05  # a momentum is taken as a velocity where it is the slope within this factor
AGREES = 0.1  # rad: an angle that goes with its positions by no more than this
FULL = 3.3  # rad: angles within this that jump by 2π were in rad, whatever the heading says


@dataclass(frozen=True, eq=False)
class Checked:
    """What is checked: rows in SI units by `columns`, and the velocity `v` that the file gives, if it gives one."""

    columns: Columns
    roles: Roles
    t: Array
    trial: Indices
    coords: Array
    v: Array | None


def check_numbers(table: Table, found: Checked, beside: Array | None) -> tuple[list[Question], list[str]]:
    """Return questions and notes on the units; `beside` are an angle (rad), x and y `(rows, 3)` of the same thing.

    What the user states is no question. Without a unit the SI is taken where the numbers agree with it, and said.
    """
    if {"time", "coordinate", "velocity"} <= found.roles.stated:
        return [], []
    verdict = _Verdict(table, found)
    verdict.velocity()
    verdict.time()
    verdict.coordinate()
    if beside is not None:
        verdict.positions(beside)
    return verdict.questions, verdict.notes


class _Verdict:
    def __init__(self, table: Table, found: Checked) -> None:
        self.table, self.found = table, found
        self.columns, self.roles = found.columns, found.roles
        self.questions: list[Question] = []
        self.notes: list[str] = []
        v = found.v
        self.slope = Slope(0.0, 0.0) if v is None else compare_slope(found.t, found.coords[:, 0], v, found.trial)

    @property
    def agrees(self) -> bool:
        """Whether a velocity of the file bears out the units of time and coordinate."""
        return self.slope.likeness > ALIKE and 1 / WITHIN <= self.slope.ratio <= WITHIN

    def _name(self, column: int | None) -> str:
        if column is None or not self.table.headings[column].name:
            return "the column" if column is None else f"column {column + 1}"
        return f"'{shortened(self.table.headings[column].text, 40)}'"

    def _ask(self, role: str, text: str, option: str) -> None:
        self.questions.append(Question(role, text, option))

    def velocity(self) -> None:
        """Hold the velocity against the slope of the coordinate."""
        columns, slope = self.columns, self.slope
        if self.found.v is None or columns.velocity is None or "velocity" in self.roles.stated:
            return
        name = self._name(columns.velocity)
        if not np.any(self.found.v):
            self._ask("velocity", f"{name} is zero throughout, and the coordinate moves", "--columns velocity=none")
        elif abs(slope.likeness) < ALIKE:
            text = f"{name} does not follow the slope of {self._name(columns.coordinate)}"
            self._ask("velocity", text, "--columns velocity=none to estimate it, or velocity=N")
        elif not self.agrees or self._is_other_momentum():
            factor = probable_factor(slope.ratio)
            text = f"{name} is {factor} times the slope of {self._name(columns.coordinate)}, as the units are read"
            self._ask(
                "velocity",
                text,
                "--columns velocity-unit=…, angle-unit=…, length-unit=… or time-unit=…, or velocity=none",
            )
        elif "velocity" in self.roles.assumed:
            unit = {"angle": "rad/s", "length": "m/s", "number": "per second"}[columns.kind]
            self.notes.append(f"the unit of {name} is not stated: {unit} agrees with the slope")

    def _is_other_momentum(self) -> bool:
        heading = self.table.headings[self.columns.velocity or 0]
        return heading.quantity == "momentum" and not 1 / MOMENTUM <= self.slope.ratio <= MOMENTUM

    def time(self) -> None:
        """Look at the time step where the unit of time is not stated."""
        columns, t = self.columns, self.found.t
        steps = np.diff(t)[np.diff(self.found.trial) == 0]
        step = float(np.median(steps)) if len(steps) else 0.0
        if columns.time is None or columns.rate:
            return
        name = self._name(columns.time)
        if "time" not in self.roles.assumed:
            if step > LONGEST_STEP and not self.agrees:
                self.notes.append(f"rows are {step:.4g} s apart, as the unit of {name} states")
            return
        if self.agrees:
            self.notes.append(f"the unit of {name} is not stated: seconds agree with the velocity")
        elif step > LONGEST_STEP or step < SHORTEST_STEP or counts_rows(t[self.found.trial == 0]):
            likely = "milliseconds or frames" if step < 1e4 else "microseconds"
            text = (
                f"the unit of {name} is not stated, and its steps of {step:.4g} are hardly seconds (probably {likely})"
            )
            self._ask("time", text, "--columns time-unit=ms, us or s, or --rate HZ where it counts frames")
        else:
            self.notes.append(f"the unit of {name} is not stated: seconds are taken")

    def coordinate(self) -> None:
        """Look at the size and the jumps of the coordinate."""
        columns, q = self.columns, self.found.coords[:, 0]
        if columns.integral or columns.y is not None or "coordinate" in self.roles.stated:
            return
        name = self._name(columns.coordinate)
        far = float(np.abs(q).max())
        if not np.ptp(q):
            self._ask("coordinate", f"{name} is constant: {q[0]:.4g}", "--columns coordinate=N for another column")
        elif "tracker" in self.roles.assumed:
            if far / (math.pi / 180) <= TURN:
                text = f"Tracker's {name} states no unit, and its {far * 180 / math.pi:.3g} may be degrees or radians"
                self._ask("coordinate", text, "--columns angle-unit=deg, or angle-unit=rad")
        elif "coordinate" in self.roles.assumed:
            self._assumed(name, q, far)
        elif columns.kind == "angle":
            self._contradicted(name, q)

    def _assumed(self, name: str, q: Array, far: float) -> None:
        """Take the SI for a coordinate without a unit, where the numbers agree with it."""
        columns = self.columns
        if columns.kind == "angle":
            jumps = jumps_like(q, self.found.trial, 360.0)
            if self.agrees and not jumps and "velocity" not in self.roles.assumed:
                self.notes.append(f"the unit of {name} is not stated: radians agree with the velocity")
            elif far > TURN:
                text = f"the unit of {name} is not stated, and values up to {far:.4g} are probably degrees"
                self._ask("coordinate", text, "--columns angle-unit=deg, or angle-unit=rad")
            else:
                self.notes.append(f"the unit of {name} is not stated: radians are taken, for it stays within ±2π")
        elif columns.kind == "length":
            if self.agrees and "velocity" not in self.roles.assumed:
                self.notes.append(f"the unit of {name} is not stated: metres agree with the velocity")
            else:
                text = f"the unit of {name} is not stated"
                self._ask("coordinate", text, "--columns length-unit=m, cm or mm, or kind=number")
        elif self.agrees or far <= TURN:
            what = "neither a unit nor a kind is stated" if columns.kind == "number" else "no unit is stated"
            self.notes.append(f"of {name} {what}: plain numbers are taken (kind=angle or kind=length says more)")
        else:
            text = f"the unit of {name} is not stated, and values up to {far:.4g} leave it open"
            self._ask("coordinate", text, "--columns angle-unit=deg, length-unit=mm or kind=number")

    def _contradicted(self, name: str, q: Array) -> None:
        """Ask where an angle's jumps show another unit than the heading states."""
        unit = self.columns.angle_unit
        if self.agrees:
            return
        if unit == "rad" and float(np.abs(q).max()) > 2 * TURN:
            turns = float(np.abs(q).max()) / TURN
            self.notes.append(f"{name} reaches {turns:.1f} turns, as its unit rad states")
        raw = q / self.columns.coordinate_factor
        if unit == "rad" and jumps_like(raw, self.found.trial, 360.0):
            self._ask(
                "coordinate", f"{name} jumps by 360 and is hardly in rad", "--columns angle-unit=deg or angle-unit=rad"
            )
        elif unit == "deg" and np.abs(raw).max() < 2 * FULL and jumps_like(raw, self.found.trial, TURN):
            self._ask(
                "coordinate", f"{name} jumps by 2π and is hardly in deg", "--columns angle-unit=rad or angle-unit=deg"
            )

    def positions(self, beside: Array) -> None:
        """Hold an angle against the positions of the same thing, about the origin or about a fitted pivot."""
        angle, x, y = beside.T
        circle = fit_circle(x, y)
        errors = []
        for left, bottom in ((0.0, 0.0), (circle.x, circle.y)):
            around = np.unwrap(np.arctan2(y - bottom, x - left))
            for sign in (1.0, -1.0):
                rest = np.unwrap(angle) - sign * around
                errors.append(float(np.abs(rest - np.median(rest)).max()))
        name = self._name(self.columns.coordinate)
        if min(errors) < AGREES:
            self.notes.append(f"{name} agrees with the positions beside it")
        elif circle.spread < 0.02 and np.ptp(angle) > AGREES:
            text = f"{name} does not agree with the positions beside it"
            self._ask("coordinate", text, "--columns angle-unit=…, or x=N,y=N for the angle of the positions")
