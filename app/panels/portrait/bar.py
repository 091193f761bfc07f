"""The row over the phase portrait: which coordinates, whose field, and what is drawn."""

from collections.abc import Sequence

from PySide6.QtCore import Signal
from PySide6.QtGui import QResizeEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QToolButton, QVBoxLayout, QWidget

from app.model.document import View
from app.panels.portrait.background import COMPARE_TIP, ERROR_TIP
from app.style.theme import current_theme
from app.widgets.swatch import SWATCH_SIZE, swatch_icon
from app.widgets.text import PlainLabel, set_tip
from hnn_engine.scene import Scene

LATENTS_TIP = """Show the latents of a model of frames
The autoencoder computes these two numbers from the frames. Drag the start here to decode a frame at any point.
With several models: the one chosen in "Field of", or else the first with an H."""
_NARROWEST = 240  # pixels
_SWITCHES = (
    ("arrows", "Arrows", "Show the vector field"),
    ("contours", "H", "Show contours of H"),
    ("data", "Data", "Show the training data"),
    ("compare", "Compare", COMPARE_TIP),
    ("error_map", "Error", ERROR_TIP),
    ("latents", "Latents", LATENTS_TIP),
)
_ONE_MAP = {"compare": "error_map", "error_map": "compare"}  # there is room for one map behind the rollouts


class PortraitBar(QWidget):
    """`axes_chosen(x, y)` by their boxes, `view_changed(dict)` fields of the view that are chosen here."""

    axes_chosen = Signal(int, int)
    view_changed = Signal(dict)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setMinimumWidth(_NARROWEST)  # and not what it holds: see `resizeEvent`
        rows = QVBoxLayout(self)
        rows.setContentsMargins(8, 0, 8, 0)
        rows.setSpacing(2)
        self._first, self._second = QHBoxLayout(), QHBoxLayout()
        for row in (self._first, self._second):
            row.setSpacing(4)
            rows.addLayout(row)
        self._second.addStretch(1)
        self._fields: tuple[object, ...] = ()
        self._several = False  # degrees of freedom, so that there are axes to choose
        self._build_boxes()
        self.switches = {name: self._switch(name, text, tip) for name, text, tip in _SWITCHES}

    def _build_boxes(self) -> None:
        self.x_axis, self.y_axis, self.field_of = QComboBox(), QComboBox(), QComboBox()
        for box, name in ((self.x_axis, "Across"), (self.y_axis, "Upward"), (self.field_of, "Field of")):
            box.setAccessibleName(name)
            set_tip(box, {"Field of": "Whose vector field and H contours are shown"}.get(name, f"{name}: coordinate"))
            box.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.field_of.setIconSize(SWATCH_SIZE)
        self._across, self._over, self._of = PlainLabel("Axes"), PlainLabel("×"), PlainLabel("Field of")
        for label in (self._across, self._over, self._of):
            label.setProperty("muted", True)
        for widget in (self._across, self.x_axis, self._over, self.y_axis, self._of, self.field_of):
            self._first.addWidget(widget)
        self._first.addStretch(1)
        for box in (self.x_axis, self.y_axis):
            box.activated.connect(lambda: self.axes_chosen.emit(self.x_axis.currentIndex(), self.y_axis.currentIndex()))
        self.field_of.activated.connect(lambda: self.view_changed.emit({"field": str(self.field_of.currentData())}))

    def _switch(self, name: str, text: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(text)
        set_tip(button, tip)
        button.setAccessibleName(tip.partition("\n")[0])
        button.setCheckable(True)
        button.clicked.connect(lambda on: self.view_changed.emit({name: on, **self._put_off(name, on)}))
        self._first.addWidget(button)
        return button

    def _put_off(self, name: str, on: bool) -> dict[str, bool]:
        return {_ONE_MAP[name]: False} if on and name in _ONE_MAP else {}

    # Showing ----------------------------------------------------------------------------------------------------------

    def show_axes(self, scene: Scene, axes: tuple[int, int]) -> None:
        """Offer the coordinates of `scene`, those of `axes` chosen."""
        for box, chosen in zip((self.x_axis, self.y_axis), axes, strict=True):
            box.clear()
            box.addItems([c.symbol for c in scene.coordinates])
            box.setCurrentIndex(chosen)
        self._several = scene.dof > 1
        for widget in (self.x_axis, self._over, self.y_axis):
            widget.setVisible(self._several)
        self.fit()

    def offer_fields(self, fields: Sequence[tuple[str, str]], chosen: str) -> None:
        """Offer the fields of these roles and names, that of the role `chosen` chosen."""
        if (tuple(fields), current_theme()) != self._fields:
            self._fields = (tuple(fields), current_theme())
            self.field_of.clear()
            for role, name in fields:
                self.field_of.addItem(swatch_icon(role), name, role)
        self.field_of.setCurrentIndex(self.field_of.findData(chosen))

    def show_view(self, view: View, observed: bool) -> None:
        """Check what `view` shows; latents there are where a camera has `observed`."""
        for name, button in self.switches.items():
            button.setChecked(bool(getattr(view, name)))
        self.switches["latents"].setVisible(observed)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.fit()

    def fit(self) -> None:
        """Say what the boxes are while there is room for it: words must not widen the panel."""
        words, layout = {self._across: self._several, self._of: True}, self.layout()
        for word, wanted in words.items():
            word.setVisible(wanted)
        if layout is not None and layout.minimumSize().width() > self.width():
            for word in words:
                word.hide()
        self._fold(layout is not None and layout.minimumSize().width() > self.width())

    def _fold(self, narrow: bool) -> None:
        """Put the switches into a row of their own where one is too narrow for all, and back where it is not; the first
        of them stay where even that row is too narrow."""
        widths = {
            name: button.sizeHint().width() + 4 for name, button in self.switches.items() if not button.isHidden()
        }
        room, needed = self.width() - 16, sum(widths.values())
        folded = self._second.count() > 1
        if not narrow and not folded:
            return
        if not narrow and self._first.minimumSize().width() + needed <= room:
            row = dict.fromkeys(self.switches, self._first)
        else:
            row = dict.fromkeys(self.switches, self._second)
            for name, width in widths.items():
                if needed > room:
                    row[name], needed = self._first, needed - width
        for name, button in self.switches.items():
            row[name].addWidget(button)
