"""Notices: where they stand, when they go, and that they are read whole."""

from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, QPointF, QRect, Qt
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.widgets.notice import FADE_SECONDS, LETTER_SECONDS, NEWS_SECONDS, NoticeBar
from app.widgets.parameter_form import REFUSAL_MS
from tests.app.bench import LEFT, Bench

LONG = "The file cannot be read: " + "what stands in its third line is no number, " * 5 + "correct it"


class TestWhenTheyGo:
    def test_news_fades_by_itself(self, qtbot: QtBot) -> None:
        bar = NoticeBar()
        qtbot.addWidget(bar)
        bar.show_info("It is saved")
        stands = NEWS_SECONDS + LETTER_SECONDS * len("It is saved")
        bar.advance(stands - 1.5 * FADE_SECONDS)
        assert bar.graphicsEffect() is None
        bar.advance(FADE_SECONDS)
        assert bar.graphicsEffect() is not None
        assert bar.text() == "It is saved"
        bar.advance(FADE_SECONDS)
        assert bar.text() == ""

    def test_a_fault_stays_until_it_is_gone(self, qtbot: QtBot) -> None:
        bar = NoticeBar()
        qtbot.addWidget(bar)
        bar.show_error("The disk is full")
        bar.advance(1000.0)
        bar.settle("Something else")
        assert bar.text() == "The disk is full"
        bar.settle("The disk is full")
        assert bar.text() == ""

    async def test_a_refused_edit_is_forgotten_with_the_next_one(self, bench: Bench) -> None:
        data = {**bench.experiment.data, "points": 5_000}
        assert not bench.lab.edit("Too much", data=data)
        assert "points" in bench.window.notice.text()
        bench.lab.noticed.emit("The disk is full", True)
        bench.edit(start=(1.0, 0.0))
        assert bench.window.notice.text() == "The disk is full", "another fault than that of the edit"
        bench.window.notice.dismiss()
        assert not bench.lab.edit("Too much", data=data)
        bench.edit(start=(1.1, 0.0))
        assert bench.window.notice.text() == ""

    async def test_a_refused_number_says_so_until_it_is_of_no_interest(self, bench: Bench) -> None:
        form = bench.window.system._form
        assert form is not None
        bench.set_number(form, "mass", "99999")
        assert "99999" in form.problem("mass")
        bench.set_number(form, "mass", "2")
        assert form.problem("mass") == ""
        bench.set_number(form, "mass", "99999")
        bench.document.undo()
        bench.window.scene.setFocus()
        form.row("mass").show_value(0.5)
        assert form.problem("mass") == ""
        assert REFUSAL_MS <= 15_000

    async def test_saving_says_that_it_saved(self, bench: Bench, tmp_path: Path) -> None:
        path = tmp_path / "swing.hnnlab"
        bench.document.path = path
        bench.window.spawn(bench.window.session_actions.save())
        await bench.until(lambda: bench.window.notice.text() == "The session is saved as swing.hnnlab.", "the word")
        assert path.exists()


class TestWhereTheyStand:
    @pytest.mark.parametrize("size", [(853, 533), (1280, 800), (1920, 1080)])
    @pytest.mark.parametrize("text", ["Saved.", LONG])
    async def test_they_cover_no_control(self, bench: Bench, size: tuple[int, int], text: str) -> None:
        window = bench.window
        window.resize(*size)
        await bench.frames(2)
        bench.lab.noticed.emit(text, True)
        notice = window.notice
        for dock in window.docks.values():
            if dock.isVisible():
                assert not notice.geometry().intersects(QRect(dock.mapTo(window, QPoint()), dock.size()))
        assert not notice.geometry().intersects(window.playback_bar.geometry())
        bar = window.menuBar()
        for action in bar.actions():
            assert not notice.geometry().intersects(bar.actionGeometry(action).translated(bar.pos()))
        assert window.rect().contains(notice.geometry())
        assert notice.text() == text

    async def test_a_cut_sentence_is_shown_whole_by_a_click(self, bench: Bench) -> None:
        window, notice = bench.window, bench.window.notice
        window.resize(853, 533)
        await bench.frames(2)
        bench.lab.noticed.emit(LONG, True)
        await bench.frames(1)
        assert notice._text.text().endswith("…")
        assert LONG in notice.toolTip()
        QTest.mouseClick(notice, LEFT, Qt.KeyboardModifier.NoModifier, QPointF(60, 8).toPoint())
        await bench.frames(1)
        assert notice._text.text() == LONG
        assert notice._text.heightForWidth(notice._text.width()) <= notice._text.height() + 2
