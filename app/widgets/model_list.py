"""Check boxes for the models, each with its stroke: a short list that opens, so that the column stays short."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import Signal
from PySide6.QtWidgets import QCheckBox, QGridLayout, QHBoxLayout, QToolButton, QWidget

from app.widgets.swatch import Swatch
from hnn_engine.models import Model

ALWAYS = 2  # models that are shown whether they are chosen or not, side by side


class ModelList(QWidget):
    """`models` to choose from: `chosen(names)` after a click. The list folds to the first two and what is chosen.

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
        self.opener.setToolTip("Show every family of models")
        self.opener.toggled.connect(self._fold)
        grid = QGridLayout(self)
        grid.setContentsMargins(0, 0, 0, 0)
        grid.setVerticalSpacing(2)
        grid.setHorizontalSpacing(8)
        for i, model in enumerate(models):
            self._rows[model.name] = self._row(model)
            place = (0, i, 1, 1) if i < ALWAYS else (i, 0, 1, ALWAYS)
            grid.addWidget(self._rows[model.name], *place)
        self._fold()

    def _row(self, model: Model) -> QWidget:
        check = QCheckBox(model.title)
        check.setToolTip(model.summary)
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

    def refuse(self, reasons: Mapping[str, str]) -> None:
        """Grey out every model with a reason, which stands in its tool tip."""
        for name, check in self.checks.items():
            reason = reasons.get(name, "")
            check.setEnabled(not reason)
            check.setToolTip(reason or self._summaries[name])

    def _fold(self) -> None:
        """Show all rows, or those that are always shown or chosen."""
        opened = self.opener.isChecked()
        self.opener.setText("Fewer models" if opened else "More models")
        for i, (name, row) in enumerate(self._rows.items()):
            row.setVisible(opened or i < ALWAYS or self.checks[name].isChecked())
