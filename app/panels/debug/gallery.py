"""The gallery: thumbnails of the views, each with the question that it answers; a click shows one."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QHideEvent, QKeyEvent, QMouseEvent, QPainter, QPaintEvent, QPen, QPolygonF, QShowEvent
from PySide6.QtWidgets import QGridLayout, QHBoxLayout, QScrollArea, QStackedLayout, QToolButton, QVBoxLayout, QWidget

from app.lab import Lab
from app.model.document import State, View
from app.panels.debug.pages import ConservedPage, EnsemblePage, FixedPointsPage, FlowPage, GrowthPage, Page
from app.style.theme import current_theme, theme_signals
from app.widgets.elided import ElidedLabel
from app.widgets.text import PlainLabel, heading, quiet_label, set_tip
from hnn_engine.coords import Array

Strokes = Sequence[tuple[str, Array, Array]]  # role, x and y from 0 to 1
_X = np.linspace(0.0, 1.0, 60)


@dataclass(frozen=True)
class Entry:
    """A view: its `name`, `title`, the `question` that it answers, the page that shows it, or else what of the view of
    the portrait it sets; and `strokes`, what its thumbnail is drawn of."""

    name: str
    title: str
    question: str
    page: Callable[[Lab], Page] | None
    strokes: Callable[[], Strokes]
    sets: tuple[tuple[str, object], ...] = ()


def _map() -> Strokes:
    turns = [0.12, 0.24, 0.36]
    a = np.linspace(0.0, 2 * np.pi, 60)
    return [("accent" if r > 0.3 else "muted", 0.5 + 1.2 * r * np.cos(a), 0.5 + r * np.sin(a)) for r in turns]


def _conserved() -> Strokes:
    return [("truth", _X, 0.75 + 0 * _X), ("accent", _X, 0.7 - 0.35 * _X + 0.07 * np.sin(24 * _X))]


def _flow() -> Strokes:
    a = np.linspace(0.0, 2 * np.pi, 50)
    found: list[tuple[str, Array, Array]] = []
    for k, at in enumerate((0.16, 0.5, 0.84)):
        wide, tall = 0.1 * (1 + 0.5 * k), 0.2 / (1 + 0.5 * k)
        found.append(("accent", at + wide * np.cos(a), 0.5 + tall * np.sin(a + 0.5 * k)))
    return found


def _growth() -> Strokes:
    x = np.linspace(0.05, 1.0, 60)
    return [("truth", x, 0.5 + 0.04 / x), ("truth", x, 0.5 - 0.04 / x), ("accent", x, 0.68 + 0.02 / x)]


def _rests() -> Strokes:
    found: list[tuple[str, Array, Array]] = []
    a = np.linspace(0.0, 2 * np.pi, 40)
    for r in (0.06, 0.16):
        found.append(("truth", 0.3 + 1.1 * r * np.cos(a), 0.5 + 1.6 * r * np.sin(a)))
    found.append(("accent", 0.62 + 0.3 * (_X - 0.0), 0.25 + 0.5 * _X))
    found.append(("accent", 0.62 + 0.3 * (_X - 0.0), 0.75 - 0.5 * _X))
    return found


def _ensemble() -> Strokes:
    y = 0.5 + 0.3 * np.sin(9 * _X)
    return [("muted", _X, y + 0.25 * _X), ("muted", _X, y - 0.25 * _X), ("accent", _X, y)]


ENTRIES = (
    Entry(
        "error_map",
        "Field error map",
        "Where in phase space is the learned field off, and is that where the data is?",
        None,
        _map,
        (("error_map", True), ("compare", False)),
    ),
    Entry(
        "compare",
        "Energies compared",
        "Where does the learned Ĥ differ from the true H?",
        None,
        _map,
        (("compare", True), ("error_map", False)),
    ),
    Entry(
        "conserved",
        "Conserved quantities",
        "Which of what truth conserves does the model keep: H, momentum, angular momentum?",
        ConservedPage,
        _conserved,
    ),
    Entry(
        "flow",
        "Phase volume",
        "Does the learned flow keep phase volume and the symplectic form?",
        FlowPage,
        _flow,
    ),
    Entry(
        "growth",
        "Lyapunov exponents",
        "How fast do small errors grow, and as fast as in truth?",
        GrowthPage,
        _growth,
    ),
    Entry(
        "fixed_points",
        "Fixed points",
        "Which states of rest does the model invent, lose or change in kind?",
        FixedPointsPage,
        _rests,
    ),
    Entry(
        "ensemble",
        "Ensemble",
        "How far do fits with other seeds disagree, and does truth lie between them?",
        EnsemblePage,
        _ensemble,
    ),
)
BY_NAME = {entry.name: entry for entry in ENTRIES}


class Thumbnail(QWidget):
    """A small drawing of what a view looks like."""

    def __init__(self, strokes: Callable[[], Strokes], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._strokes = strokes
        self.setMinimumSize(72, 44)
        theme_signals.changed.connect(self._on_theme)

    def _on_theme(self) -> None:
        self.update()

    def sizeHint(self) -> QSize:
        return QSize(120, 60)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), current_theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        area = QRectF(self.rect()).adjusted(6, 5, -6, -5)
        for role, x, y in self._strokes():
            painter.setPen(QPen(theme.color(role), 1.5))
            points = [
                QPointF(area.left() + area.width() * float(a), area.bottom() - area.height() * float(b))
                for a, b in zip(x, y, strict=True)
            ]
            painter.drawPolyline(QPolygonF(points))
        painter.end()


class Card(QWidget):
    """A view to choose; `chosen()` by a click, Space or Enter."""

    chosen = Signal()

    def __init__(self, entry: Entry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entry = entry
        self.setAttribute(Qt.WidgetAttribute.WA_Hover)
        self.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self.setAccessibleName(f"{entry.title}: {entry.question}")
        set_tip(self, f"{entry.title}\n{entry.question}")
        self.thumbnail = Thumbnail(entry.strokes)
        words = QVBoxLayout()
        words.setSpacing(0)
        words.addWidget(heading(entry.title))
        question = quiet_label(entry.question)
        question.setAlignment(Qt.AlignmentFlag.AlignTop | Qt.AlignmentFlag.AlignLeft)
        words.addWidget(question, 1)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(6, 4, 8, 4)
        layout.setSpacing(8)
        layout.addWidget(self.thumbnail)
        layout.addLayout(words, 1)

    def paintEvent(self, event: QPaintEvent) -> None:
        painter, theme = QPainter(self), current_theme()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(QPen(theme.color("accent" if self.hasFocus() else "line"), 1.0))
        painter.setBrush(theme.color("hover" if self.underMouse() else "paper"))
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(0.5, 0.5, -0.5, -0.5), 6.0, 6.0)
        painter.end()

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        if event.button() == Qt.MouseButton.LeftButton and self.rect().contains(event.position().toPoint()):
            self.chosen.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Space, Qt.Key.Key_Return, Qt.Key.Key_Enter):
            self.chosen.emit()
        else:
            super().keyPressEvent(event)


class GalleryPanel(QWidget):
    """The thumbnails, or the view that is chosen."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.setAccessibleName("Views")
        self.pages: dict[str, Page] = {}
        self._drawn: object = None
        self.cards = {entry.name: Card(entry) for entry in ENTRIES}
        self.back = QToolButton()
        self.back.setText("‹ Views")
        self.back.setAccessibleName("Back to the views")
        set_tip(self.back, "Back to the thumbnails")
        self.back.clicked.connect(lambda: lab.document.set_view(debug_view=""))
        self.title, self.state = PlainLabel(), ElidedLabel()
        self.title.setProperty("heading", True)
        self._stack = QStackedLayout(self)
        self._stack.addWidget(self._build_cards())
        self._stack.addWidget(self._build_view())
        lab.debugging.told.connect(self._on_told)
        lab.debugging.changed.connect(self.sync)
        lab.document.view_changed.connect(self._on_view)
        lab.document.changed.connect(self._on_changed)
        self.sync()

    def _build_cards(self) -> QWidget:
        inner = QWidget()
        self._grid = QGridLayout(inner)
        self._grid.setContentsMargins(8, 4, 8, 8)
        self._grid.setSpacing(6)
        for name, card in self.cards.items():
            card.chosen.connect(lambda name=name: self.choose(name))
        self._columns = 0
        self._lay_cards(1)
        scroll = QScrollArea()
        scroll.setWidget(inner)
        scroll.setWidgetResizable(True)
        scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        return scroll

    def _build_view(self) -> QWidget:
        whole = QWidget()
        head = QHBoxLayout()
        head.setContentsMargins(8, 0, 12, 0)
        head.setSpacing(8)
        head.addWidget(self.back)
        head.addWidget(self.title)
        head.addWidget(self.state, 1)
        self._pages = QStackedLayout()
        layout = QVBoxLayout(whole)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(head)
        layout.addLayout(self._pages, 1)
        return whole

    def _lay_cards(self, columns: int) -> None:
        if columns == self._columns:
            return
        self._columns = columns
        for i, card in enumerate(self.cards.values()):
            self._grid.addWidget(card, i // columns, i % columns)
        self._grid.setRowStretch(len(self.cards), 1)

    def resizeEvent(self, event: object) -> None:
        super().resizeEvent(event)  # type: ignore[arg-type]
        self._lay_cards(max(1, min(3, self.width() // 300)))

    # What is shown ----------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """The view that is shown, or '' for the thumbnails."""
        name = self.lab.document.view.debug_view
        return name if name in BY_NAME and BY_NAME[name].page is not None else ""

    def choose(self, name: str) -> None:
        """Show a view: here, or in the portrait."""
        entry = BY_NAME[name]
        self.lab.document.set_view(**dict(entry.sets) if entry.page is None else {"debug_view": name})

    def _on_view(self, old: View, new: View) -> None:
        if old.debug_view != new.debug_view:
            self._look(self.isVisible())
            self.sync()

    def _on_changed(self, old: State, new: State) -> None:
        if old.experiment.source is not new.experiment.source:
            self._unmark()

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        self._look(True)
        self.sync()

    def hideEvent(self, event: QHideEvent) -> None:
        super().hideEvent(event)
        self._look(False)
        self._drawn = None
        self._unmark()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() is QEvent.Type.FontChange:
            self._lay_cards(max(1, min(3, self.width() // 300)))

    def _unmark(self) -> None:
        """Take away what a view has put into the portrait."""
        self.lab.marked.emit(())
        self.lab.carried.emit(())

    def _look(self, on: bool) -> None:
        self.lab.debugging.look(self, (self.name,) if on and self.name else ())

    def _on_told(self, view: str) -> None:
        if view == self.name:
            self.sync()

    def _page(self, name: str) -> Page:
        if name not in self.pages:
            make = BY_NAME[name].page
            assert make is not None
            self.pages[name] = make(self.lab)
            self._pages.addWidget(self.pages[name])
        return self.pages[name]

    def sync(self) -> None:
        """Show what is known by now."""
        name = self.name
        self._stack.setCurrentIndex(1 if name else 0)
        if not name:
            if self._drawn is not None:
                self._drawn = None
                self._unmark()
            return
        entry, debugging = BY_NAME[name], self.lab.debugging
        page = self._page(name)
        if self._pages.currentWidget() is not page:
            self._pages.setCurrentWidget(page)
        self.title.setText(entry.title)
        view, subject = debugging.answer(name), debugging.subject
        self.state.say(self._state(name), entry.question)
        role = subject.role if subject is not None else ""
        drawn = (name, view, role)
        if drawn == self._drawn:
            return
        if self._drawn is not None and self._drawn[0] != name:  # type: ignore[index]
            self._unmark()
        self._drawn = drawn
        if view is None or subject is None:
            page.clear()
        else:
            page.show_view(view, subject.role, subject.title)

    def _state(self, name: str) -> str:
        debugging = self.lab.debugging
        if debugging.run is None:
            return debugging.reason
        if debugging.answer(name) is not None:
            return BY_NAME[name].question
        if debugging.problem(name):
            return debugging.problem(name)
        return "Stopped." if debugging.stopped else f"Computing… {100 * debugging.share:.0f} %"
