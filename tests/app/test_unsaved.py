"""What is not saved goes to the journal, and comes back; what is saved or discarded leaves nothing there."""

import asyncio
import json
import os
import shutil
import signal
import threading
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from PySide6.QtCore import QSettings
from PySide6.QtGui import QGuiApplication, QSessionManager
from PySide6.QtWidgets import QFileDialog, QLineEdit, QMessageBox

import app.application
import app.workers.journal_worker
from app.application import close_window
from app.dialogs.unsaved_work_dialog import UnsavedDialog
from app.model.settings import settings
from app.window.shutdown import ShutdownSignals
from hnn_engine.errors import HnnLabError
from hnn_engine.journal import Writer, entries, journal_folder
from hnn_engine.records import Run, load_session
from hnn_engine.records.session import Session
from tests.app.bench import Bench
from tests.app.test_sessions import answer, saved

Button = QMessageBox.StandardButton
pytestmark = pytest.mark.usefixtures("unevaluated")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep changes after a moment."""
    monkeypatch.setattr(app.workers.journal_worker, "EVERY", 0.1)


def places() -> list[Path]:
    """The folders in the journal."""
    return sorted(journal_folder().iterdir()) if journal_folder().is_dir() else []


async def kept(bench: Bench, ready: Callable[[], bool]) -> None:
    """Wait until the journal has done what it was asked, and `ready`."""
    journal = bench.window.journal
    await bench.until(lambda: not journal._timer.isActive() and journal.wait(0.0) and ready(), "the journal")


async def died(bench: Bench) -> None:
    """Let go of the entry, as the end of a process does."""
    writer = bench.window.journal._writer
    assert writer is not None
    await bench.window.journal.away(writer.leave)


def left_behind(work: Session, path: Path | None = None) -> None:
    """Leave `work` in the journal, as a window that has died."""
    writer = Writer(journal_folder())
    writer.write(work, path)
    writer.leave()


def now() -> datetime:
    return datetime.now().astimezone()


async def fitted(bench: Bench) -> None:
    bench.small_fit(15, 8)
    await bench.train()


async def test_a_fit_that_ends_is_in_the_journal_at_once(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(app.workers.journal_worker, "EVERY", 3600.0)
    assert places() == []
    await fitted(bench)
    await bench.until(lambda: bench.window.journal.wait(0.0), "the journal")
    await died(bench)
    (entry,) = entries(journal_folder())
    assert entry.runs == tuple(run.title for run in bench.document.state.runs)
    assert len(entry.runs) == 2
    assert "Pendulum, 2 fits (Baseline · Paper · seed 0, HNN · Paper · seed 0)" in entry.sentence(now())


async def test_a_fit_that_has_ended_is_kept_while_it_is_evaluated(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.workers.journal_worker, "EVERY", 3600.0)
    evaluated = threading.Event()
    monkeypatch.setattr(
        "app.workers.evaluation_worker.evaluated_run", lambda run, data, progress: evaluated.wait(60.0) and run
    )
    bench.small_fit(15, 8)
    bench.click(bench.window.training.button)
    await bench.until(lambda: len(bench.document.state.runs) == 2, "both fits at their end, in the table")
    await bench.until(lambda: bench.window.journal.wait(0.0), "the journal")
    (place,) = places()
    titles = [run["title"] for run in json.loads((place / "document.json").read_text())["runs"]]
    assert titles == ["Baseline · Paper · seed 0", "HNN · Paper · seed 0"]
    assert bench.lab.evaluation.busy
    evaluated.set()
    await bench.ended()
    await kept(bench, lambda: len(list(place.glob("*/weights.safetensors"))) == 2)


async def test_a_fit_whose_judging_fails_is_kept_in_the_table(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(run: Run, data: object, progress: object) -> None:
        raise HnnLabError("It cannot be evaluated")

    monkeypatch.setattr("app.workers.evaluation_worker.evaluated_run", fail)
    bench.small_fit(15, 8)
    bench.click(bench.window.training.button)
    await bench.until(lambda: len(bench.document.state.runs) == 2, "the runs")
    assert [run.figures for run in bench.document.state.runs] == [None, None]
    await kept(bench, lambda: len(places()) == 1)


async def test_what_changes_while_a_session_is_read_is_asked_about(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await saved(bench, tmp_path / "other.hnnlab")
    reads, goes_on = threading.Event(), threading.Event()

    def slowly(path: Path) -> Session:
        reads.set()
        goes_on.wait(60.0)
        return load_session(path)

    monkeypatch.setattr("app.window.file_dialogs.load_session", slowly)
    for choice in (Button.Cancel, Button.Discard):
        goes_on.clear()
        reads.clear()
        bench.document.undo()
        bench.window.spawn(bench.window.session_actions.open(tmp_path / "other.hnnlab"))
        await bench.until(reads.is_set, "the reading")
        bench.edit(start=(0.5, 0.25))
        goes_on.set()
        await answer(bench, choice)
        assert bench.document.dirty == (choice is Button.Cancel)
    await bench.until(lambda: bench.experiment.start != (0.5, 0.25), "the session that was asked for")


async def test_what_is_saved_while_it_is_read_opens_as_it_was_saved(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The session is opened again from its own file, and changes are saved there once it has been read."""
    path = tmp_path / "mine.hnnlab"
    await saved(bench, path)
    reads, goes_on = threading.Event(), threading.Event()

    def slowly(path: Path) -> Session:
        session = load_session(path)
        reads.set()
        goes_on.wait(60.0)
        return session

    monkeypatch.setattr("app.window.file_dialogs.load_session", slowly)
    bench.window.spawn(bench.window.session_actions.open(path))
    await bench.until(reads.is_set, "the reading")
    bench.edit(start=(0.5, 0.25))
    opened = bench.document.state
    goes_on.set()
    await answer(bench, Button.Save)
    await bench.until(lambda: bench.document.state is not opened and not bench.document.dirty, "the session")
    assert bench.experiment.start == (0.5, 0.25)
    assert load_session(path).experiment.start == (0.5, 0.25)


async def test_an_entry_that_fails_to_open_is_free_again(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    left_behind(bench.document.session())
    (entry,) = entries(journal_folder())

    def fail(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr("app.window.session_actions.state_of", fail)
    with pytest.raises(MemoryError):
        await bench.window.session_actions._open_unsaved(entry)
    assert entries(journal_folder()) == [entry]


async def test_a_change_is_kept_after_a_while_and_runs_are_written_once(bench: Bench) -> None:
    await fitted(bench)
    await kept(bench, lambda: len(places()) == 1)
    (place,) = places()
    weights = sorted(place.glob("*/weights.safetensors"))
    before = [path.stat().st_mtime_ns for path in weights]
    document = (place / "document.json").read_bytes()
    bench.edit(start=(0.5, 0.0))
    run = bench.document.state.runs[0]
    renamed = (replace(run, title="Mine"), *bench.document.state.runs[1:])
    bench.document.edit_runs(renamed, bench.document.state.shown, "Rename a run")
    await kept(bench, lambda: (place / "document.json").read_bytes() != document)
    assert [path.stat().st_mtime_ns for path in sorted(place.glob("*/weights.safetensors"))] == before
    await died(bench)
    (entry,) = entries(journal_folder())
    assert entry.runs[0] == "Mine"


async def test_what_is_taken_back_or_saved_leaves_nothing(bench: Bench, tmp_path: Path) -> None:
    bench.edit(start=(0.5, 0.0))
    await kept(bench, lambda: len(places()) == 1)
    bench.document.undo()
    await kept(bench, lambda: places() == [])
    bench.document.redo()
    await kept(bench, lambda: len(places()) == 1)
    await saved(bench, tmp_path / "mine.hnnlab")
    await kept(bench, lambda: places() == [])


async def test_discarding_leaves_nothing_and_cancelling_keeps(bench: Bench) -> None:
    bench.edit(start=(0.5, 0.0))
    await kept(bench, lambda: len(places()) == 1)
    bench.window.close()
    await answer(bench, Button.Cancel)
    assert len(places()) == 1
    bench.window.close()
    await answer(bench, Button.Discard)
    await asyncio.wait_for(bench.window.closed.wait(), 5.0)
    await bench.close()
    assert places() == []


async def test_the_setting_switches_it_off_and_takes_away_what_was_kept(bench: Bench) -> None:
    keeps = bench.window.menus.keeps
    assert keeps.isChecked()
    bench.edit(start=(0.5, 0.0))
    await kept(bench, lambda: len(places()) == 1)
    keeps.trigger()
    await kept(bench, lambda: places() == [])
    assert not settings().keeps_unsaved
    await fitted(bench)
    await kept(bench, lambda: True)
    assert places() == []
    keeps.trigger()
    await kept(bench, lambda: len(places()) == 1)
    assert settings().keeps_unsaved


async def test_what_was_left_is_offered_opened_and_saved_where_it_was(bench: Bench, tmp_path: Path) -> None:
    await fitted(bench)
    bench.edit(start=(0.5, 0.25))
    work, runs = bench.document.session(), bench.document.state.runs
    bench.document.reset(bench.document.state, None)
    left_behind(work, tmp_path / "swing.hnnlab")
    bench.window.spawn(bench.window.session_actions.offer_unsaved())
    dialog = await bench.dialog(UnsavedDialog)
    text = dialog.list.item(0).text()
    assert "on swing.hnnlab was not saved: Pendulum, 2 fits (Baseline" in text
    await bench.press_button(dialog.open_it)
    await bench.until(lambda: bench.document.dirty, "the work on screen")
    assert bench.experiment.start == (0.5, 0.25)
    assert [run.id for run in bench.document.state.runs] == [run.id for run in runs]
    weights = bench.document.state.runs[1].snapshot.weights
    assert all(np.array_equal(weights[name], w) for name, w in runs[1].snapshot.weights.items())
    assert bench.document.path is None
    await kept(bench, lambda: len(places()) == 1)  # its own: the other is gone
    assert places() == [bench.window.journal._writer.folder]  # type: ignore[union-attr]
    bench.window.spawn(bench.window.session_actions.save())
    chooser = await bench.dialog(QFileDialog)
    line = chooser.findChild(QLineEdit, "fileNameEdit")
    assert line is not None
    assert line.text() == "swing.hnnlab"
    await bench.name_file(tmp_path / "again.hnnlab")
    await bench.until(lambda: not bench.document.dirty, "the session saved")
    assert len(load_session(tmp_path / "again.hnnlab").runs) == 2
    await kept(bench, lambda: places() == [])


async def test_taken_up_with_the_journal_off_it_goes_only_when_saved(bench: Bench, tmp_path: Path) -> None:
    bench.window.keep_unsaved(False)
    bench.edit(start=(0.5, 0.25))
    left_behind(bench.document.session())
    bench.document.undo()
    bench.window.spawn(bench.window.session_actions.show_unsaved())
    await bench.press_button((await bench.dialog(UnsavedDialog)).open_it)
    await bench.until(lambda: bench.document.dirty, "the work on screen")
    await bench.frames(3)
    assert len(places()) == 1
    await saved(bench, tmp_path / "mine.hnnlab")
    await kept(bench, lambda: places() == [])


async def test_later_keeps_it_and_thrown_away_is_asked_about(bench: Bench) -> None:
    left_behind(bench.document.session())
    bench.window.spawn(bench.window.session_actions.show_unsaved())
    await bench.press_button((await bench.dialog(UnsavedDialog)).later)
    assert len(entries(journal_folder())) == 1
    bench.window.spawn(bench.window.session_actions.show_unsaved())
    await bench.press_button((await bench.dialog(UnsavedDialog)).throw)
    await answer(bench, Button.Cancel)
    await bench.press_button((await bench.dialog(UnsavedDialog)).throw)
    assert len(places()) == 1
    await answer(bench, Button.Discard)
    await bench.until(lambda: places() == [], "nothing in the journal")
    bench.window.spawn(bench.window.session_actions.show_unsaved())
    await bench.until(lambda: "no unsaved work" in bench.window.notice.text(), "a notice")


async def test_a_damaged_entry_is_named_and_the_others_can_be_opened(bench: Bench) -> None:
    bench.edit(start=(0.5, 0.25))
    left_behind(bench.document.session())
    left_behind(bench.document.session())
    bench.document.undo()
    newest = max(places(), key=lambda path: (path / "document.json").stat().st_mtime_ns)
    os.truncate(newest / "document.json", 100)
    bench.window.spawn(bench.window.session_actions.show_unsaved())
    dialog = await bench.dialog(UnsavedDialog)
    texts = [dialog.list.item(i).text() for i in range(dialog.list.count())]
    (bad,) = [i for i, text in enumerate(texts) if "cannot be read" in text]
    assert newest.name in texts[bad]
    dialog.list.setCurrentRow(bad)
    assert not dialog.open_it.isEnabled()
    dialog.list.setCurrentRow(1 - bad)
    await bench.press_button(dialog.open_it)
    await bench.until(lambda: bench.experiment.start == (0.5, 0.25), "the work on screen")
    await kept(bench, lambda: len(places()) == 2)  # the damaged one, and its own
    assert newest in places()


async def test_a_journal_that_cannot_be_written_is_said_once_and_stops_nothing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, data_folder: Path
) -> None:
    data_folder.write_text("in the way")
    said: list[str] = []
    bench.lab.noticed.connect(lambda text, is_error: said.append(text))
    for angle in (0.1, 0.2, 0.3):
        bench.edit(start=(angle, 0.0))
        await bench.frames(12)
    await fitted(bench)
    (text,) = said
    assert text.startswith(f"Unsaved work cannot be kept in {data_folder / 'journal'}")
    data_folder.unlink()
    await kept(bench, lambda: len(places()) == 1)
    shutil.rmtree(data_folder)
    data_folder.write_text("in the way")
    bench.edit(start=(0.4, 0.0))
    await bench.until(lambda: len(said) == 2, "said again, as it went well between")


async def test_a_question_that_nobody_answers_does_not_hold_up_the_end(bench: Bench) -> None:
    bench.edit(start=(0.5, 0.0))
    left_behind(bench.document.session())
    bench.window.close()
    await bench.dialog(QMessageBox)
    bench.window.spawn(bench.window.session_actions.show_unsaved())
    await bench.dialog(UnsavedDialog)
    bench._open = False
    await close_window(bench.window, remember=False, keep=True)
    assert len(entries(journal_folder())) == 2


async def test_the_end_of_the_desktop_session_keeps_what_a_fit_has_reached(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(app.workers.journal_worker, "EVERY", 3600.0)
    hints = []

    class Manager:
        def setRestartHint(self, hint: QSessionManager.RestartHint) -> None:
            hints.append(hint)

    application = QGuiApplication.instance()
    assert isinstance(application, QGuiApplication)
    endings = ShutdownSignals(application)
    try:
        endings.watch(bench.window)
        bench.small_fit(100_000, 8)
        bench.click(bench.window.training.button)
        await bench.until(lambda: any(s.step > 3 for s in bench.lab.training.series.values()), "a fit under way")
        endings.commit(Manager())  # type: ignore[arg-type]
        runs = bench.document.state.runs
        assert [(run.ending, run.steps > 0, run.figures) for run in runs] == [("stopped", True, None)] * 2
        assert bench.window.closed.is_set()
        assert endings.asked
        assert endings.code == 0
        os.kill(os.getpid(), signal.SIGTERM)  # what the desktop sends next: no second wish
        await bench.frames(2)
        assert hints == [QSessionManager.RestartHint.RestartNever]
        (place,) = places()
        assert len(list(place.glob("*/weights.safetensors"))) == 2
        bench._open = False
        await close_window(bench.window, remember=False, keep=True)
        (entry,) = entries(journal_folder())
        assert len(entry.runs) == 2
    finally:
        endings.close()


@pytest.mark.parametrize("committed", [True, False])
def test_only_a_loop_that_qt_has_ended_is_no_error(committed: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    class Ended:
        def __enter__(self) -> "Ended":
            raise RuntimeError("Event loop stopped before Future completed.")

        def __exit__(self, *_: object) -> None:
            pass

    ending = SimpleNamespace(asked=True, committed=committed, code=143, close=lambda: None)
    application = SimpleNamespace(setQuitOnLastWindowClosed=lambda quits: None)
    monkeypatch.setattr(app.application, "make_application", lambda words: application)
    monkeypatch.setattr(app.application, "ShutdownSignals", lambda application: ending)
    monkeypatch.setattr(app.application.asyncio, "Runner", lambda loop_factory: Ended())
    if committed:
        assert app.application.run(None) == 143
    else:
        with pytest.raises(RuntimeError):
            app.application.run(None)


async def test_what_is_named_is_opened_before_unsaved_work_is_offered(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    done: list[str] = []

    async def open_it(path: Path) -> None:
        await asyncio.sleep(0.05)
        done.append(path.name)

    async def offer() -> None:
        done.append("offered")

    monkeypatch.setattr(bench.window, "furnish_in_turn", lambda: asyncio.sleep(0))
    monkeypatch.setattr(bench.window.session_actions, "open", open_it)
    monkeypatch.setattr(bench.window.session_actions, "offer_unsaved", offer)
    await app.application._furnish(bench.window, Path("mine.hnnlab"))
    assert done == ["mine.hnnlab", "offered"]


def test_the_setting_is_on_until_it_is_switched_off(tmp_path: Path) -> None:
    from app.model.settings import Settings

    store = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    assert Settings(store).keeps_unsaved
    Settings(store).keeps_unsaved = False
    store.sync()
    again = QSettings(str(tmp_path / "settings.ini"), QSettings.Format.IniFormat)
    assert not Settings(again).keeps_unsaved
