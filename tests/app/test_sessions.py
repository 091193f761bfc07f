"""Sessions through the window: save, reopen, save as, recent, and the question about unsaved changes."""

import os
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox

from app.model.settings import settings
from hnn_engine.data_edits import NO_EDITS, Place
from hnn_engine.records import load_session, save_session, write_run
from hnn_engine.records.equality import difference
from tests.app.bench import CTRL, SHIFT, Bench

Button = QMessageBox.StandardButton


async def answer(bench: Bench, button: QMessageBox.StandardButton) -> None:
    """Click a button of the question."""
    box = await bench.dialog(QMessageBox)
    await bench.press_button(box.button(button))


async def saved(bench: Bench, path: Path) -> None:
    """Save under `path` by Ctrl+S and the dialog."""
    bench.key(Qt.Key.Key_S, CTRL)
    await bench.name_file(path)
    await bench.until(lambda: bench.document.path is not None and not bench.document.dirty, "the session saved")


@pytest.mark.usefixtures("unevaluated")
async def test_save_and_reopen_brings_everything_back(bench: Bench, tmp_path: Path) -> None:
    await bench.warm()
    bench.small_fit(20, 8)
    await bench.train()
    bench.edit(start=(0.7, -0.3))
    bench.document.set_view(field="hnn", contours=False, axes=(1, 0), speed=2.0)
    await bench.settled()
    tracks = {t.key: t.coords for t in bench.answer.models}
    await saved(bench, tmp_path / "mine")
    path = tmp_path / "mine.hnnlab"
    assert bench.document.path == path
    assert path.exists()
    assert "mine.hnnlab" in bench.window.windowTitle()
    assert not bench.window.isWindowModified()
    view, title = bench.document.view, bench.document.state.runs[0].title
    await bench.close()

    again = await Bench.open()
    try:
        assert again.experiment.start != (0.7, -0.3)
        again.window.spawn(again.window.session_actions.open(path))
        await again.until(lambda: again.document.path == path, "the session")
        await again.warm()
        assert again.experiment.start == (0.7, -0.3)
        assert again.document.view == view
        assert again.lab.playback.speed == 2.0
        assert again.document.state.runs[0].title == title
        assert {t.key for t in again.answer.models} == set(tracks)
        for track in again.answer.models:
            assert np.allclose(track.coords, tracks[track.key], rtol=1e-6, atol=1e-6)
        assert not again.document.dirty
        assert again.document.undo_label == ""
        assert again.window.runs.table.model().rowCount() == 2
    finally:
        await again.close()


async def test_save_again_writes_to_the_same_file(bench: Bench, tmp_path: Path) -> None:
    bench.edit(start=(0.7, 0.0))
    await saved(bench, tmp_path / "a.hnnlab")
    before = (tmp_path / "a.hnnlab").read_bytes()
    bench.edit(start=(0.8, 0.0))
    assert bench.window.isWindowModified()
    bench.key(Qt.Key.Key_S, CTRL)
    await bench.until(lambda: not bench.document.dirty, "saved")
    assert (tmp_path / "a.hnnlab").read_bytes() != before
    assert [p.name for p in tmp_path.glob("*.hnnlab")] == ["a.hnnlab"]


async def test_save_as_leaves_the_old_file(bench: Bench, tmp_path: Path) -> None:
    bench.edit(start=(0.7, 0.0))
    await saved(bench, tmp_path / "a.hnnlab")
    before = (tmp_path / "a.hnnlab").read_bytes()
    bench.edit(start=(0.8, 0.0))
    bench.key(Qt.Key.Key_S, CTRL | SHIFT)
    await bench.name_file(tmp_path / "b.hnnlab")
    await bench.until(lambda: bench.document.path == tmp_path / "b.hnnlab", "the other name")
    assert (tmp_path / "a.hnnlab").read_bytes() == before
    assert settings().recent == [tmp_path / "b.hnnlab", tmp_path / "a.hnnlab"]


async def test_recent_sessions_are_in_the_menu(bench: Bench, tmp_path: Path) -> None:
    bench.edit(start=(0.7, 0.0))
    await saved(bench, tmp_path / "a.hnnlab")
    bench.key(Qt.Key.Key_N, CTRL)
    await bench.until(lambda: bench.document.path is None, "a new session")
    menu = bench.window.menus.recent
    menu.aboutToShow.emit()
    (action,) = menu.actions()
    assert action.text() == "a.hnnlab"
    action.trigger()
    await bench.until(lambda: bench.document.path == tmp_path / "a.hnnlab", "the session")
    assert bench.experiment.start == (0.7, 0.0)
    (tmp_path / "a.hnnlab").unlink()
    menu.aboutToShow.emit()
    menu.actions()[0].trigger()
    await bench.until(lambda: "does not exist" in bench.window.notice.text(), "a notice")
    assert bench.experiment.start == (0.7, 0.0)
    assert settings().recent == []


async def test_open_by_key_and_dialog(bench: Bench, tmp_path: Path) -> None:
    bench.edit(start=(0.7, 0.0))
    save_session(bench.document.session(), tmp_path / "a.hnnlab")
    bench.document.undo()
    assert not bench.document.dirty
    bench.key(Qt.Key.Key_O, CTRL)
    await bench.name_file(tmp_path / "a.hnnlab")
    await bench.until(lambda: bench.document.path is not None, "the session")
    assert bench.experiment.start == (0.7, 0.0)


@pytest.mark.usefixtures("unevaluated")
async def test_a_folder_of_a_run_opens_as_a_session_without_a_name(bench: Bench, tmp_path: Path) -> None:
    await bench.warm()
    bench.small_fit(20, 8)
    await bench.train()
    run = bench.document.state.runs[0]
    write_run(run, tmp_path / "run")
    bench.document.mark_saved(bench.document.state, tmp_path / "other.hnnlab")
    bench.window.spawn(bench.window.session_actions.open(tmp_path / "run"))
    await bench.until(lambda: bench.document.path is None, "the run")
    await bench.settled()
    assert [r.id for r in bench.document.state.runs] == [run.id]
    assert [t.key for t in bench.answer.models] == [run.id]
    assert not bench.document.dirty


class TestQuestion:
    async def test_nothing_unsaved_is_no_question(self, bench: Bench) -> None:
        bench.window.close()
        await bench.until(bench.window.closed.is_set, "leave to close")

    async def test_cancel_stays(self, bench: Bench) -> None:
        bench.edit(start=(0.7, 0.0))
        bench.window.close()
        await answer(bench, Button.Cancel)
        assert bench.window.isVisible()
        assert not bench.window.closed.is_set()
        assert bench.experiment.start == (0.7, 0.0)

    async def test_discard_goes(self, bench: Bench) -> None:
        bench.edit(start=(0.7, 0.0))
        bench.key(Qt.Key.Key_N, CTRL)
        await answer(bench, Button.Discard)
        await bench.until(lambda: bench.experiment.start != (0.7, 0.0), "a new session")
        assert not bench.document.dirty
        assert bench.document.undo_label == ""

    async def test_save_saves_and_goes(self, bench: Bench, tmp_path: Path) -> None:
        bench.edit(start=(0.7, 0.0))
        bench.window.close()
        await answer(bench, Button.Save)
        await bench.name_file(tmp_path / "kept.hnnlab")
        await bench.until(bench.window.closed.is_set, "leave to close")
        assert (tmp_path / "kept.hnnlab").exists()

    async def test_save_without_a_name_stays(self, bench: Bench) -> None:
        bench.edit(start=(0.7, 0.0))
        bench.window.close()
        await answer(bench, Button.Save)
        dialog = await bench.dialog(QFileDialog)
        bench.key(Qt.Key.Key_Escape, widget=dialog)
        await bench.frames(3)
        assert not bench.window.closed.is_set()
        assert bench.document.dirty


class TestDirty:
    async def test_undo_across_a_save(self, bench: Bench, tmp_path: Path) -> None:
        window = bench.window
        bench.edit(start=(0.7, 0.0))
        await saved(bench, tmp_path / "a.hnnlab")
        bench.edit(start=(0.8, 0.0))
        assert window.isWindowModified()
        bench.key(Qt.Key.Key_Z, CTRL)
        assert not window.isWindowModified()
        bench.key(Qt.Key.Key_Z, CTRL)
        assert window.isWindowModified()
        bench.key(Qt.Key.Key_Z, CTRL | SHIFT)
        assert not window.isWindowModified()
        assert bench.experiment.start == (0.7, 0.0)


@pytest.mark.usefixtures("unevaluated")
class TestWhileTraining:
    async def begin(self, bench: Bench) -> None:
        """Let a fit go on that would not end by itself."""
        await bench.warm()
        bench.small_fit(50_000)
        bench.document._saved = bench.document.state
        bench.click(bench.window.training.button)
        await bench.until(
            lambda: bench.lab.training.series and all(s.step > 20 for s in bench.lab.training.series.values()), "steps"
        )

    async def test_a_cancelled_open_lets_the_fit_go_on(self, bench: Bench) -> None:
        await self.begin(bench)
        bench.key(Qt.Key.Key_O, CTRL)
        await answer(bench, Button.Discard)
        dialog = await bench.dialog(QFileDialog)
        bench.key(Qt.Key.Key_Escape, widget=dialog)
        await bench.frames(5)
        done = sum(s.step for s in bench.lab.training.series.values())
        await bench.until(lambda: sum(s.step for s in bench.lab.training.series.values()) > done, "steps")
        assert bench.lab.training.worker.running

    async def test_a_file_that_cannot_be_opened_lets_the_fit_go_on(self, bench: Bench, tmp_path: Path) -> None:
        await self.begin(bench)
        (tmp_path / "bad.hnnlab").write_bytes(os.urandom(100))
        bench.window.spawn(bench.window.session_actions.open(tmp_path / "bad.hnnlab"))
        await answer(bench, Button.Discard)
        await bench.until(lambda: "bad.hnnlab" in bench.window.notice.text(), "a notice")
        assert bench.lab.training.worker.running
        done = sum(s.step for s in bench.lab.training.series.values())
        await bench.until(lambda: sum(s.step for s in bench.lab.training.series.values()) > done, "steps")

    async def test_saving_on_leave_keeps_what_was_reached(self, bench: Bench, tmp_path: Path) -> None:
        await self.begin(bench)
        bench.document.path = tmp_path / "kept.hnnlab"
        bench.window.close()
        await answer(bench, Button.Save)
        await bench.until(bench.window.closed.is_set, "leave to close")
        kept = load_session(tmp_path / "kept.hnnlab").runs
        assert {r.snapshot.model for r in kept} == {"baseline", "hnn"}
        assert all(r.ending == "stopped" and r.steps > 10 for r in kept)

    async def test_a_new_session_ends_the_fit(self, bench: Bench) -> None:
        await self.begin(bench)
        bench.key(Qt.Key.Key_N, CTRL)
        await answer(bench, Button.Discard)
        await bench.ended()
        await bench.frames(3)
        assert bench.document.state.runs == ()
        assert bench.lab.training.series == {}
        assert bench.window.training.button.text() == "Train"
        await bench.settled()
        assert bench.answer.models == ()


@pytest.mark.usefixtures("unevaluated")
async def test_data_moved_by_hand_stays_with_its_system_and_the_session_opens(bench: Bench, tmp_path: Path) -> None:
    await bench.warm()
    said: list[str] = []
    bench.lab.noticed.connect(lambda text, _: said.append(text))
    bench.edit(edits=NO_EDITS.with_move(Place(0, 0.0), (0.2, -0.1)))
    bench.small_fit(20, 8)
    await bench.train()
    moved = bench.experiment.edits
    await bench.pick("double-pendulum")
    assert bench.experiment.edits == NO_EDITS
    assert any("stay with Pendulum" in text for text in said)
    await saved(bench, tmp_path / "mine")
    session = load_session(tmp_path / "mine.hnnlab")
    assert difference(bench.document.session(), session) == ""
    assert {run.experiment.edits for run in session.runs} == {moved}
    bench.document.undo()
    assert bench.experiment.source_name == "pendulum"
    assert bench.experiment.edits == moved
    await bench.pick("pendulum")
    assert bench.experiment.edits == moved  # the same system again: it is not let go


async def test_the_hand_is_let_go_where_a_constant_makes_another_system_of_it(bench: Bench, tmp_path: Path) -> None:
    await bench.pick("n-body")
    count = 2 * bench.experiment.scene.dof
    bench.edit(edits=NO_EDITS.with_move(Place(0, 0.0), (0.01,) * count))
    form = bench.window.system._form
    assert form is not None
    bench.window.system._on_edited("bodies", 4, True)
    assert bench.experiment.scene.dof == 8
    assert bench.experiment.edits == NO_EDITS
    await saved(bench, tmp_path / "mine")
    load_session(tmp_path / "mine.hnnlab")
