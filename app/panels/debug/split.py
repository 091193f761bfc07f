"""Whose error it is: the error of a rollout and the drift of its energy, split into the model's and the integrator's
part; and which method and step would do."""

from dataclasses import replace
from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtGui import QColor, QFont, QHideEvent, QShowEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHBoxLayout,
    QHeaderView,
    QStackedLayout,
    QTableWidget,
    QTableWidgetItem,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.lab import Lab
from app.panels.debug.plots import DebugPlot, Line, even_span, log10, log_span
from app.style.theme import current_theme, theme_signals
from app.widgets.elided import ElidedLabel
from app.widgets.text import set_tip
from hnn_engine.errors import shown
from hnn_engine.integrators import INTEGRATORS, get_integrator
from hnn_engine.model_colors import role_dash
from hnn_engine.number_format import number

ERROR_TIP = """x̂ − x = (x̂* − x) + (x̂ − x̂*), in rms ‖x‖ of truth
x̂: the model by the method and step chosen. x̂*: the same model followed at a tolerance of 10⁻¹². x: truth.
Wide: all of the error. The parts add up as vectors, so a part may exceed the whole. After the dashed line truth itself
is not known, and nothing is claimed."""
ENERGY_TIP = """What the energy is off by along the rollout, as a share of E: slope and swing
H: the true energy by the method and step chosen. Without the method's error: along the same model followed at 10⁻¹²;
what is left is the model's. Own Ĥ: what the model itself conserves, so that all of its drift is the method's."""
STEP_TIP = """Errors of methods and steps for this model, against the same model followed at 10⁻¹², in rms ‖x‖
Below each: evaluations of the field per second of motion. Click one to follow all models by it: one edit.
Framed: the one that is chosen. Bold: the cheapest whose error is beside that of the model."""
ROW = 42  # pixels, two lines
PAGES = ("Error", "Energy", "Step")
_PAGE_TIPS = (ERROR_TIP, ENERGY_TIP, STEP_TIP)
METHOD_DASH = (2.0, 3.0)
MOST_DRIFT = 3.0  # of E: the axis grows no further


class SplitPanel(QWidget):
    """Three pages: the error, the energy, and the table of methods and steps."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.setAccessibleName("Whose error")
        self.error = DebugPlot(lab, "Error split in parts", "t (s)", "‖·‖ / rms ‖x‖", log_y=True)
        self.energy = DebugPlot(lab, "Drift split in parts", "t (s)", "ΔH / E (%)", in_words=lambda v: number(v, "%"))
        self.table = MethodTable(lab)
        self._drawn: object = None
        self.buttons = [self._button(i, title) for i, title in enumerate(PAGES)]
        self.words = ElidedLabel()
        head = QHBoxLayout()
        head.setContentsMargins(8, 0, 12, 0)
        head.setSpacing(4)
        for button in self.buttons:
            head.addWidget(button)
        head.addSpacing(8)
        head.addWidget(self.words, 1)
        self._pages = QStackedLayout()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addLayout(self._pages, 1)
        for page in (self.error, self.energy, self.table):  # last: without a parent one would be a window for a moment
            if isinstance(page, DebugPlot):
                page.words.hide()
            self._pages.addWidget(page)
        lab.debugging.told.connect(self._on_told)
        lab.debugging.changed.connect(self.sync)
        lab.document.changed.connect(lambda *_: self.table.sync())
        self.turn_to(0)

    def _button(self, page: int, title: str) -> QToolButton:
        button = QToolButton()
        button.setText(title)
        button.setCheckable(True)
        button.setAccessibleName(f"Whose error: {title}")
        set_tip(button, _PAGE_TIPS[page])
        button.clicked.connect(lambda: self.turn_to(page))
        return button

    @property
    def page(self) -> int:
        """Which page is shown."""
        return self._pages.currentIndex()

    def turn_to(self, page: int) -> None:
        """Show a page."""
        self._pages.setCurrentIndex(page)
        for i, button in enumerate(self.buttons):
            button.setChecked(i == page)
        self._look(self.isVisible())
        self.sync()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._look(True)

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._look(False)

    def _look(self, on: bool) -> None:
        views = ("split", "methods") if self.page == 2 else ("split",)
        self.lab.debugging.look(self, views if on else ())

    def _on_told(self, view: str) -> None:
        if view in ("split", "methods"):
            self.sync()

    def sync(self) -> None:
        """Show what is known by now."""
        debugging = self.lab.debugging
        view = debugging.answer("split")
        self.words.say(self._said(view), _PAGE_TIPS[self.page])
        self.table.sync()
        if view is None:
            for plot in (self.error, self.energy):
                if plot.lines:
                    plot.clear()
            self._drawn = None
            return
        role = debugging.subject.role if debugging.subject is not None else "muted"
        if self._drawn != (view, role):
            self._drawn = (view, role)
            self._draw(view, role)

    def _said(self, view: Any) -> str:
        debugging = self.lab.debugging
        if view is None:
            return debugging.reason or debugging.problem("split") or ("Stopped." if debugging.stopped else "Following…")
        return str(view.words if self.page != 1 else drift_words(view))

    def _draw(self, view: Any, role: str) -> None:
        claimed = view.claimed
        whole, model, method = (
            np.where(claimed, log10(part), np.nan) for part in (view.whole, view.by_model, view.by_integrator)
        )
        t, dash = view.t, role_dash(role)
        parts = (
            Line("", role, t, whole, broad=True),
            Line("integrator's", "ink", t, method, METHOD_DASH),
            Line("model's", role, t, model, dash),
        )
        self.error.show_lines(parts, (0.0, float(t[-1])), log_span(whole, model, method))
        self.error.known.set_time(view.known if view.known < t[-1] else float("nan"))
        drift, exact, own = (100.0 * part for part in (view.drift, view.exact_drift, view.own_drift))
        lines = [
            Line("H by the method", role, t, drift, broad=True),
            Line("without the method's error", role, t, exact, dash),
        ]
        lines += [Line("own Ĥ", "ink", t, own, METHOD_DASH)] if len(own) else []
        low, high = even_span(drift, exact, own, least=1e-6)
        most = 100.0 * MOST_DRIFT
        self.energy.show_lines(lines, (0.0, float(t[-1])), (max(low, -most), min(high, most)))
        self.energy.known.set_time(view.known if view.known < t[-1] else float("nan"))


def drift_words(view: Any) -> str:
    """Say what of the energy's drift is the method's: slope apart from swing."""
    from hnn_engine.debugging.error_split import drift_of

    parts = []
    for name, values in (
        ("H", view.drift),
        ("without the method's error", view.exact_drift),
        ("own Ĥ", view.own_drift),
    ):
        found = drift_of(values, view.t) if len(values) else None
        if found is not None:
            slope, swing = number(100 * found.slope, "%/s", 2), number(100 * found.swing, "%", 2)
            parts.append(f"{name}: slope {slope}, swing {swing}")
    return " · ".join(parts)


class MethodTable(QTableWidget):
    """Method × step; a click chooses."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(0, 0, parent)
        self.lab = lab
        self._shown: object = None
        self._cells: dict[tuple[int, int], Any] = {}
        self.setAccessibleName("Methods and steps")
        self.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.setShowGrid(False)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        self.verticalHeader().setDefaultSectionSize(ROW)
        self.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Stretch)
        set_tip(self, STEP_TIP)
        self.cellClicked.connect(self._on_clicked)
        theme_signals.changed.connect(self._on_theme)

    def _on_theme(self) -> None:
        self._shown = None
        self.sync()

    def sync(self) -> None:
        """Show the table that is known by now."""
        view, spec = self.lab.debugging.answer("methods"), self.lab.experiment.rollout
        if self._shown == (view, spec):
            return
        self._shown = (view, spec)
        if view is None:
            self.setRowCount(0)
            self.setColumnCount(0)
            return
        names = [name for name in INTEGRATORS if any(row.integrator == name for row in view.rows)]
        steps = sorted({row.dt for row in view.rows})
        self.setRowCount(len(names))
        self.setColumnCount(len(steps))
        self.setVerticalHeaderLabels([get_integrator(name).title for name in names])
        self.setHorizontalHeaderLabels([number(dt, "s", 2) for dt in steps])
        self._cells = {}
        for i, row in enumerate(view.rows):
            place = names.index(row.integrator), steps.index(row.dt)
            self._cells[place] = row
            chosen = row.integrator == spec.integrator and abs(row.dt / spec.dt - 1) < 0.02
            self.setItem(*place, self._item(row, chosen, i == view.advised))

    def _item(self, row: Any, chosen: bool, advised: bool) -> QTableWidgetItem:
        item = QTableWidgetItem(shown(number(row.error, digits=2)) + "\n" + shown(f"{row.evaluations:.0f} f/s"))
        item.setTextAlignment(Qt.AlignmentFlag.AlignCenter)
        font = QFont(self.font())
        font.setBold(advised)
        item.setFont(font)
        theme = current_theme()
        if chosen:
            item.setBackground(theme.color("accent", 50))
        elif advised:
            item.setBackground(theme.color("hover"))
        good = np.isfinite(row.error)
        item.setForeground(QColor(theme.ink if good else theme.muted))
        words = f"{get_integrator(row.integrator).title}, {number(row.dt, 's')}: error {number(row.error)} rms ‖x‖"
        set_tip(item, words + (". The cheapest that is good enough." if advised else "."))
        return item

    def _on_clicked(self, row: int, column: int) -> None:
        found = self._cells.get((row, column))
        if found is not None:
            from hnn_engine.debugging.views import tidy_step

            new = replace(self.lab.experiment.rollout, integrator=found.integrator, dt=tidy_step(found.dt))
            self.lab.edit("Choose method and step", rollout=new)
