"""The runs table by mouse and keys: show, hide, rename, delete, and undo of each."""

from dataclasses import fields

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLineEdit, QStyle, QStyleOptionViewItem

from app.panels.runs import COLUMNS, RunsTable
from tests.app.bench import CTRL, LEFT, NO_KEY, Bench
from tests.reliability.watch import QtSays


async def fitted(bench: Bench) -> RunsTable:
    """Two short fits, and their table."""
    await bench.warm()
    bench.small_fit(15, 8)
    await bench.train()
    return bench.window.runs.table


def cell(table: RunsTable, row: int, column: int = 0) -> QPoint:
    """The middle of a cell."""
    return table.visualRect(table.model().index(row, column)).center()


def check_box(table: RunsTable, row: int) -> QPoint:
    """The middle of a row's check box."""
    option = QStyleOptionViewItem()
    table.initViewItemOption(option)
    index = table.model().index(row, 0)
    option.rect = table.visualRect(index)
    option.features |= QStyleOptionViewItem.ViewItemFeature.HasCheckIndicator
    return table.style().subElementRect(QStyle.SubElement.SE_ItemViewItemCheckIndicator, option, table).center()


async def test_every_fit_stands_there_with_its_figures(bench: Bench) -> None:
    table = await fitted(bench)
    model = table.model()
    assert model.rowCount() == 2
    titles = [model.index(row, 0).data(Qt.ItemDataRole.EditRole) for row in range(2)]
    assert titles == [r.title for r in reversed(bench.document.state.runs)]
    assert [model.index(row, 0).data() for row in range(2)] == ["HNN", "Baseline"], "as everywhere else"
    headings = [column.title for column in COLUMNS]
    for name in ("Steps", "Train", "Test", "Floor", "Energy", "Error", "Field"):
        text = model.index(0, headings.index(name)).data()
        assert text, name
        assert text != "–", name
    for run in bench.document.state.runs:
        assert run.figures is not None
        assert run.figures.test_loss == pytest.approx(run.history.test[-1], rel=1e-3)


@pytest.mark.usefixtures("unevaluated")
async def test_a_tick_hides_and_shows(bench: Bench) -> None:
    table = await fitted(bench)
    hidden = bench.document.state.runs[-1]
    QTest.mouseClick(table.viewport(), LEFT, NO_KEY, check_box(table, 0))
    await bench.settled()
    assert hidden.id not in bench.document.state.shown
    assert [t.key for t in bench.answer.models] == [r.id for r in bench.document.state.runs[:-1]]
    assert hidden.id not in bench.window.portrait.curves.items
    QTest.mouseClick(table.viewport(), LEFT, NO_KEY, check_box(table, 0))
    await bench.settled()
    assert len(bench.answer.models) == 2
    bench.document.undo()
    bench.document.undo()
    assert hidden.id in bench.document.state.shown


@pytest.mark.usefixtures("unevaluated")
async def test_a_double_click_renames(bench: Bench) -> None:
    table = await fitted(bench)
    before = bench.document.state.runs[-1].title
    QTest.mouseClick(table.viewport(), LEFT, NO_KEY, cell(table, 0))
    QTest.mouseDClick(table.viewport(), LEFT, NO_KEY, cell(table, 0))
    await bench.frames(2)
    (editor,) = [e for e in table.findChildren(QLineEdit) if e.isVisible()]
    editor.selectAll()
    QTest.keyClicks(editor, "my best one")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    await bench.frames(2)
    assert bench.document.state.runs[-1].title == "my best one"
    assert table.model().index(0, 0).data() == "my best one"
    bench.document.undo()
    assert bench.document.state.runs[-1].title == before


def begin_to_rename(bench: Bench, table: RunsTable, text: str) -> QLineEdit:
    """Press F2 on the newest run and put `text` into the box that opens."""
    table.setCurrentIndex(table.model().index(0, 0))
    bench.key(Qt.Key.Key_F2, widget=table)
    (editor,) = [e for e in table.findChildren(QLineEdit) if e.isVisible()]
    editor.setFocus()
    editor.selectAll()
    QTest.keyClicks(editor, text)
    return editor


@pytest.mark.usefixtures("unevaluated")
async def test_after_a_rename_the_run_is_still_selected_and_qt_has_nothing_to_say(bench: Bench) -> None:
    table, says = await fitted(bench), QtSays()
    editor = begin_to_rename(bench, table, "mine")
    QTest.keyClick(editor, Qt.Key.Key_Return)
    await bench.frames(2)
    says.close()
    assert bench.document.state.runs[-1].title == "mine"
    assert [index.row() for index in table.selectionModel().selectedRows()] == [0]
    assert not says.warnings


@pytest.mark.usefixtures("unevaluated")
async def test_a_fit_that_ends_leaves_a_title_under_way_alone(bench: Bench) -> None:
    table = await fitted(bench)
    named = bench.document.state.runs[-1]
    bench.small_fit(15, 8)
    editor = begin_to_rename(bench, table, "mine")
    bench.lab.training.start()
    await bench.until(lambda: len(bench.document.state.runs) == 4, "the new runs")
    await bench.frames(2)
    assert editor.isVisible()
    QTest.keyClick(editor, Qt.Key.Key_Return)
    await bench.frames(2)
    assert [run.title for run in bench.document.state.runs if run.id == named.id] == ["mine"]
    assert table.model().index(2, 0).data() == "mine"


@pytest.mark.usefixtures("unevaluated")
async def test_delete_deletes_what_is_selected_and_undo_brings_it_back(bench: Bench) -> None:
    table = await fitted(bench)
    gone, kept = bench.document.state.runs[-1], bench.document.state.runs[0]
    QTest.mouseClick(table.viewport(), LEFT, NO_KEY, cell(table, 0, 1))
    QTest.keyClick(table, Qt.Key.Key_Delete)
    await bench.settled()
    assert list(bench.document.state.runs) == [kept]
    assert [t.key for t in bench.answer.models] == [kept.id]
    assert table.model().rowCount() == 1
    bench.window.portrait.plot.setFocus()
    bench.key(Qt.Key.Key_Z, CTRL)
    await bench.settled()
    assert list(bench.document.state.runs) == [kept, gone]
    assert len(bench.answer.models) == 2


@pytest.mark.usefixtures("unevaluated")
async def test_a_newer_fit_takes_the_place_of_the_older_and_only_one_can_be_shown(bench: Bench) -> None:
    table = await fitted(bench)
    await bench.train()
    runs = bench.document.state.runs
    assert len(runs) == 4
    assert bench.document.state.shown == {r.id for r in runs[2:]}
    QTest.mouseClick(table.viewport(), LEFT, NO_KEY, cell(table, 3, 1))
    bench.window.runs.show_only()
    await bench.settled()
    assert bench.document.state.shown == {runs[0].id}
    assert [t.key for t in bench.answer.models] == [runs[0].id]


@pytest.mark.usefixtures("unevaluated")
async def test_runs_of_another_system_stay_but_are_not_drawn(bench: Bench) -> None:
    table = await fitted(bench)
    await bench.pick("mass-spring")
    assert table.model().rowCount() == 2
    assert bench.answer.models == ()
    bench.document.undo()
    await bench.settled()
    assert len(bench.answer.models) == 2


@pytest.mark.usefixtures("unevaluated")
async def test_a_run_of_another_system_says_of_which(bench: Bench) -> None:
    table = await fitted(bench)
    own = table.model().index(0, 0).data(Qt.ItemDataRole.EditRole)
    await bench.pick("mass-spring")
    assert table.model().index(0, 0).data() == f"Pendulum: {own}"
    assert table.model().index(0, 0).data(Qt.ItemDataRole.EditRole) == own
    await bench.pick("pendulum")
    assert table.model().index(0, 0).data() == "HNN"


@pytest.mark.usefixtures("unevaluated")
async def test_a_hidden_run_keeps_its_weights_alone(bench: Bench) -> None:
    table = await fitted(bench)
    bench.key(Qt.Key.Key_Space)
    snapshot = bench.document.state.runs[-1].snapshot
    assert "_layout" in vars(snapshot)
    QTest.mouseClick(table.viewport(), LEFT, NO_KEY, check_box(table, 0))
    await bench.settled()
    assert set(vars(snapshot)) == {f.name for f in fields(snapshot)}  # nothing that was made from the weights
