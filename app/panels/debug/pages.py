"""The views of the gallery: each draws what the engine found for it, and says it in a sentence."""

from typing import Any

import numpy as np
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractItemView,
    QComboBox,
    QHeaderView,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.lab import Lab
from app.model.rollout_messages import Blob, Mark
from app.panels.debug.plots import DebugPlot, Line, even_span, log10, log_span
from app.widgets.text import quiet_label, set_tip
from hnn_engine.errors import shown
from hnn_engine.model_colors import role_dash
from hnn_engine.number_format import number, seconds_left

METHOD_DASH = (2.0, 3.0)
TRUTH, MODEL = "truth", "model"


class Page(QWidget):
    """A view; `show_view` draws what was found, of the model whose curves have `role` and whose name is `title`."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.column = QVBoxLayout(self)
        self.column.setContentsMargins(0, 0, 0, 0)
        self.column.setSpacing(0)

    def show_view(self, view: Any, role: str, title: str) -> None:
        """Draw `view`."""
        raise NotImplementedError

    def clear(self) -> None:
        """Show nothing."""
        raise NotImplementedError


class ConservedPage(Page):
    """What is conserved: its change from the start along truth and along the model, as a share of its scale."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(lab, parent)
        self.choice = QComboBox()
        self.choice.setAccessibleName("Conserved quantity")
        set_tip(self.choice, "Which quantity is shown: H, the model's Ĥ, and what else the system conserves")
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.choice.activated.connect(self._draw)
        self.plot = DebugPlot(lab, "Conserved quantity", "t (s)", "change (%)", in_words=lambda v: number(v, "%"))
        self.column.addWidget(self.choice, 0, Qt.AlignmentFlag.AlignLeft)
        self.column.addWidget(self.plot, 1)
        self._view: Any = None
        self._role = self._title = ""

    def show_view(self, view: Any, role: str, title: str) -> None:
        before = self.choice.currentText()
        self._view, self._role, self._title = view, role, title
        self.choice.clear()
        self.choice.addItems([one.name for one in view.quantities])
        self.choice.setCurrentIndex(max(self.choice.findText(before), 0))
        self.choice.setVisible(True)
        self._draw()

    def clear(self) -> None:
        self._view = None
        self.choice.hide()
        self.plot.clear()
        self.plot.say("")

    def _draw(self) -> None:
        if self._view is None:
            return
        found = self._view.quantities[max(self.choice.currentIndex(), 0)]
        t, share = self._view.t, 100.0 / found.scale
        lines = [] if found.own else [Line("Truth", TRUTH, t, share * found.truth)]
        lines += [
            Line("", self._role, t, share * found.model, broad=True),
            Line(self._title, self._role, t, share * found.exact, role_dash(self._role)),
        ]
        self.plot.plot.set_labels("t (s)", f"Δ{found.name} / {number(found.scale, found.unit, 2)} (%)")
        span = even_span(*(line.y for line in lines), least=1e-6)
        self.plot.show_lines(lines, (0.0, float(t[-1])), (max(span[0], -300.0), min(span[1], 300.0)))
        tip = "Wide: by the method and step chosen. Thin: the same model without the method's error."
        self.plot.say(found.words, tip)


class FlowPage(Page):
    """det M and ‖MᵀJM − J‖ over time."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(lab, parent)
        self.volume = DebugPlot(lab, "Phase volume", "t (s)", "det M", in_words=lambda v: number(v, digits=4))
        self.defect = DebugPlot(lab, "Symplectic defect", "t (s)", "‖MᵀJM − J‖ / ‖J‖", log_y=True)
        self.defect.words.hide()
        self.column.addWidget(self.volume, 1)
        self.column.addWidget(self.defect, 1)

    def show_view(self, view: Any, role: str, title: str) -> None:
        volumes, defects = [], []
        for name, t, det, defect in zip(view.names, view.t, view.determinant, view.defect, strict=True):
            own, called = (TRUTH, "Truth") if name == TRUTH else (role, title)
            volumes.append(Line(called, own, t, det, role_dash(own)))
            defects.append(Line(called, own, t[1:], log10(np.maximum(defect[1:], 1e-16)), role_dash(own)))
        end = max(float(t[-1]) for t in view.t)
        low, high = even_span(*(line.y for line in volumes))
        self.volume.show_lines(volumes, (0.0, end), (min(low, 0.9), min(max(high, 1.1), 1e3)))
        self.defect.show_lines(defects, (0.0, end), log_span(*(line.y for line in defects), least=-12.0))
        tip = (
            "M = ∂x(t)/∂x(0). det M: by how much a small volume of phase space has grown; 1 for every Hamiltonian "
            "flow, e^(−γ·dof·t) with friction. ‖MᵀJM − J‖/‖J‖ is 0 where the flow is symplectic. Outlines in the "
            "portrait: a blob around the start, carried along."
        )
        if view.step is not None:
            tip += f" One step of the chosen method: {number(view.step, digits=2)}."
        self.volume.say(view.words, tip)
        roles = [TRUTH if name == TRUTH else role for name in view.names]
        pairs = zip(roles, view.outlines, strict=True)
        self.lab.carried.emit(tuple(Blob(own, view.outline_t, outline) for own, outline in pairs))

    def clear(self) -> None:
        self.lab.carried.emit(())
        self.volume.clear()
        self.defect.clear()
        self.volume.say("")


class GrowthPage(Page):
    """The Lyapunov exponents as they converge."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(lab, parent)
        self.plot = DebugPlot(
            lab,
            "Lyapunov exponents",
            "t (s)",
            "λ (1/s)",
            log_x=True,
            over_time=False,
            in_words=lambda v: number(v, "/s"),
        )
        self.column.addWidget(self.plot, 1)

    def show_view(self, view: Any, role: str, title: str) -> None:
        lines = []
        for name, spectrum in zip(view.names, view.spectra, strict=True):
            own, called = (TRUTH, "Truth") if name == TRUTH else (role, title)
            for i, values in enumerate(spectrum.estimates.T):
                lines.append(Line(called if i == 0 else "", own, log10(spectrum.t), values, role_dash(own)))
        first = min(float(line.x[0]) for line in lines)
        last = max(float(line.x[-1]) for line in lines)
        late = [line.y[len(line.y) // 10 :] for line in lines]  # the first estimates are far off
        low, high = even_span(*late, least=1e-3)
        self.plot.show_lines(lines, (first, last), (1.1 * low, 1.1 * high))
        tip = (
            "How fast small differences grow along the motion from the start, by Benettin's method; estimates up to "
            "each time. Regular motion: all fall towards 0 like ln t/t. Of a Hamiltonian flow they come in pairs ±λ."
        )
        self.plot.say(view.words, tip)

    def clear(self) -> None:
        self.plot.clear()
        self.plot.say("")


class FixedPointsPage(Page):
    """States of rest of truth and of the model in a table, and marked in the portrait."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(lab, parent)
        self.words = quiet_label()
        self.words.setContentsMargins(12, 2, 12, 2)
        self.table = QTableWidget(0, 5)
        self.table.setAccessibleName("Fixed points")
        self.table.setHorizontalHeaderLabels(["Of", "At", "Kind", "H (J)", "Eigenvalues (1/s)"])
        self.table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        self.table.setSelectionMode(QAbstractItemView.SelectionMode.NoSelection)
        self.table.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        self.table.setShowGrid(False)
        self.table.verticalHeader().hide()
        self.table.verticalHeader().setDefaultSectionSize(24)
        self.table.horizontalHeader().setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        self.table.horizontalHeader().setStretchLastSection(True)
        self.column.addWidget(self.words)
        self.column.addWidget(self.table, 1)

    def show_view(self, view: Any, role: str, title: str) -> None:
        points = view.points
        matched = dict(points.matches)
        rows, marks = [], []
        for i, one in enumerate(points.truth):
            lost = i not in matched
            rows.append(("Truth" + (" (lost)" if lost else ""), one, lost))
            if lost:
                marks.append(Mark(one.at, TRUTH, f"lost {one.kind}", one.stable))
        kept = set(matched.values())
        for j, one in enumerate(points.model):
            invented = j not in kept
            rows.append((title + (" (invented)" if invented else ""), one, invented))
            text = f"invented {one.kind}" if invented else one.kind
            marks.append(Mark(one.at, role, text, one.stable))
        self.table.setRowCount(len(rows))
        for i, (whose, one, odd) in enumerate(rows):
            self._fill(i, whose, one, odd)
        self.words.setText(view.words)
        self.lab.marked.emit(tuple(marks))

    def _fill(self, row: int, whose: str, one: Any, odd: bool) -> None:
        scene = self.lab.experiment.scene
        at = ", ".join(f"{c.symbol} {number(x, digits=3)}" for c, x in zip(scene.coordinates, one.at, strict=True))
        values = ", ".join(_complex(value) for value in one.eigenvalues)
        texts = (whose, at, one.kind, number(one.energy), values)
        for column, text in enumerate(texts):
            item = QTableWidgetItem(shown(text))
            set_tip(item, text)
            if odd:
                font = item.font()
                font.setBold(True)
                item.setFont(font)
            self.table.setItem(row, column, item)

    def clear(self) -> None:
        self.words.setText("")
        self.table.setRowCount(0)
        self.lab.marked.emit(())


def _complex(value: complex) -> str:
    real, imaginary = number(value.real, digits=2), number(abs(value.imag), digits=2)
    if abs(value.imag) < 1e-4 * max(abs(value.real), 1e-12):
        return real
    sign = "−" if value.imag < 0 else "+"
    return f"{sign}{imaginary} i" if abs(value.real) < 1e-4 * abs(value.imag) else f"{real} {sign} {imaginary} i"


class EnsemblePage(Page):
    """Bands of fits with other seeds, along one coordinate."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(lab, parent)
        self.choice = QComboBox()
        self.choice.setAccessibleName("Coordinate of the ensemble")
        set_tip(self.choice, "Which coordinate is shown")
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.choice.activated.connect(self._draw)
        self.button = QPushButton("Fit four more seeds")
        set_tip(self.button, "Fit the same model with four other seeds, data and weights drawn anew")
        self.button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.button.clicked.connect(lambda: lab.debugging.resume(patient=True))
        self.plot = DebugPlot(lab, "Ensemble", "t (s)", "", in_words=number)
        self.column.addWidget(self.choice, 0, Qt.AlignmentFlag.AlignLeft)
        self.column.addWidget(self.plot, 1)
        self.column.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        self._view: Any = None
        self._role = self._title = ""
        self.button.hide()

    def show_view(self, view: Any, role: str, title: str) -> None:
        seconds = getattr(view, "seconds", None)
        self.button.setVisible(seconds is not None)
        if seconds is not None:
            self._view = None
            self.choice.hide()
            self.plot.clear()
            self.plot.say(f"Four more fits take about {seconds_left(seconds).removesuffix(' left')}.")
            return
        coordinates = self.lab.experiment.scene.coordinates
        chosen = max(self.choice.currentIndex(), 0)
        self._view, self._role, self._title = view, role, title
        self.choice.clear()
        self.choice.addItems([c.symbol for c in coordinates])
        self.choice.setCurrentIndex(chosen if chosen < len(coordinates) else 0)
        self.choice.show()
        self._draw()

    def _draw(self) -> None:
        if self._view is None:
            return
        at, band = max(self.choice.currentIndex(), 0), self._view.band
        t, low, high = band.t, band.low[:, at], band.high[:, at]
        good = np.isfinite(low) & np.isfinite(high)
        truth = self._view.truth[:, at]
        lines = (
            Line(self._title, self._role, t, band.middle[:, at], role_dash(self._role)),
            Line("Truth", TRUTH, t, truth),
        )
        known = truth[np.isfinite(truth)]
        reach = even_span(known, band.middle[:, at])
        wide = reach[1] - reach[0]
        span = (
            max(float(low[good].min(initial=reach[0])), reach[0] - wide),
            min(float(high[good].max(initial=reach[1])), reach[1] + wide),
        )
        bands = [(self._role, t[good], np.clip(low[good], *span), np.clip(high[good], *span))] if good.any() else []
        self.plot.plot.set_labels("t (s)", self.lab.experiment.scene.coordinates[at].label)
        self.plot.show_lines(lines, (0.0, float(t[-1])), span, bands)
        seeds = ", ".join(str(seed) for seed in self._view.seeds)
        self.plot.say(
            self._view.words, f"Seeds {seeds}. The line: their mean; the band: from the least to the largest."
        )

    def clear(self) -> None:
        self._view = None
        self.choice.hide()
        self.button.hide()
        self.plot.clear()
        self.plot.say("")
