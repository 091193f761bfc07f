"""Check boxes for the models, each with its stroke: a short list that opens, so that the column stays short."""

from collections.abc import Mapping, Sequence
from itertools import pairwise

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QToolButton, QWidget

from app.widgets.swatch import Swatch
from app.widgets.text import set_tip
from hnn_engine.models import Model


class ModelList(QWidget):
    """`models` to choose from: `chosen(names)` after a click. The list folds to a leading pair, side by side, and what
    is chosen.

    `opener` is the button that opens it; who holds the list finds a place for it.
    """

    chosen = Signal(tuple)

    def __init__(self, models: Sequence[Model], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.checks: dict[str, QCheckBox] = {}
        self._summaries = {model.name: model.summary for model in models}
        self._rows: dict[str, QWidget] = {}
        self.opener = QToolButton()
        self.opener.setCheckable(True)
        set_tip(self.opener, "Show every family of models")
        self.opener.toggled.connect(self._fold)
        self._grid = QGridLayout(self)
        self._grid.setContentsMargins(0, 0, 0, 0)
        self._grid.setVerticalSpacing(2)
        self._grid.setHorizontalSpacing(8)
        for model in models:
            self._rows[model.name] = self._row(model)
        self._leading: tuple[str, ...] = ()
        self.lead(tuple(self._rows)[:2])

    def _row(self, model: Model) -> QWidget:
        check = QCheckBox(model.title)
        set_tip(check, model.summary)
        check.setAccessibleName(f"Train the {model.title}")
        check.clicked.connect(lambda: self.chosen.emit(self.names()))
        self.checks[model.name] = check
        row = QWidget()
        layout = QHBoxLayout(row)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(8)
        layout.addWidget(check)
        layout.addWidget(Swatch(model.name))
        layout.addStretch(1)
        return row

    def names(self) -> tuple[str, ...]:
        """Return the names of what is checked."""
        return tuple(name for name, check in self.checks.items() if check.isChecked())

    def show_chosen(self, names: set[str]) -> None:
        """Check `names` and nothing else, without a signal."""
        for name, check in self.checks.items():
            check.setChecked(name in names)
        self._fold()

    def lead(self, names: tuple[str, ...]) -> None:
        """Show `names` first, side by side, whether they are chosen or not."""
        if names == self._leading:
            return
        self._leading = names
        for row in self._rows.values():
            self._grid.removeWidget(row)
        for i, name in enumerate(names):
            self._grid.addWidget(self._rows[name], 0, i)
        rest = [name for name in self._rows if name not in names]
        for i, name in enumerate(rest, 1):
            self._grid.addWidget(self._rows[name], i, 0, 1, len(names))
        for before, after in pairwise((*names, *rest)):
            QWidget.setTabOrder(self.checks[before], self.checks[after])
        self._fold()

    def refuse(self, reasons: Mapping[str, str]) -> None:
        """Grey out every model with a reason, which stands in its tool tip."""
        for name, check in self.checks.items():
            reason = reasons.get(name, "")
            check.setEnabled(not reason)
            set_tip(check, reason or self._summaries[name])

    def _fold(self) -> None:
        """Show all rows, or those that are always shown or chosen."""
        opened = self.opener.isChecked()
        self.opener.setText("Fewer models" if opened else "More models")
        for name, row in self._rows.items():
            row.setVisible(opened or name in self._leading or self.checks[name].isChecked())
