"""Every fit of the session with its figures: show, hide, rename, delete, sort; two of them set against each other."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QAbstractTableModel, QEvent, QModelIndex, QPersistentModelIndex, QPoint, QSize, Qt
from PySide6.QtGui import QColor, QKeyEvent, QPixmap, QResizeEvent
from PySide6.QtWidgets import (
    QAbstractItemView,
    QHeaderView,
    QMenu,
    QSplitter,
    QStackedLayout,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.lab import Lab
from app.model.document import State
from app.model.rollout_messages import ShownModel
from app.panels.runs_compared import Compared
from app.style.icons import icon
from app.style.theme import current_theme, theme_signals
from app.widgets.swatch import swatch_pixmap
from app.widgets.text import quiet_label, tip
from hnn_engine.errors import one_line, shown
from hnn_engine.experiment import same_system
from hnn_engine.models import get_model
from hnn_engine.number_format import number

if TYPE_CHECKING:
    from hnn_engine.records import Run

Index = QModelIndex | QPersistentModelIndex
Role = Qt.ItemDataRole
FIRST = 3  # columns that are seen whatever the width: the name and two figures
NARROWEST, WIDEST = 124, 260  # pixels of the column of names
ROW_SPACE = 9  # pixels of a row besides its text
CHIP = QSize(18, 14)


@dataclass(frozen=True)
class Column:
    """A column: its heading, what it means, its text for a run, and by what it is sorted: a number, or None where there
    is none, or a text."""

    title: str
    tip: str
    text: "Callable[[Run], str]"
    value: "Callable[[Run], float | str | None]"


def _figure(title: str, tip: str, name: str) -> Column:
    def value(run: "Run") -> float | None:
        found = getattr(run.figures, name) if run.figures is not None else None
        return None if found is None else float(found)

    def text(run: "Run") -> str:
        found = getattr(run.figures, name) if run.figures is not None else None
        return "–" if found is None else number(found, digits=2)

    return Column(title, tip, text, value)


def _ending(run: "Run") -> str:
    return {"finished": f"{run.steps}", "stopped": f"{run.steps} (stopped)", "failed": f"{run.steps} (failed)"}[
        run.ending
    ]


COLUMNS = (
    Column(
        "Run",
        "Ticked runs are shown. Double-click to rename, Del to delete. Select two to compare them.",
        lambda r: r.title,
        lambda r: r.title.casefold(),
    ),
    _figure(
        "Energy",
        "Mean of (H(x̂(t)) − H(x(0)))², true H, 15 fresh noise-free starts of the training distribution",
        "clean_energy_mse",
    ),
    _figure("Error", "Mean squared coordinate error along those rollouts", "coord_mse"),
    _figure("Valid s", "Median time until ‖error‖²/‖x‖² exceeds 0.025", "valid_time"),
    _figure("Train", "Loss on all training rows", "train_loss"),
    _figure("Test", "Loss on all test rows", "test_loss"),
    _figure("Floor", "Noise floor: the loss of the true field itself on the test rows", "noise_floor_test"),
    _figure("Field", "Mean squared error of the field on the noise-free test states", "field_mse"),
    Column("Steps", "Steps of the optimiser", _ending, lambda r: float(r.steps)),
    Column("Fit s", "Seconds spent in the recipe alone", lambda r: number(r.fit_seconds), lambda r: r.fit_seconds),
    _figure(
        "In step",
        "Models of frames: how many of 200 predicted frames precede the first whose angle is off by 10°; "
        "median over those starts",
        "in_step",
    ),
    _figure(
        "Paper energy",
        "The paper's own figure, computed its way: for mass-spring and pendulum it is q² + p² from starts inside "
        "the hole of the training data",
        "energy_mse",
    ),
    _figure("Diverged", "How many of the 15 rollouts diverged", "diverged"),
)


class RunsModel(QAbstractTableModel):
    """The document's runs: the newest first, or sorted by a column."""

    def __init__(self, lab: Lab, parent: QWidget) -> None:
        super().__init__(parent)
        self.lab = lab
        self._sorted: tuple[int, Qt.SortOrder] | None = None
        self._rows: tuple[object, list[Run]] = (None, [])
        self._named: dict[str, ShownModel] = {}  # the shown runs, by id

    def runs(self) -> "list[Run]":
        """The runs in the order of the rows."""
        runs, order = self.lab.document.state.runs, self._sorted
        if self._rows[0] != (runs, order):
            self._rows = ((runs, order), self._in_order(list(reversed(runs))))
        return self._rows[1]

    def _in_order(self, runs: "list[Run]") -> "list[Run]":
        if self._sorted is None:
            return runs
        column, order = COLUMNS[self._sorted[0]], self._sorted[1]
        known = [run for run in runs if column.value(run) is not None]
        known.sort(key=lambda run: column.value(run), reverse=order == Qt.SortOrder.DescendingOrder)  # type: ignore[arg-type, return-value]
        return known + [run for run in runs if column.value(run) is None]  # what is not known is last either way

    def sort(self, column: int, order: Qt.SortOrder = Qt.SortOrder.AscendingOrder) -> None:
        """Sort by `column`, or with −1 put the newest first."""
        self.layoutAboutToBeChanged.emit()
        before, old = self.persistentIndexList(), self.runs()
        self._sorted = (column, order) if 0 <= column < len(COLUMNS) else None
        place = {run.id: row for row, run in enumerate(self.runs())}
        self.changePersistentIndexList(before, [self.index(place[old[i.row()].id], i.column()) for i in before])
        self.layoutChanged.emit()

    def follow(self, old: State, new: State) -> None:
        """Tell the view what has become of the rows, and no more than that: a title that is being edited stays."""
        before, now = [run.id for run in old.runs], [run.id for run in new.runs]
        if self._sorted is not None:
            self.beginResetModel()
            self.endResetModel()
        elif before == now:
            self.dataChanged.emit(self.index(0, 0), self.index(len(now) - 1, len(COLUMNS) - 1))
        elif before == now[:-1]:
            self.beginInsertRows(QModelIndex(), 0, 0)
            self.endInsertRows()
        else:
            self.beginResetModel()
            self.endResetModel()

    def name_shown(self) -> bool:
        """Take over who the shown runs are; return whether that has changed."""
        before, self._named = self._named, {m.key: m for m in self.lab.shown_models()}
        return {k: (m.role, m.title) for k, m in before.items()} != {
            k: (m.role, m.title) for k, m in self._named.items()
        }

    def role(self, row: int) -> str:
        """The role of the colour and dash of the run in this row; '' where it is not shown."""
        named = self._named.get(self.runs()[row].id) if 0 <= row < len(self.runs()) else None
        return named.role if named is not None else ""

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
        if role == Role.DisplayRole:
            return self._name(run, elsewhere) if column == 0 else shown(COLUMNS[column].text(run))
        if role == Role.EditRole:
            return COLUMNS[column].text(run)
        if role == Role.TextAlignmentRole:
            return _alignment(column)
        if role == Role.CheckStateRole and column == 0:
            ticked = run.id in self.lab.document.state.shown
            return Qt.CheckState.Checked if ticked else Qt.CheckState.Unchecked
        if role == Role.DecorationRole and column == 0:
            return self._chip(run)
        if role == Role.ToolTipRole:
            family = get_model(run.snapshot.model).title
            return tip(one_line(f"{run.title}: {family} on {run.experiment.source_title}: {run.reason}"))
        if role == Role.ForegroundRole and elsewhere:
            return QColor(current_theme().muted)
        if role == Role.BackgroundRole and self.lab.highlight and self.role(index.row()) == self.lab.highlight:
            return current_theme().color("accent", 40)
        return None

    def _name(self, run: "Run", elsewhere: bool) -> str:
        """The short name of a shown run, or the whole title of another one."""
        if elsewhere:  # its figures say nothing about what is on screen
            return shown(f"{run.experiment.source_title}: {run.title}")
        named = self._named.get(run.id)
        return named.title if named is not None else shown(run.title)

    def _chip(self, run: "Run") -> QPixmap:
        named = self._named.get(run.id)
        if named is None:
            empty = QPixmap(CHIP)
            empty.fill(Qt.GlobalColor.transparent)
            return empty
        return swatch_pixmap(named.role, size=CHIP)

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


class RunsTable(QTableView):
    """The table's view: Delete deletes what is selected; the run under the pointer is highlighted everywhere."""

    def __init__(self, panel: "RunsPanel") -> None:
        super().__init__(panel)
        self._panel = panel
        self.setMouseTracking(True)
        self.entered.connect(lambda index: panel.lab.point_at(panel.model.role(index.row())))
        self.viewportEntered.connect(lambda: panel.lab.point_at(""))

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() in (Qt.Key.Key_Delete, Qt.Key.Key_Backspace):
            self._panel.delete_selected()
        elif event.key() == Qt.Key.Key_F2 and self.currentIndex().isValid():
            self.edit(self.currentIndex().siblingAtColumn(0))
        else:
            super().keyPressEvent(event)

    def leaveEvent(self, event: QEvent) -> None:
        self._panel.lab.point_at("")
        super().leaveEvent(event)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.share_width()

    def share_width(self) -> None:
        """Give the names what the figures beside them leave: the first columns are seen whatever the width."""
        figures = sum(self.columnWidth(column) for column in range(1, FIRST))
        self.setWordWrap(False)  # else the names ask for no more than they have
        wanted = max(self.sizeHintForColumn(0), self.horizontalHeader().sectionSizeHint(0))
        self.setWordWrap(True)
        width = max(min(wanted, WIDEST, self.viewport().width() - figures), NARROWEST)
        self.setColumnWidth(0, width)
        lines = 2 if width < wanted else 1
        self.verticalHeader().setDefaultSectionSize(lines * self.fontMetrics().lineSpacing() + ROW_SPACE)


class RunsPanel(QWidget):
    """The table of runs, and below it two of them set against each other while two are selected."""

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.model = RunsModel(lab, self)
        self.table = RunsTable(self)
        self.table.setModel(self.model)
        self.table.setAccessibleName("Runs")
        self._dress_table()
        self.compared = Compared(self.name_of)
        self.compared.hide()
        both = QSplitter(Qt.Orientation.Vertical)
        both.setChildrenCollapsible(False)
        both.addWidget(self.table)
        both.addWidget(self.compared)
        self.empty = quiet_label("Fitted models are listed here with their figures.")
        self.empty.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        self._stack = QStackedLayout()
        self._stack.addWidget(self.empty)
        self._stack.addWidget(both)
        layout.addLayout(self._stack)
        lab.document.changed.connect(self._on_changed)
        lab.answered.connect(self._on_answered)
        lab.highlighted.connect(self._on_highlighted)
        self.table.selectionModel().selectionChanged.connect(self._compare)
        theme_signals.changed.connect(self._on_theme)
        self._show()

    def _dress_table(self) -> None:
        table = self.table
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setEditTriggers(QAbstractItemView.EditTrigger.DoubleClicked)
        table.setHorizontalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        table.setIconSize(CHIP)
        table.setShowGrid(False)
        table.setWordWrap(True)  # a name that is too long for its column has two lines
        table.verticalHeader().hide()
        header = table.horizontalHeader()
        header.setSectionResizeMode(QHeaderView.ResizeMode.ResizeToContents)
        header.setSectionResizeMode(0, QHeaderView.ResizeMode.Interactive)
        header.setHighlightSections(False)
        header.setSortIndicatorClearable(True)
        header.setSortIndicator(-1, Qt.SortOrder.AscendingOrder)
        table.setSortingEnabled(True)
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(self._on_menu)

    def _on_changed(self, old: State, new: State) -> None:
        if old.runs is not new.runs:
            self.model.follow(old, new)
            self._show()
        if old.runs is not new.runs or old.shown != new.shown or not same_system(old.experiment, new.experiment):
            self._name()
            self._compare()

    def _on_answered(self) -> None:
        if self.model.name_shown():
            self.table.viewport().update()

    def _on_highlighted(self) -> None:
        self.table.viewport().update()

    def _on_theme(self) -> None:
        self.table.viewport().update()

    def _name(self) -> None:
        self.model.name_shown()
        self.table.share_width()
        self.table.viewport().update()

    def _show(self) -> None:
        self._stack.setCurrentIndex(1 if self.lab.document.state.runs else 0)

    def name_of(self, run: "Run") -> str:
        """What a run is called in the table."""
        row = next((i for i, one in enumerate(self.model.runs()) if one.id == run.id), None)
        return str(self.model.index(row, 0).data()) if row is not None else shown(run.title)

    def _compare(self) -> None:
        """Set the two selected runs against each other; of fewer or more there is nothing to say."""
        chosen = self._selected()
        self.compared.setVisible(len(chosen) == 2)
        if len(chosen) == 2:
            self.compared.show_runs(chosen[0], chosen[1])

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
