"""How many pixels wide a picture is to be."""

from PySide6.QtCore import Qt
from PySide6.QtGui import QIntValidator
from PySide6.QtWidgets import QComboBox, QDialog, QFormLayout, QHBoxLayout, QPushButton, QVBoxLayout, QWidget

from app.widgets.text import heading, problem_label, quiet_label, set_tip

NARROWEST, WIDEST = 100, 8_000  # pixels
WIDTHS = (800, 1200, 1600, 2400, 3200)
_HINT = "What is in the picture stays as it is on the screen: a wider one is finer."


class WidthDialog(QDialog):
    """Asks for the width of a picture that is `shown` pixels wide on the screen."""

    def __init__(self, shown: int, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Width of the picture")
        self.setModal(True)
        self.box = QComboBox()
        self.box.setEditable(True)
        self.box.setAccessibleName("Width in pixels")
        self.box.setValidator(QIntValidator(0, 99_999, self))
        set_tip(self.box, "In pixels; the height follows.")
        for width in sorted({*WIDTHS, 2 * shown}):
            self.box.addItem(str(width), width)
        self.box.setCurrentText(str(2 * shown))
        self.problem = problem_label()
        form = QFormLayout()
        form.addRow(heading("Width (px)"), self.box)
        cancel, self.accept_button = QPushButton("Cancel"), QPushButton("Save")
        self.accept_button.setProperty("primary", True)
        self.accept_button.setDefault(True)
        cancel.clicked.connect(self.reject)
        self.accept_button.clicked.connect(self._on_accept)
        buttons = QHBoxLayout()
        buttons.addStretch(1)
        buttons.addWidget(cancel)
        buttons.addWidget(self.accept_button)
        layout = QVBoxLayout(self)
        layout.setSpacing(8)
        layout.addLayout(form)
        layout.addWidget(quiet_label(_HINT))
        layout.addWidget(self.problem)
        layout.addLayout(buttons, 0)
        layout.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setMinimumWidth(340)

    def width_asked(self) -> int:
        """Return the width; 0 where none is said."""
        text = self.box.currentText().strip()
        return int(text) if text.isdecimal() else 0

    def _on_accept(self) -> None:
        if NARROWEST <= self.width_asked() <= WIDEST:
            self.accept()
            return
        self.problem.setText(f"The width must be {NARROWEST} to {WIDEST} pixels: type another")
        self.problem.show()
