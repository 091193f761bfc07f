"""The head of a panel of debugging: whose model it is about, how far the work is, and a button that stops it."""

from PySide6.QtCore import QSize
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QToolButton, QWidget

from app.lab import Lab
from app.style.icons import icon
from app.widgets.swatch import SWATCH_SIZE, swatch_icon
from app.widgets.text import PlainLabel, set_tip

FOLLOWS = "As Field of"


class SubjectBar(QWidget):
    """One row. The choice is part of the view; '' follows *Field of*."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.setMinimumWidth(200)  # and not what it holds
        self.choice = QComboBox()
        self.choice.setAccessibleName("Which model is debugged")
        set_tip(self.choice, "Which model is debugged")
        self.choice.setIconSize(SWATCH_SIZE)
        self.choice.setSizeAdjustPolicy(QComboBox.SizeAdjustPolicy.AdjustToContents)
        self.choice.activated.connect(self._on_chosen)
        self.progress = PlainLabel()
        self.progress.setProperty("muted", True)
        self.button = QToolButton()
        self.button.setIconSize(QSize(14, 14))
        self.button.clicked.connect(self._on_button)
        self._offered: tuple[object, ...] = ()
        row = QHBoxLayout(self)
        row.setContentsMargins(8, 0, 8, 0)
        row.setSpacing(6)
        row.addWidget(self.choice)
        row.addStretch(1)
        row.addWidget(self.progress)
        row.addWidget(self.button)

    def show_state(self) -> None:
        """Show which models there are, and how far the work is."""
        debugging, view = self.lab.debugging, self.lab.document.view
        leads = [m for m in self.lab.shown_models() if m.member == 0]
        subject = debugging.subject
        follows = f"{FOLLOWS}: {subject.title}" if subject is not None and not view.debugged else FOLLOWS
        offered = (("", follows), *((m.role, m.title) for m in leads))
        if offered != self._offered:
            self._offered = offered
            self.choice.clear()
            for role, text in offered:
                shown = role or (subject.role if subject is not None else "")
                self.choice.addItem(swatch_icon(shown) if shown else icon("eye"), text, role)
        self.choice.setCurrentIndex(max(self.choice.findData(view.debugged), 0))
        self.choice.setVisible(bool(leads))
        self._show_work()

    def _show_work(self) -> None:
        debugging = self.lab.debugging
        text = f"{100 * debugging.share:.0f} %" if debugging.busy else "Stopped" if debugging.stopped else ""
        if text != self.progress.text():
            self.progress.setText(text)
        name, tip = ("stop", "Stop") if debugging.busy else ("play", "Go on")
        self.button.setIcon(icon(name))
        set_tip(self.button, tip)
        self.button.setAccessibleName(f"{tip} debugging")
        self.button.setVisible(debugging.busy or debugging.stopped)

    def _on_chosen(self) -> None:
        self.lab.document.set_view(debugged=str(self.choice.currentData()))

    def _on_button(self) -> None:
        if self.lab.debugging.busy:
            self.lab.debugging.stop()
        else:
            self.lab.debugging.resume()
