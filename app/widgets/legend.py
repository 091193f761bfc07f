"""A legend in one line: the stroke and the name of each, names shortened alike where there is too little room."""

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QFontMetricsF, QMouseEvent, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import QSizePolicy, QWidget

from app.style.theme import current_theme, text_scale, theme_signals
from app.widgets.swatch import WIDTH, draw_stroke
from app.widgets.text import plain, set_tip

Entry = tuple[str, str]  # role and name
_MARK, _GAP, _APART = 26.0, 6.0, 16.0  # pixels at the usual size of type: the stroke, then to its name, and to the next
_LEAST = 24.0  # pixels of a shortened name
_HOT = 4.5  # pixels of the stroke of what is pointed at


class Legend(QWidget):
    """Shows `entries`. `pointed(role)`: the pointer is on an entry; '' on none any more."""

    pointed = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.entries: tuple[Entry, ...] = ()
        self._hot = ""
        self._places: list[QRectF] = []  # of the entries, in pixels
        self._texts: list[str] = []  # as there is room for them
        self.setMouseTracking(True)
        self.setSizePolicy(QSizePolicy.Policy.Preferred, QSizePolicy.Policy.Fixed)
        theme_signals.changed.connect(self._on_theme)

    def show_entries(self, entries: tuple[Entry, ...]) -> None:
        """Show these, from left to right."""
        if entries != self.entries:
            self.entries = entries
            self.setAccessibleName("Legend: " + ", ".join(name for _, name in entries))
            self.updateGeometry()
            self._lay()

    def set_hot(self, role: str) -> None:
        """Draw the stroke of `role` thicker, or none."""
        if role != self._hot:
            self._hot = role
            self.update()

    def place(self, role: str) -> QRectF:
        """Return where the entry of `role` is, in pixels; empty where there is none."""
        return next((p for (own, _), p in zip(self.entries, self._places, strict=True) if own == role), QRectF())

    def shown_names(self) -> list[str]:
        """Return the names as there is room for them."""
        return list(self._texts)

    # Layout and painting

    @property
    def _scale(self) -> float:
        """How large the type is beside the usual one: strokes are seen from as far as their names."""
        return text_scale(self.font())

    @property
    def _mark(self) -> float:
        return _MARK * self._scale

    @property
    def _gap(self) -> float:
        return _GAP * self._scale

    @property
    def _apart(self) -> float:
        return _APART * self._scale

    def _widths(self) -> list[float]:
        metrics = QFontMetricsF(self.font())
        return [metrics.horizontalAdvance(plain(name)) + 2.0 for _, name in self.entries]

    def sizeHint(self) -> QSize:
        count = len(self.entries)
        whole = sum(self._widths()) + count * (self._mark + self._gap) + max(count - 1, 0) * self._apart
        return QSize(round(whole) + 1, max(18, round(QFontMetricsF(self.font()).height()) + 2))

    def minimumSizeHint(self) -> QSize:
        return QSize(0, self.sizeHint().height())

    def _lay(self) -> None:
        """Shorten the longest names to one width, as little as is needed."""
        widths, count = self._widths(), len(self.entries)
        room = self.width() - count * (self._mark + self._gap) - max(count - 1, 0) * self._apart
        most = shared_width(widths, room)
        metrics, x = QFontMetricsF(self.font()), 0.0
        self._places, self._texts = [], []
        for (_, name), width in zip(self.entries, widths, strict=True):
            own = min(width, max(most, _LEAST))
            whole = own >= width
            text = plain(name) if whole else metrics.elidedText(plain(name), Qt.TextElideMode.ElideMiddle, own)
            self._texts.append(text)
            self._places.append(QRectF(x, 0.0, self._mark + self._gap + own, float(self.height())))
            x += self._mark + self._gap + own + self._apart
        self.update()

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._lay()

    def changeEvent(self, event: QEvent) -> None:
        super().changeEvent(event)
        if event.type() == QEvent.Type.FontChange:
            self.updateGeometry()
            self._lay()

    def _on_theme(self) -> None:
        self.update()

    def paintEvent(self, event: QPaintEvent) -> None:
        painter = QPainter(self)
        for (role, _), place, text in zip(self.entries, self._places, self._texts, strict=True):
            painter.setOpacity(0.45 if self._hot not in ("", role) else 1.0)
            width = (_HOT if role == self._hot else WIDTH) * self._scale
            draw_stroke(painter, role, QPointF(place.left(), place.center().y()), self._mark, width)
            painter.setPen(current_theme().color("ink"))
            words = place.adjusted(self._mark + self._gap, 0.0, self._apart, 0.0)
            painter.drawText(words, int(Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignLeft), text)
        painter.end()

    # The pointer

    def mouseMoveEvent(self, event: QMouseEvent) -> None:
        at = [i for i, place in enumerate(self._places) if place.contains(event.position())]
        role, name = self.entries[at[0]] if at else ("", "")
        set_tip(self, name if at and self._texts[at[0]] != plain(name) else "")
        self.pointed.emit(role)

    def leaveEvent(self, event: QEvent) -> None:
        self.pointed.emit("")
        super().leaveEvent(event)


def shared_width(widths: list[float], room: float) -> float:
    """Return the width that no name may exceed for all of them, `widths` where they are whole, to fit into `room`."""
    left, rest = room, sorted(widths)
    while rest:
        share = left / len(rest)
        if rest[0] > share:
            return max(share, 0.0)
        left -= rest.pop(0)
    return max(widths, default=0.0)
