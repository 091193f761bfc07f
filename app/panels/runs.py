"""Every fit of the session with its figures: show, hide, rename, delete."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QModelIndex, QPersistentModelIndex, QPoint, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPainter, QPixmap
from PySide6.QtWidgets import QAbstractItemView, QHeaderView, QMenu, QStackedLayout, QTableView, QVBoxLayout, QWidget

from app.lab import Lab
from app.model.document import State
from app.style.icons import icon
from app.style.theme import current_theme, theme_signals
from app.widgets.text import quiet_label, tip
from hnn_engine.errors import one_line, shown
from hnn_engine.experiment import same_system
from hnn_engine.models import get_model
from hnn_engine.number_format import number

if TYPE_CHECKING:
    from hnn_engine.records import Run

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole


@dataclass(frozen=True)
class Column:
    """A column: its heading, what it means, and its text for a run."""

    title: str
    tip: str
    text: "Callable[[Run], str]"


def _figure(name: str) -> "Callable[[Run], str]":
    def text(run: "Run") -> str:
        value = getattr(run.figures, name) if run.figures is not None else None
        return "–" if value is None else number(value)

    return text


def _ending(run: "Run") -> str:
    return {"finished": f"{run.steps}", "stopped": f"{run.steps} (stopped)", "failed": f"{run.steps} (failed)"}[
        run.ending
    ]


COLUMNS = (
    Column("Run", "Ticked runs are shown. Double-click to rename, Del to delete.", lambda r: r.title),
    Column("Steps", "Steps of the optimiser", _ending),
    Column("Train", "Loss on all training rows", _figure("train_loss")),
    Column("Test", "Loss on all test rows", _figure("test_loss")),
    Column("Floor", "Noise floor: the loss of the true field itself on the test rows", _figure("noise_floor_test")),
    Column(
        "Energy",
        "Mean of (H(x̂(t)) − H(x(0)))², true H, 15 fresh noise-free starts of the training distribution",
        _figure("clean_energy_mse"),
    ),
    Column("Error", "Mean squared coordinate error along those rollouts", _figure("coord_mse")),
    Column("Field", "Mean squared error of the field on the noise-free test states", _figure("field_mse")),
    Column("Valid s", "Median time until ‖error‖²/‖x‖² exceeds 0.025", _figure("valid_time")),
    Column(
        "In step",
        "Models of frames: how many of 200 predicted frames precede the first whose angle is off by 10°; "
        "median over those starts",
        _figure("in_step"),
    ),
    Column(
        "Paper energy",
        "The paper's own figure, computed its way: for mass-spring and pendulum it is q² + p² from starts inside "
        "the hole of the training data",
        _figure("energy_mse"),
    ),
    Column("Diverged", "How many of the 15 rollouts diverged", _figure("diverged")),
    Column("Fit s", "Seconds spent in the recipe alone", lambda r: number(r.fit_seconds)),
)


class RunsModel(QAbstractTableModel):
    """The document's runs, newest first."""

    def __init__(self, lab: Lab, parent: QWidget) -> None:
        super().__init__(parent)
        self.lab = lab

    def runs(self) -> "list[Run]":
        """The runs in the order of the rows."""
        return list(reversed(self.lab.document.state.runs))

    def follow(self, old: State, new: State) -> None:
        """Tell the view what has become of the rows, and no more than that: a title that is being edited stays."""
        before, now = [run.id for run in old.runs], [run.id for run in new.runs]
        if before == now:
            self.dataChanged.emit(self.index(0, 0), self.index(len(now) - 1, len(COLUMNS) - 1))
        elif before == now[:-1]:
            self.beginInsertRows(QModelIndex(), 0, 0)
            self.endInsertRows()
        else:
            self.beginResetModel()
            self.endResetModel()

    def rowCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return 0 if parent.isValid() else len(self.lab.document.state.runs)

    def columnCount(self, parent: Index = QModelIndex()) -> int:  # noqa: B008
        return len(COLUMNS)

    def headerData(self, section: int, orientation: Qt.Orientation, role: int = Role.DisplayRole) -> Any:
        if orientation is not Qt.Orientation.Horizontal:
            return None
        if role == Role.DisplayRole:
            return COLUMNS[section].title
        if role == Role.ToolTipRole:
            return tip(COLUMNS[section].tip)
        if role == Role.TextAlignmentRole:
            return _alignment(section)
        return None

    def data(self, index: Index, role: int = Role.DisplayRole) -> Any:
        run, column = self.runs()[index.row()], index.column()
        elsewhere = not same_system(run.experiment, self.lab.experiment)
        if role == Role.DisplayRole and column == 0 and elsewhere:
            # Its figures say nothing about what is on screen.
            return shown(f"{run.experiment.source_title}: {run.title}")
        if role in (Role.DisplayRole, Role.EditRole):
            text = COLUMNS[column].text(run)
            return shown(text) if role == Role.DisplayRole else text
        if role == Role.TextAlignmentRole:
            return _alignment(column)
        if role == Role.CheckStateRole and column == 0:
            ticked = run.id in self.lab.document.state.shown
            return Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked
        if role == Role.DecorationRole and column == 0:
            return _chip(run.snapshot.model)
        if role == Role.ToolTipRole:
            return tip(
                one_line(f"{get_model(run.snapshot.model).title} on {run.experiment.source_title}: {run.reason}")
            )
        if role == Role.ForegroundRole and elsewhere:
            return QColor(current_theme().muted)
        return None

    def setData(self, index: Index, value: Any, role: int = Role.EditRole) -> bool:
        run, state = self.runs()[index.row()], self.lab.document.state
        if role == Role.CheckStateRole:
            on = Qt.CheckState(value) == Qt.CheckState.Checked
            ticked = state.shown | {run.id} if on else state.shown - {run.id}
            self.lab.document.edit_runs(state.runs, frozenset(ticked), "Show a run" if on else "Hide a run")
            return True
        title = str(value).strip()[:200]
        if role == Role.EditRole and title and title != run.title:
            runs = tuple(replace(r, title=title) if r.id == run.id else r for r in state.runs)
            self.lab.document.edit_runs(runs, state.shown, "Rename a run")
            return True
        return False

    def flags(self, index: Index) -> Qt.ItemFlag:
        flags = super().flags(index)
        if index.column() == 0:
            flags |= Qt.ItemFlag.ItemIsEditable | Qt.ItemFlag.ItemIsUserCheckable
        return flags


def _alignment(column: int) -> Qt.AlignmentFlag:
    side = Qt.AlignmentFlag.AlignLeft if column == 0 else Qt.AlignmentFlag.AlignRight
    return side | Qt.AlignmentFlag.AlignVCenter


def _chip(model: str) -> QPixmap:
    pixmap = QPixmap(10, 10)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(current_theme().color(model))
    painter.drawEllipse(1, 1, 8, 8)
    painter.end()
    return pixmap


class RunsTable(QTableView):
    """The table's view: Delete deletes what is selected."""

    def __init__(self, panel: "RunsPanel") -> None:
        super().__init__(panel)
        self._panel = panel

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._panel.delete_selected()
        elif event.key() == Qt.Key.Key_F2 and self.currentIndex().isValid():
            self.edit(self.currentIndex().siblingAtColumn(0))
        else:
            super().keyPressEvent(event)


class RunsPanel(QWidget):
    """The table of runs."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.model = RunsModel(lab, self)
        self.table = RunsTable(self)
        self.table.setModel(self.model)
        self.table.setAccessibleName("Runs")
        self._dress_table()
        self.empty = quiet_label("Fitted models are listed here with their figures.")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(self.table)
        layout.addLayout(self._stack)
        lab.document.changed.connect(self._on_changed)
        theme_signals.changed.connect(self._on_theme)
        self._show()

    def _dress_table(self) -> None:
        table = self.table
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setShowGrid(False)
        table.verticalHeader().hide()
        table.verticalHeader().setDefaultSectionSize(26)
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setHighlightSections(False)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(self._on_menu)

    def _on_changed(self, old: State, new: State) -> None:
        if old.runs is not new.runs:
            self.model.follow(old, new)
            self._show()
        if old.shown != new.shown or not same_system(old.experiment, new.experiment):
            self.table.viewport().update()

    def _on_theme(self) -> None:
        self.table.viewport().update()

    def _show(self) -> None:
        self._stack.setCurrentIndex(1 if self.lab.document.state.runs else 0)

    def _selected(self) -> "list[Run]":
        runs = self.model.runs()
        return [runs[i.row()] for i in self.table.selectionModel().selectedRows()]

    def _on_menu(self, at: QPoint) -> None:
        if not self._selected():
            return
        menu = QMenu(self)
        rename = menu.addAction(icon("rename"), "Rename")
        rename.triggered.connect(lambda: self.table.edit(self.table.currentIndex().siblingAtColumn(0)))
        only = menu.addAction(icon("eye"), "Show only this")
        only.triggered.connect(self.show_only)
        again = menu.addAction(icon("check"), "Evaluate")
        again.triggered.connect(self.evaluate_selected)
        if self.lab.evaluation.busy:
            menu.addAction(icon("stop"), "Stop evaluating").triggered.connect(self.lab.evaluation.stop)
        delete = menu.addAction(icon("trash"), "Delete")
        delete.triggered.connect(self.delete_selected)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        menu.popup(self.table.viewport().mapToGlobal(at))

    def show_only(self) -> None:
        """Show what is selected, and hide the other runs of the same system."""
        state, chosen = self.lab.document.state, {r.id for r in self._selected()}
        others = {r.id for r in state.runs if same_system(r.experiment, self.lab.experiment)}
        self.lab.document.edit_runs(state.runs, (state.shown - others) | frozenset(chosen), "Show only one run")

    def evaluate_selected(self) -> None:
        """Compute the figures of what is selected, again where there are some."""
        self.lab.evaluation.want((run, None) for run in self._selected()[::-1])

    def delete_selected(self) -> None:
        """Delete what is selected; undo brings it back."""
        gone = {r.id for r in self._selected()}
        if gone:
            state = self.lab.document.state
            kept = tuple(r for r in state.runs if r.id not in gone)
            self.lab.document.edit_runs(kept, state.shown - gone, "Delete a run")
