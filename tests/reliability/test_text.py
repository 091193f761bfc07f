"""Text from files is text: no title, name, unit or message is ever taken for markup, wherever the window shows it."""

import ast
import re
from collections.abc import Coroutine, Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QAbstractListModel, QModelIndex
from PySide6.QtGui import QAction, Qt, QTextDocument
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractItemView,
    QApplication,
    QComboBox,
    QFileDialog,
    QGraphicsTextItem,
    QGraphicsView,
    QLabel,
    QLineEdit,
    QMessageBox,
    QPlainTextEdit,
    QTextEdit,
    QWidget,
)
from qasync import QEventLoop

from app.dialogs.error_dialog import ErrorDialog
from app.dialogs.help_sheet import HelpSheet
from app.dialogs.import_dialog import ImportDialog
from app.dialogs.log_dialog import LogDialog
from app.dialogs.progress_dialog import ProgressDialog
from app.dialogs.race_window import RaceWindow
from app.dialogs.unsaved_work_dialog import UnsavedDialog
from app.dialogs.video_import_dialog import VideoImportDialog
from app.model.settings import settings
from app.panels.runs import RunsPanel
from app.widgets.text import Page, PlainLabel, plain, rich, set_tip, tip, title_text
from hnn_engine.camera import Camera
from hnn_engine.errors import LONGEST, shown
from hnn_engine.experiment import Experiment, model_spec, new_experiment, recording_experiment
from hnn_engine.journal import Entry
from hnn_engine.models import get_model
from hnn_engine.recordings import read_shipped_recording
from hnn_engine.records import Run, Session, load_session, save_session
from hnn_engine.records.run import History, Origin
from hnn_engine.snapshot import Snapshot
from tests.app import conftest as window
from tests.app.bench import Bench

ROOT = Path(__file__).parents[2]
MARKUP = '<b>x</b><img src="file:///etc/hostname">&amp; &x[*]\u202e\x1b\n\t'
SEEN = '<img src="file:///etc/hostname">'  # what of it must be read where it is shown at all
NAME = "<b>x<b><img src=a.png>&amp; &x[*]"  # of a file, which can hold no '/'
PLAIN_PAINTERS = (
    "QHeaderView",
    "QStyledItemDelegate",
    "QComboBoxDelegate",
    "QComboMenuDelegate",
    "QFileDialogDelegate",
)
TIPS = (Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.StatusTipRole, Qt.ItemDataRole.WhatsThisRole)

no_leaks, own_settings, few_orbits = window.no_leaks, window.own_settings, window.few_orbits
compiled_loops, loop = window.compiled_loops, window.loop


@pytest.fixture
def bench(loop: QEventLoop) -> Iterator[Bench]:
    """The real window."""
    bench = loop.run_until_complete(Bench.open())
    try:
        yield bench
    finally:
        loop.run_until_complete(bench.close())
    assert bench.unforeseen == []


def run_in(loop: QEventLoop, work: Coroutine[Any, Any, None]) -> None:
    loop.run_until_complete(work)


# A session whose every string holds markup ----------------------------------------------------------------------------


def unfitted(name: str, experiment: Experiment, model: str, width: int, ending: str) -> Run:
    """A run of a model that nobody fitted."""
    spec = model_spec(model, {"width": width})
    alone, rng = replace(experiment, models=(spec,)), np.random.default_rng(width)
    shapes = get_model(model).weight_shapes(experiment.scene.dof, spec.settings)
    weights = {key: 0.1 * rng.standard_normal(shape).astype(np.float32) for key, shape in shapes.items()}
    snapshot = Snapshot(model, experiment.scene.dof, spec.settings, weights)
    losses = np.array([1.0, 2.0, 3.0])
    history = History(losses, losses, losses, losses)
    origin = Origin("first", MARKUP)
    created = "2026-01-01T00:00:00+00:00"
    return Run(name, MARKUP, alone, snapshot, history, None, ending, MARKUP, 3, 1.0, created, started_from=origin)


def marked_session(path: Path) -> Path:
    """Write such a session: two fits of one model on a recording, one of another, and one of another system."""
    recording = replace(read_shipped_recording(), title=MARKUP, source=MARKUP)
    experiment, other = recording_experiment(recording), new_experiment("pendulum")
    runs = (
        unfitted("a", experiment, "hnn", 4, "failed"),
        unfitted("b", experiment, "hnn", 5, "stopped"),
        unfitted("c", experiment, "baseline", 4, "finished"),
        unfitted("d", other, "hnn", 4, "finished"),
    )
    view = {"field": MARKUP, "energy_of": MARKUP, MARKUP: MARKUP}
    save_session(Session(experiment, runs, ("a", "b", "c"), view), path)
    return path


# What is shown --------------------------------------------------------------------------------------------------------


def faults(root: QWidget) -> list[str]:
    """Return what in `root` shows text from anywhere as markup, or would."""
    found = []
    for widget in [root, *root.findChildren(QWidget)]:
        found += [f"{type(widget).__name__} {widget.objectName()}: {fault}" for fault in _of_widget(widget)]
    return found


def _of_widget(widget: QWidget) -> Iterator[str]:
    for tip_of, text in (
        ("tooltip", widget.toolTip()),
        ("status tip", widget.statusTip()),
        ("what", widget.whatsThis()),
    ):
        yield from _of_tip(tip_of, text)
    yield from _of_title(widget.windowTitle())
    for action in widget.actions():
        yield from _of_action(action)
    if isinstance(widget, QLabel):
        plain = widget.textFormat() is Qt.TextFormat.PlainText or not Qt.mightBeRichText(widget.text())
        yield from [] if plain else [f"takes markup: {widget.text()!r}"]
    if isinstance(widget, QAbstractButton):
        yield from _of_mnemonic(widget.text())
    if isinstance(widget, QComboBox):
        yield from _of_model(widget.model(), Qt.Orientation.Horizontal)
    if isinstance(widget, QAbstractItemView):
        yield from _of_view(widget)
    if isinstance(widget, QMessageBox) and widget.textFormat() is not Qt.TextFormat.PlainText:
        yield f"the box is not plain: {widget.text()!r}"
    if isinstance(widget, QTextEdit | QPlainTextEdit):
        yield from _of_document(widget.document())
        if isinstance(widget, QTextEdit) and not isinstance(widget, Page):
            yield "takes markup"
    if isinstance(widget, QGraphicsView) and widget.scene() is not None:
        for item in widget.scene().items():
            if isinstance(item, QGraphicsTextItem):
                yield from _of_document(item.document())


def _of_tip(what: str, text: str) -> Iterator[str]:
    if not Qt.mightBeRichText(text):
        return
    document = QTextDocument()
    document.setHtml(text)
    yield from _of_document(document)
    if "hostname" in text and SEEN not in document.toPlainText():
        yield f"{what} hides markup: {text!r}"


def _of_document(document: QTextDocument) -> Iterator[str]:
    if "\ufffc" in document.toPlainText() or "<img" in document.toHtml():
        yield f"shows a picture: {document.toPlainText()!r}"
    if "hostname" in document.toHtml() and SEEN not in document.toPlainText():
        yield f"hides markup: {document.toPlainText()!r}"


def _of_mnemonic(text: str) -> Iterator[str]:
    if re.search(r"(?<!&)(&&)*&(amp;|x)", text) or "\t" in text:
        yield f"takes '&' or a tab for its own: {text!r}"


def _of_action(action: QAction) -> Iterator[str]:
    yield from _of_mnemonic(action.text())
    for what, text in (("tooltip", action.toolTip()), ("status tip", action.statusTip()), ("what", action.whatsThis())):
        yield from _of_tip(what, text)
    if action.menu() is not None and isinstance(action.menu(), QWidget):
        for inner in action.menu().actions():
            yield from _of_action(inner)


def _of_title(title: str) -> Iterator[str]:
    if title.replace("[*][*]", "").count("[*]") > 1 or "\n" in title:
        yield f"the title has a mark that is not the program's: {title!r}"


def _of_view(view: QAbstractItemView) -> Iterator[str]:
    painter = view.itemDelegate().metaObject().className() if view.itemDelegate() is not None else "QHeaderView"
    if painter not in PLAIN_PAINTERS:
        yield f"draws by {painter}"
    if view.model() is not None:
        yield from _of_model(view.model(), Qt.Orientation.Horizontal)


def _of_model(model: Any, along: Qt.Orientation) -> Iterator[str]:
    columns = 1 if isinstance(model, QAbstractListModel) else model.columnCount(QModelIndex())
    for column in range(columns):
        for role in TIPS:
            yield from _of_tip("head", str(model.headerData(column, along, role) or ""))
        for row in range(model.rowCount(QModelIndex())):
            index = model.index(row, column)
            if "\n" in str(model.data(index, Qt.ItemDataRole.DisplayRole)):
                yield f"more than a line: {model.data(index)!r}"
            for role in TIPS:
                yield from _of_tip("entry", str(model.data(index, role) or ""))


def everywhere() -> list[str]:
    """Return the faults in all windows, dialogs and menus that there are."""
    return [fault for widget in QApplication.topLevelWidgets() for fault in faults(widget)]


# The window -----------------------------------------------------------------------------------------------------------


def test_a_session_full_of_markup_is_shown_as_text(bench: Bench, loop: QEventLoop, tmp_path: Path) -> None:
    run_in(loop, _walk_the_window(bench, tmp_path))


async def _walk_the_window(bench: Bench, folder: Path) -> None:
    main = bench.window
    path = marked_session(folder / f"{NAME}.hnnlab")
    await bench.warm()
    main.spawn(main.session_actions.open(path))
    await bench.until(lambda: bench.document.path == path, "the session")
    await bench.settled()
    assert load_session(path).runs[0].title == MARKUP, "the file itself keeps what was written"
    main.system.presets_menu.aboutToShow.emit()
    main.menus.recent.aboutToShow.emit()
    main.show_help()
    main.show_race()
    bench.document.set_view(compare=True, energy_of="both", field="hnn")
    bench.lab.noticed.emit(f"{MARKUP * 20}: correct it", True)
    ErrorDialog(f"RuntimeError: {MARKUP}", MARKUP, main).open()
    await bench.settled()
    assert everywhere() == []
    _the_markup_is_there(bench)
    main.notice.dismiss()
    await _rename(bench, main.runs)
    await bench.frames(2)
    assert everywhere() == []
    for dialog in bench.error_dialogs():
        dialog.accept()
    bench.document.edit_runs((), frozenset(), MARKUP)
    assert everywhere() == []
    assert main.menus.undo.text().replace("&&", "&").startswith("Undo: <b>x</b><img")


def _the_markup_is_there(bench: Bench) -> None:
    """What is looked for is to be found: else nothing would be tested."""
    main, line = bench.window, shown(MARKUP)
    model = main.runs.model
    rows = [str(model.data(model.index(row, 0))) for row in range(model.rowCount())]
    assert rows[0] == f"Pendulum: {line}"
    assert all(row.startswith(line[:20]) and row.isprintable() for row in rows[1:])
    tips = [str(model.data(model.index(row, 0), Qt.ItemDataRole.ToolTipRole)) for row in range(model.rowCount())]
    assert all("&lt;img" in text for text in tips)
    assert main.system._about.text().startswith(line)
    assert main.windowTitle() == f"{title_text(NAME)}.hnnlab[*] – {title_text(MARKUP)} – HNN Lab"
    assert title_text(MARKUP) in main._race.windowTitle()  # type: ignore[union-attr]
    (recent,) = main.menus.recent.actions()
    assert recent.text() == f"{NAME}.hnnlab".replace("&", "&&")
    assert main.menus.recent.isEnabled()
    assert settings().recent == [bench.document.path]
    assert SEEN in main.status.sentence.whole, "two fits of one model are told apart by their titles"
    assert SEEN in main.notice.text()
    assert len(main.notice.text()) <= LONGEST
    assert main.notice.text().endswith(": correct it")
    texts = [label.text() for label in bench.error_dialogs()[0].findChildren(QLabel)]
    assert f"RuntimeError: {line}" in texts
    assert main.findChildren(HelpSheet)
    assert main.findChildren(RaceWindow)


async def _rename(bench: Bench, panel: RunsPanel) -> None:
    """Open the editor of a title, and the menu over the table."""
    panel.table.setCurrentIndex(panel.model.index(1, 0))
    panel.table.selectRow(1)
    panel._on_menu(panel.table.rect().center())
    panel.table.edit(panel.model.index(1, 0))
    (editor,) = panel.table.findChildren(QLineEdit)
    assert editor.text().startswith("<b>x</b><img")
    await bench.frames(1)
    assert everywhere() == []
    for menu in (w for w in QApplication.topLevelWidgets() if w.parent() is panel):
        menu.close()


# Dialogs --------------------------------------------------------------------------------------------------------------


def test_dialogs_show_names_and_cells_as_text(bench: Bench, loop: QEventLoop, tmp_path: Path) -> None:
    run_in(loop, _walk_the_dialogs(bench, tmp_path))


async def _walk_the_dialogs(bench: Bench, folder: Path) -> None:
    main = bench.window
    head = f"{SEEN},<b>x</b>&amp; &x,{'y' * 500}"
    table = folder / f"{NAME}.csv"
    table.write_text("\n".join([head, *(f"{0.1 * i},{np.sin(i)},{'1' * 300}" for i in range(40))]), encoding="utf-8")
    main.spawn(main.session_actions.ask_recording(table))
    found = await bench.dialog(ImportDialog)
    found.complain(MARKUP)
    await bench.frames(1)
    assert everywhere() == []
    assert found.form.time.itemText(1) == SEEN
    assert any(label.text().startswith(NAME[:9]) for label in found.findChildren(QLabel))
    assert found.problem.text() == shown(MARKUP)
    assert found.sizeHint().width() < 1000, "a long name does not widen the dialog"
    found.reject()
    await bench.until(lambda: not main.findChildren(ImportDialog), "a closed dialog")
    await _walk_the_film(bench, folder / f"{NAME}.gif")
    await _walk_the_boxes(bench, folder)


async def _walk_the_film(bench: Bench, path: Path) -> None:
    frames = 255 - Camera(40, 0.3).render(0.6 * np.cos(0.35 * np.arange(24)))
    first, *rest = (Image.fromarray(frame) for frame in frames)
    first.save(path, save_all=True, append_images=rest, duration=50, loop=0)
    bench.window.spawn(bench.window.files.import_film(path))
    dialog = await bench.dialog(VideoImportDialog)
    dialog.complain(MARKUP)
    assert everywhere() == []
    assert any(label.text().startswith(NAME[:9]) for label in dialog.findChildren(QLabel))
    dialog.reject()
    await bench.until(lambda: not bench.window.findChildren(VideoImportDialog), "a closed dialog")


async def _walk_the_boxes(bench: Bench, folder: Path) -> None:
    """The box that asks about changes, that about the measured pendulum, progress, and what a file dialog asks."""
    main = bench.window
    watched: ProgressDialog[None] = ProgressDialog(lambda tell: None, MARKUP, f"Reading {MARKUP}", main)
    watched._share = 0.5
    watched._show()
    watched.dialog.show()
    assert faults(watched.dialog) == []
    assert any(SEEN in label.text() for label in watched.dialog.findChildren(QLabel))
    watched.dialog.close()
    watched.dialog.deleteLater()
    entry = Entry(folder, datetime.now(UTC), MARKUP, folder / NAME, (MARKUP, MARKUP))
    unsaved = UnsavedDialog([entry], main)
    assert faults(unsaved) == []
    assert SEEN in unsaved.list.item(0).text()
    assert len(unsaved.list.item(0).text()) <= LONGEST
    unsaved.deleteLater()
    (folder / "hnn-lab.log").write_text(MARKUP, encoding="utf-8")
    log = LogDialog(main, folder / "hnn-lab.log")
    assert faults(log) == []
    assert log.lines.toPlainText() == plain(MARKUP)
    log.deleteLater()
    bench.edit(start=(0.7, 0.0))
    main.spawn(main.session_actions.may_leave())
    box = await bench.dialog(QMessageBox)
    assert everywhere() == []
    box.reject()
    await bench.until(lambda: not main.findChildren(QMessageBox), "a closed box")
    (folder / f"{NAME}.hnnlab").write_text("")
    main.spawn(main.files.save(ask=True))
    dialog = await bench.dialog(QFileDialog)
    said: list[str] = []
    boxes: list[str] = []
    answering = bench.lab.frame_clock.frame.connect(lambda _: _answer_box(dialog, said, boxes))
    line = dialog.findChild(QLineEdit, "fileNameEdit")
    assert line is not None
    line.setText(str(folder / f"{NAME}.hnnlab"))
    dialog.accept()  # which opens a box, and waits for its answer
    bench.lab.frame_clock.frame.disconnect(answering)
    assert said == []
    assert NAME in boxes[0]
    dialog.reject()
    await bench.until(lambda: not main.findChildren(QFileDialog), "a closed dialog")


def _answer_box(dialog: QFileDialog, said: list[str], boxes: list[str]) -> None:
    for box in dialog.findChildren(QMessageBox):
        said += faults(box)
        boxes.append(box.text())
        box.reject()


# Its one place --------------------------------------------------------------------------------------------------------


class TestPieces:
    def test_a_tooltip_shows_what_is_written(self, qapp: QApplication) -> None:
        assert tip("a < b & c") == "a < b & c"
        document = QTextDocument()
        document.setHtml(tip(f"{MARKUP}\nand a line"))
        assert document.toPlainText() == f"{shown(MARKUP[:-2])}\n\\t\nand a line"
        document.setHtml(rich("<b>{}</b><br>{}", MARKUP, "more"))
        assert SEEN in document.toPlainText()
        assert list(_of_tip("rich", rich("<b>{}</b>", MARKUP))) == []

    def test_the_walk_sees_every_kind_of_fault(self, qapp: QApplication) -> None:
        for kind in (QLabel, _tipped, _titled, _pressed, _written, _boxed):
            widget = kind(MARKUP) if kind is not QLabel else QLabel(MARKUP)
            assert faults(widget), f"{kind} is not seen"
            widget.deleteLater()
        good = QWidget()
        PlainLabel(MARKUP, good)
        set_tip(good, MARKUP)
        assert faults(good) == []
        good.deleteLater()


def _tipped(text: str) -> QWidget:
    widget = QWidget()
    widget.setToolTip(text)
    return widget


def _titled(text: str) -> QWidget:
    widget = QWidget()
    widget.setWindowTitle(f"{text}[*]")
    return widget


def _pressed(text: str) -> QWidget:
    widget = QWidget()
    widget.addAction(QAction(text, widget))
    return widget


def _written(text: str) -> QWidget:
    widget = QTextEdit()
    widget.setHtml(text)
    return widget


def _boxed(text: str) -> QWidget:
    box = QMessageBox()
    box.setText(text)
    return box


# The source -----------------------------------------------------------------------------------------------------------

ONE_PLACE = ROOT / "app" / "widgets" / "text.py"
CLASSES = {
    "QLabel",
    "QMessageBox",
    "QErrorMessage",
    "QToolTip",
    "QWhatsThis",
    "QProgressDialog",
    "QInputDialog",
    "QFileDialog",
    "QTextBrowser",
    "QTextEdit",
    "QTextDocument",
    "QGraphicsTextItem",
    "QStaticText",
    "QSplashScreen",
    "QSystemTrayIcon",
    "LabelItem",
    "LegendItem",
    "InfLineLabel",
}
MADE = {"MessageBox", "ProgressBox", "FileDialog"}  # names of classes that are not to be called elsewhere
METHODS = {
    "setToolTip",
    "setStatusTip",
    "setWhatsThis",
    "setTabToolTip",
    "showText",
    "setTextFormat",
    "setHtml",
    "setMarkdown",
    "insertHtml",
    "appendHtml",
    "setInformativeText",
    "setDetailedText",
    "setLabel",
    "setLabels",
    "addLegend",
}
WRAPPED = {  # what takes text -> by what it has to be made
    "setWindowTitle": {"title_text"},
    "QDockWidget": {"title_text"},
    "QAction": {"action_text"},
    "addAction": {"action_text"},
    "addMenu": {"action_text"},
    "setLabelText": {"plain"},
}


def breaches(tree: ast.AST) -> list[str]:
    """Return where text is shown by other means than those of the one place."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.alias) and node.name in CLASSES:
            found.append(f"imports {node.name}")
        if isinstance(node, ast.Attribute) and node.attr in CLASSES:
            found.append(ast.unparse(node))
        if isinstance(node, ast.Call):
            found += _of_call(node, tree)
        if isinstance(node, ast.If) and "ToolTipRole" in ast.unparse(node.test):
            returned = [n for part in node.body for n in ast.walk(part) if isinstance(n, ast.Return)]
            found += [ast.unparse(n) for n in returned if not ast.unparse(n).startswith("return tip(")]
    return found


def _of_call(call: ast.Call, tree: ast.AST) -> Iterator[str]:
    name = call.func.attr if isinstance(call.func, ast.Attribute) else getattr(call.func, "id", "")
    if name in METHODS | MADE or any(keyword.arg == "html" for keyword in call.keywords):
        yield ast.unparse(call)
    if name in WRAPPED:
        texts = [a for a in call.args if not (isinstance(a, ast.Call) and getattr(a.func, "id", "") == "icon")][:1]
        alone = name in ("addAction", "addMenu") and len(call.args) == 1
        for text in texts:
            an_action = alone and re.fullmatch(r"(self\.)?\w+|.*Action\(\)", ast.unparse(text))
            if not an_action and not _safe(text, WRAPPED[name], tree):
                yield ast.unparse(call)


def _safe(node: ast.AST, makers: set[str], tree: ast.AST) -> bool:
    """Whether text is the program's own, or made by one of `makers`."""
    if isinstance(node, ast.Constant):
        return True
    if isinstance(node, ast.Call):
        return getattr(node.func, "id", "") in makers
    if isinstance(node, ast.JoinedStr):
        return all(_safe(part, makers, tree) for part in node.values)
    if isinstance(node, ast.FormattedValue):
        return _safe(node.value, makers, tree)
    if isinstance(node, ast.Name):
        given = [n.value for n in ast.walk(tree) if isinstance(n, ast.Assign) and ast.unparse(n.targets[0]) == node.id]
        return bool(given) and all(_safe(value, makers, tree) for value in given)
    return False


def test_words_are_shown_by_the_means_of_one_place() -> None:
    found = {}
    for path in sorted((ROOT / "app").rglob("*.py")):
        if path != ONE_PLACE:
            found[str(path.relative_to(ROOT))] = breaches(ast.parse(path.read_text(encoding="utf-8")))
    assert {path: faults for path, faults in found.items() if faults} == {}


@pytest.mark.parametrize(
    "line",
    [
        "from PySide6.QtWidgets import QLabel",
        "label = QtWidgets.QLabel(title)",
        "button.setToolTip(title)",
        "self.setWindowTitle(title)",
        "self.setWindowTitle(f'Race of {title}')",
        "menu.addAction(path.name)",
        "menu.addAction(icon('open'), path.name)",
        "QAction(f'Open {name}', menu)",
        "item = pg.LabelItem(name)",
        "pg.TextItem(html=name)",
        "axis.setLabel(name)",
        "box = MessageBox(parent)",
        "def data():\n    if role == Role.ToolTipRole:\n        return run.title",
    ],
)  # fmt: skip
def test_the_test_of_the_source_sees_a_breach(line: str) -> None:
    assert breaches(ast.parse(line)) != []


def test_the_test_of_the_source_lets_good_lines_pass() -> None:
    lines = """
label = PlainLabel(title)
set_tip(button, title)
self.setWindowTitle("Open a video")
title = f"{title_text(name)}[*] – HNN Lab"
self.setWindowTitle(title)
menu.addAction(action)
menu.addAction(dock.toggleViewAction())
menu.addAction(icon("trash"), "Delete")
menu.addAction(action_text(path.name))
"""
    assert breaches(ast.parse(lines)) == []
