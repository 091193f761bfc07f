"""Which columns of a table are time, coordinate, velocity and trial: by their headings and by the numbers themselves,
never guessed where these leave a choice. What is open becomes a question.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hnn_engine.coords import Array
from hnn_engine.errors import listing, shortened
from hnn_engine.recordings.cells import ClockReader, Marks, counts_frames
from hnn_engine.recordings.columns import Stated
from hnn_engine.recordings.headings import COORDINATES, RATES
from hnn_engine.recordings.layout import CLOCK, NUMBER, WORD, to_number
from hnn_engine.recordings.plausible import ALIKE, compare_slope, counts_rows, is_constant, is_rising
from hnn_engine.recordings.table import Table, TextTable

FEW = 4  # rows for each change of what numbers the trials


@dataclass(frozen=True)
class Question:
    """What a file leaves open: of which `role`, in words, the `option` of the command line that settles it, and what to
    choose in a form, where that is not plain."""

    role: str
    text: str
    option: str
    choice: str = ""

    @property
    def sentence(self) -> str:
        """Both in one line."""
        return f"{self.text}; expected an answer: say {self.option}"


class PlaceFinder:
    """Finds one role after another; what is taken is in no other role."""

    def __init__(self, table: Table, stated: Stated) -> None:
        """Begin with nothing found of `table`."""
        self.table, self.stated = table, stated
        self.headings = table.headings
        self.notes: list[str] = []
        self.questions: list[Question] = []
        self.assumed: set[str] = set()
        self.settled: set[str] = set()
        self.values = self._sampled()
        self.runs: tuple[dict[int, int], ...] = ()  # of each further run, its column for one of the first run
        self.pool = list(range(table.width))
        self.time: int | None = None
        self.trial: int | None = None
        self.coordinate: int | None = None
        self.velocity: int | None = None
        self.frame: int | None = None

    # The numbers ------------------------------------------------------------------------------------------------------

    def _sampled(self) -> dict[int, Array]:
        """Return the first rows of every column that holds numbers or times."""
        marks = self.table.layout.marks if isinstance(self.table, TextTable) else Marks()
        found: dict[int, Array] = {}
        for column, kind in enumerate(self.table.kinds):
            cells = [row[column] for row in self.table.head]
            if kind == NUMBER:
                found[column] = np.array([to_number(cell, marks) for cell in cells])
            elif kind == CLOCK:
                read = ClockReader().seconds
                times = [read(cell) for cell in cells]
                found[column] = np.array([np.nan if time is None else time for time in times])
        with np.errstate(invalid="ignore"):
            return {c: np.where(np.abs(x) < 1e100, x, np.nan) for c, x in found.items()}

    def _has_numbers(self, column: int) -> bool:
        return column in self.values and int(np.isfinite(self.values[column]).sum()) > 1

    def _of(self, *quantities: str) -> list[int]:
        """Return the columns of the first run with numbers of one of these quantities."""
        return [c for c in self.pool if self.headings[c].quantity in quantities and self._has_numbers(c)]

    def _nameless(self, column: int) -> bool:
        heading = self.headings[column]
        return not heading.name or not self.table.named

    def _named(self, column: int) -> str:
        """Return what a column is called in a sentence."""
        heading = self.headings[column]
        text = heading.text if heading.name else f"column {column + 1}"
        return f"'{shortened(text, 40)}'"

    def _listed(self, columns: Iterable[int]) -> str:
        return listing((f"{c + 1} {self._named(c)}" for c in columns), most=4)

    def _ask(self, role: str, text: str, option: str, choice: str = "") -> None:
        self.questions.append(Question(role, text, option, choice))

    # Runs side by side ------------------------------------------------------------------------------------------------

    def _find_runs(self) -> None:
        """Find runs of the same quantities in columns beside each other: their rows become trials."""
        if {"time", "coordinate", "x"} & set(self.stated.columns):
            return
        groups = self._labelled() or self._repeated()
        if len(groups) < 2:
            return
        first, *others = groups
        telling = [c for c in first if self.headings[c].quantity in COORDINATES | {"time"} | RATES]
        maps = []
        for group in others:
            found = {a: b for a in first for b in group if self._signature(a) == self._signature(b)}
            if not any(self.headings[c].quantity in COORDINATES and c in found for c in telling):
                return
            maps.append(found)
        self.runs = tuple(maps)
        later = {c for group in others for c in group}
        self.pool = [c for c in self.pool if c not in later]

    def _signature(self, column: int) -> tuple[str, str]:
        name, unit = self.headings[column].signature
        return re.sub(r"\s*\.\d+$", "", name), unit

    def _labelled(self) -> list[list[int]]:
        groups: dict[str, list[int]] = {}
        for column, heading in enumerate(self.headings):
            if heading.run:
                groups.setdefault(heading.label.casefold(), []).append(column)
        return list(groups.values())

    def _repeated(self) -> list[list[int]]:
        """Return the columns of runs that repeat the same names, time among them, as spreadsheets join them."""
        groups: list[list[int]] = []
        seen: dict[tuple[str, str, str], int] = {}
        if not self.table.named:
            return []
        for column, heading in enumerate(self.headings):
            if not heading.name:
                continue
            key = (*self._signature(column), heading.label)
            count = seen.get(key, 0)
            seen[key] = count + 1
            while len(groups) <= count:
                groups.append([])
            groups[count].append(column)
        times = [sum(self.headings[c].quantity == "time" for c in group) for group in groups]
        return groups if len(groups) > 1 and all(times) else []

    # Time -------------------------------------------------------------------------------------------------------------

    def _find_time(self) -> None:
        columns, rate = self.stated.columns, self.stated.rate
        self.frame = next(iter(self._frames()), None)
        if columns.get("time") is not None:
            self.time = columns["time"]
            return
        if rate is not None or "time" in columns:
            if rate is None:
                self._ask("rate", "rows have no time, and no rate is stated", "--rate HZ, the rows a second")
            self.time = self.frame if rate is not None else None
            return
        self.time = self._best_time()
        if self.time is not None and self.table.kinds[self.time] == CLOCK:
            cells = [row[self.time] for row in self.table.head]
            if counts_frames(cells):
                text = f"the last two digits of the times, as in '{cells[-1]}', may count frames or hundredths"
                self._ask("rate", text, "--rate HZ, the frames a second")
            else:
                self.notes.append(f"{self._named(self.time)} holds clock times: seconds after the first are taken")
        if self.time is None:
            what = f"{self._named(self.frame)} counts frames" if self.frame is not None else "no column is a time"
            also = "" if self.frame is not None else ", or --columns time=N"
            self._ask("rate", f"{what}, and no rate is stated", f"--rate HZ, the rows a second{also}")

    def _frames(self) -> list[int]:
        """Return the columns that count frames or rows."""
        found = [c for c in self._of("frame") if is_rising(self.values[c], 0.5)]
        nameless = [c for c in self.pool if self._nameless(c) and self._has_numbers(c) and counts_rows(self.values[c])]
        return found or nameless[:1]

    def _best_time(self) -> int | None:
        named = [c for c in self._of("time") if not is_constant(self.values[c])]
        clocks = [c for c in self.pool if self.table.kinds[c] == CLOCK and self._has_numbers(c)]
        numbers = [c for c in named if self.table.kinds[c] == NUMBER]
        stated = [c for c in numbers if self.headings[c].unit is not None]
        found = list(dict.fromkeys((*stated, *clocks, *numbers)))
        if not found:
            found = [
                c
                for c in self.pool
                if self._has_numbers(c)
                and (self._nameless(c) or self.headings[c].name == "s")
                and is_rising(self.values[c])
                and not counts_rows(self.values[c])
            ][:1]
        if not found:
            return None
        others = [c for c in found[1:] if c in numbers and c not in clocks]
        if others:
            self.notes.append(f"of several times {self._named(found[0])} is taken")
        return found[0]

    # Trials -----------------------------------------------------------------------------------------------------------

    def _find_trial(self) -> None:
        if "trial" in self.stated.columns:
            self.trial = self.stated.columns["trial"]
            return
        named = [c for c in self.pool if self.headings[c].quantity == "trial" and c != self.time]
        self.trial = next((c for c in named if self._parts(c)), None)
        if self.trial is None and not self.table.named and len(self.values) > 2:
            others = [c for c in self.values if c != self.time]
            self.trial = next((c for c in others if self._counts_trials(self.values[c])), None)

    def _parts(self, column: int) -> bool:
        """Whether a column changes seldom enough to name trials, be it by numbers or by words."""
        cells = [row[column] for row in self.table.head]
        changes = sum(a != b for a, b in pairwise(cells))
        return self.table.kinds[column] in (NUMBER, WORD) and changes * FEW <= len(cells)

    def _counts_trials(self, x: Array) -> bool:
        x = x[np.isfinite(x)]
        steps = np.diff(x)
        changes = int(np.count_nonzero(steps))
        return bool((x == np.floor(x)).all() and (steps >= 0).all() and 0 < changes <= len(x) // FEW)

    # The coordinate ---------------------------------------------------------------------------------------------------

    def _find_coordinate(self) -> None:
        columns = self.stated.columns
        if self.stated.integral:
            return
        if "x" in columns or "coordinate" in columns:
            self.coordinate = columns.get("x", columns.get("coordinate"))
            return
        taken = {self.time, self.trial, self.frame, *columns.values()}
        candidates = [c for c in self._of(*COORDINATES, "alpha") if c not in taken]
        moving = [c for c in candidates if not is_constant(self.values[c])]
        if candidates and not moving:
            text = f"{self._listed(candidates)} is constant: no coordinate moves"
            self._ask("coordinate", text, "--columns coordinate=N for another column")
            self.coordinate = candidates[0]
            return
        self.coordinate = self._among(moving) if moving else self._among_nameless(taken)

    def _among(self, moving: list[int]) -> int | None:
        """Return the coordinate among columns that hold one: an angle before a position, of positions the widest."""
        angles = [c for c in moving if self.headings[c].quantity == "angle"]
        if not angles and self.table.program != "Tracker":
            angles = [c for c in moving if self.headings[c].quantity == "alpha"]
        others = [c for c in moving if self.headings[c].quantity not in ("angle", "alpha")]
        best = angles or others
        if not best:
            self._say_none()
            return None
        if len(best) == 1:
            return best[0]
        if not angles and self._are_axes(best):
            widest = max(best, key=lambda c: float(np.nanmax(self.values[c]) - np.nanmin(self.values[c])))
            if self.headings[widest].axis == "z":
                self._ask("coordinate", f"columns {self._listed(best)} are positions", "--columns coordinate=N")
            self.notes.append(f"of the positions {self._named(widest)} is taken, which moves most")
            return widest
        self._ask("coordinate", f"columns {self._listed(best)} may each be the coordinate", "--columns coordinate=N")
        return best[0]

    def _are_axes(self, columns: list[int]) -> bool:
        """Whether columns are x, y and z of one thing, in one unit."""
        axes = [self.headings[c].axis for c in columns]
        labels = {self.headings[c].label for c in columns}
        names = {re.sub(r"[xyz]", "", self.headings[c].name.casefold()) for c in columns}
        units = {self.headings[c].unit for c in columns}
        return all(axes) and len(set(axes)) == len(axes) and len(labels) == len(units) == len(names) == 1

    def _among_nameless(self, taken: set[int | None]) -> int | None:
        """Return the coordinate among columns without names: the only one, or the one whose slope another one is."""
        free = [
            c
            for c in self.pool
            if c not in taken and self._has_numbers(c) and self._nameless(c) and not self.headings[c].stated
        ]
        free = [c for c in free if not is_constant(self.values[c]) and not counts_rows(self.values[c])]
        if self.table.named:
            free = []
        if len(free) > 1:
            free = [c for c in free if not self._is_another_time(c)] or free
        if len(free) == 1:
            return free[0]
        pairs = [(c, d) for c in free for d in free if c != d and self._is_slope(c, d)]
        if pairs and len({c for c, _ in pairs}) == 1:
            return pairs[0][0]
        if free:
            self._ask("coordinate", f"columns {self._listed(free)} have no names", "--columns coordinate=N")
            return free[0]
        self._say_none()
        return None

    def _is_another_time(self, column: int) -> bool:
        """Whether a column only repeats the time, in another unit or from another start."""
        if self.time not in self.values:
            return False
        t, x = self.values[self.time], self.values[column]
        rows = np.isfinite(t) & np.isfinite(x)
        if int(rows.sum()) < 4 or is_constant(t[rows]):
            return False
        return bool(is_rising(x[rows]) and np.corrcoef(t[rows], x[rows])[0, 1] > 1 - 1e-4)

    def _is_slope(self, c: int, d: int) -> bool:
        return self._likeness(c, d) > ALIKE and 1 / 1.5 < self._ratio(c, d) < 1.5

    def _compared(self, c: int, d: int) -> tuple[float, float]:
        """Return how column `d` goes with the slope of `c`: likeness and ratio, in the file's own units."""
        t = self.values.get(self.time) if self.time is not None else None
        q, v = self.values[c], self.values[d]
        t = np.arange(len(q), dtype=np.float64) if t is None else t
        rows = np.isfinite(t) & np.isfinite(q) & np.isfinite(v)
        t, q, v = t[rows], q[rows], v[rows]
        if len(t) < 4:
            return 0.0, 0.0
        trial = np.concatenate([[0], np.cumsum(np.diff(t) <= 0)]).astype(np.int64)
        return compare_slope(t, q, v, trial)

    def _likeness(self, c: int, d: int) -> float:
        return self._compared(c, d)[0]

    def _ratio(self, c: int, d: int) -> float:
        return self._compared(c, d)[1]

    def _say_none(self) -> None:
        """Ask for the coordinate where no column holds one, and say what the columns are instead."""
        rates = self._of(*RATES)
        unknown = [c for c in self._of("", "unclear") if c not in (self.time, self.trial, self.frame)]
        others = self._of("acceleration", "angular acceleration", "force", "other")
        if unknown:
            text = f"no column is known to be an angle or a position; {self._listed(unknown)} may be"
            self._ask("coordinate", text, f"--columns coordinate={unknown[0] + 1},kind=angle, or another one")
        elif rates:
            text = f"no column holds an angle or a position, and {self._named(rates[0])} is a rate"
            option = f"--columns coordinate=integral,velocity={rates[0] + 1} to integrate it, or coordinate=N"
            self._ask("coordinate", text, option, "choose the integral of the velocity, or another column")
        elif others:
            what = f"{self._named(others[0])} is an acceleration or another quantity"
            option = "--columns coordinate=N if another column is one, or export the position"
            self._ask("coordinate", f"no column holds an angle or a position: {what}", option)
        else:
            text = "no column holds an angle or a position"
            self._ask("coordinate", text, "--columns coordinate=N, or export an angle or a position")

    # The velocity -----------------------------------------------------------------------------------------------------

    def _find_velocity(self) -> None:
        if "velocity" in self.stated.columns:
            self.velocity = self.stated.columns["velocity"]
            return
        if self.stated.integral:
            rates = self._of(*RATES)
            self.velocity = rates[0] if len(rates) == 1 else None
            if self.velocity is None:
                text = f"columns {self._listed(rates)} are rates" if rates else "no column is a rate to integrate"
                self._ask("velocity", text, "--columns coordinate=integral,velocity=N")
            return
        if self.coordinate is None or "x" in self.stated.columns:
            return
        taken = {self.time, self.trial, self.coordinate, self.frame}
        fitting = [c for c in self._of(*RATES, "momentum") if c not in taken and self._fits(c)]
        if not self.table.named:
            rest = [c for c in self.values if c not in taken and self.coordinate in self.values]
            fitting = [c for c in rest if self._is_slope(self.coordinate, c)]
        if len(fitting) > 1 and self.coordinate in self.values:
            likeness = {c: self._likeness(self.coordinate, c) for c in fitting}
            best = max(fitting, key=lambda c: likeness[c])
            fitting = [best] if likeness[best] > ALIKE else []
        self.velocity = fitting[0] if fitting else None

    def _fits(self, column: int) -> bool:
        """Whether a rate may be that of the coordinate, by quantity, axis and object."""
        rate, own = self.headings[column], self.headings[self.coordinate or 0]
        if rate.stated and rate.unit is None:
            return False
        if rate.axis and own.axis and rate.axis != own.axis:
            return False
        if rate.label and own.label and rate.label != own.label:
            return False
        wanted = {
            "angle": "angular velocity",
            "alpha": "angular velocity",
            "length": "velocity",
            "pixels": "pixel velocity",
        }
        if rate.unit is None or (own.unit is None and own.quantity in ("length", "coordinate")):
            angular = rate.quantity == "angular velocity" and own.quantity == "length"
            return not angular
        if self._kind_stated() == "angle":
            return rate.quantity == "angular velocity"
        return rate.quantity == wanted.get(own.quantity, rate.quantity)

    def _kind_stated(self) -> str:
        return self.stated.words.get("kind", "")
