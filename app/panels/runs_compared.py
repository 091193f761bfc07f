"""Two runs set against each other: the settings in which their fits differ, and the ratios of their figures."""

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QTableWidget, QTableWidgetItem, QWidget

from app.widgets.text import set_tip
from hnn_engine.errors import shown
from hnn_engine.experiment_settings import differences
from hnn_engine.number_format import NONE, number

if TYPE_CHECKING:
    from hnn_engine.records import Run

FIGURES = (  # as the columns of the table call them
    ("Energy", "clean_energy_mse"),
    ("Error", "coord_mse"),
    ("Valid s", "valid_time"),
    ("Train", "train_loss"),
    ("Test", "test_loss"),
    ("Field", "field_mse"),
    ("In step", "in_step"),
    ("Paper energy", "energy_mse"),
)


class Row(NamedTuple):
    """A setting or a figure of both runs, and of figures the ratio of the first to the second."""

    title: str
    one: str
    other: str
    ratio: str = ""


class Compared(QTableWidget):
    """A line for each setting that differs and each figure. `name` returns what a run is called."""

    def __init__(self, name: "Callable[[Run], str]", parent: QWidget | None = None) -> None:
        super().__init__(0, 4, parent)
        self._called = name
        self.setAccessibleName("Two runs compared")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setShowGrid(False)
        self.setWordWrap(False)
        self.verticalHeader().hide()
        self.verticalHeader().setDefaultSectionSize(22)
        header = self.horizontalHeader()
        header.setHighlightSections(False)
        header.setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(3, QHeaderView.ResizeMode.ResizeToContents)
        self.setMinimumHeight(72)

    def show_runs(self, one: "Run", other: "Run") -> None:
        """Set `one` against `other`."""
        rows = compared(one, other)
        self.setHorizontalHeaderLabels(["", self._called(one), self._called(other), "Ratio"])
        self.setRowCount(len(rows))
        for i, row in enumerate(rows):
            for j, text in enumerate(row):
                item = QTableWidgetItem(shown(text))
                side = Qt.AlignmentFlag.AlignLeft if j == 0 else Qt.AlignmentFlag.AlignRight
                item.setTextAlignment(side | Qt.AlignmentFlag.AlignVCenter)
                set_tip(item, text)
                self.setItem(i, j, item)


def compared(one: "Run", other: "Run") -> list[Row]:
    """Return what to say of two runs: the settings that differ, then the figures that both have."""
    rows = [Row(found.title, found.one, found.other) for found in differences(one.experiment, other.experiment)]
    rows += [Row("Same settings", "", "")] if not rows else []
    for title, name in FIGURES:
        a, b = (getattr(run.figures, name) if run.figures is not None else None for run in (one, other))
        if a is not None or b is not None:
            rows.append(Row(title, _text(a), _text(b), _ratio(a, b)))
    rows.append(Row("Steps", str(one.steps), str(other.steps), _ratio(one.steps, other.steps)))
    rows.append(
        Row("Fit s", number(one.fit_seconds), number(other.fit_seconds), _ratio(one.fit_seconds, other.fit_seconds))
    )
    return rows


def _text(value: float | None) -> str:
    return NONE if value is None else number(float(value))


def _ratio(one: float | None, other: float | None) -> str:
    """Return one / other with two digits; a dash where one of them is missing, zero or infinite."""
    if one is None or other is None or not 0.0 < abs(one) < float("inf") or not 0.0 < abs(other) < float("inf"):
        return NONE
    return f"× {number(one / other, digits=2)}"
