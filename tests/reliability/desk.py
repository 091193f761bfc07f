"""The part of the hand that saves, opens and imports, answers every question, and looks at what is on the disk."""

import asyncio
import shutil
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from PySide6.QtCore import QPointF, Qt, QTimer
from PySide6.QtWidgets import (
    QApplication,
    QComboBox,
    QDialogButtonBox,
    QFileDialog,
    QLabel,
    QLineEdit,
    QMessageBox,
    QWidget,
)

from app.dialogs.import_dialog import ImportDialog
from app.dialogs.video_import_dialog import VideoImportDialog
from app.model.document import State, View, state_of
from hnn_engine.records import Session, load_session, write_run
from tests.app.bench import CTRL, FRAME, SHIFT
from tests.reliability import measured
from tests.reliability.equality import difference
from tests.reliability.fingers import Fingers

MOST_FILES = 3
PATIENCE = 90.0  # s for one errand with all its questions
TRIES = "tried"  # property of a dialog: how often it was answered


@dataclass(frozen=True)
class Written:
    """What should stand at `path`."""

    state: State
    view: dict[str, Any]
    path: Path


class Desk(Fingers):
    """Runs errands with files in `folder`, and holds what was written against what is on screen."""

    def __init__(self, folder: Path, *parts: object) -> None:
        super().__init__(*parts)  # type: ignore[arg-type]
        self.folder = folder
        self.known: dict[Path, Written] = {}
        self.saves = self.opened = self.imported = 0
        self._new: list[Written] = []  # since the last look
        self._made: deque[Session] = deque(maxlen=4)  # to be written, or written already
        self._watch_document()
        self.acts = [
            (self.save, 4),
            (self.save_as, 2),
            (self.open_what_was_saved, 3),
            (self.open_recent, 1),
            (self.open_what_is_damaged, 1),
            (self.open_what_is_missing, 1),
            (self.open_a_run, 1),
            (self.new, 1),
            (self.save_a_picture, 1),
            (self.import_a_table, 2),
            (self.open_the_shipped_recording, 1),
            (self.import_a_film, 1),
        ]

    def _watch_document(self) -> None:
        """Learn of every save: what it wrote, and where."""
        document = self.bench.document
        session, mark_saved = document.session, document.mark_saved
        made = self._made

        def told_session() -> Session:
            made.append(session())
            return made[-1]

        def told_saved(state: State, path: Path) -> None:
            (view,) = [dict(one.view) for one in made if one.experiment is state.experiment][-1:]
            self._new.append(Written(state, view, path))
            mark_saved(state, path)

        document.session, document.mark_saved = told_session, told_saved  # type: ignore[method-assign]

    # Errands ----------------------------------------------------------------------------------------------------------

    async def save(self) -> None:
        await self.errand(lambda: self.key(Qt.Key.Key_S, CTRL))

    async def save_as(self) -> None:
        await self.errand(lambda: self.key(Qt.Key.Key_S, CTRL | SHIFT))

    async def new(self) -> None:
        await self.errand(lambda: self.key(Qt.Key.Key_N, CTRL))

    async def open_what_was_saved(self) -> None:
        if self.known:
            await self._open(self.dice.choice(list(self.known)))

    async def _open(self, path: Path) -> None:
        self.trail.add(path.name)
        await self.errand(lambda: self.key(Qt.Key.Key_O, CTRL), path)

    async def open_recent(self) -> None:
        menu = self.bench.window.menus.recent
        menu.aboutToShow.emit()
        await self.errand(self.dice.choice(menu.actions()).trigger)

    async def open_what_is_missing(self) -> None:
        await self._open(self.folder / "missing.hnnlab")

    async def open_what_is_damaged(self) -> None:
        if not self.known:
            return
        whole = bytearray(self.dice.choice(list(self.known)).read_bytes())
        if self.chance(0.5):
            whole = whole[: self.dice.randrange(len(whole))]
        for _ in range(self.dice.randint(0, 5)):
            if whole:
                whole[self.dice.randrange(len(whole))] = self.dice.randrange(256)
        path = self.folder / "damaged.hnnlab"
        path.write_bytes(whole)
        await self._open(path)

    async def open_a_run(self) -> None:
        runs = self.bench.document.state.runs
        if runs:
            folder = self.folder / f"run-{self.trail.count}"
            await asyncio.to_thread(write_run, self.dice.choice(runs), folder)
            window = self.bench.window
            await self.errand(lambda: window.spawn(window.session_actions.open(folder)))  # as from the command line

    async def save_a_picture(self) -> None:
        await self.errand(lambda: self.key(Qt.Key.Key_P, CTRL))

    async def import_a_table(self) -> None:
        name = self.dice.choice(list(measured.TABLES))
        self.trail.add(name)
        path = measured.TABLES[name](self.folder, self.dice)
        await self.errand(lambda: self.key(Qt.Key.Key_I, CTRL), path)

    async def open_the_shipped_recording(self) -> None:
        await self.errand(self.bench.window.system.shipped_action.trigger)

    async def import_a_film(self) -> None:
        path = measured.film(self.folder)
        await self.errand(self.bench.window.system.film_action.trigger, path)

    # Questions --------------------------------------------------------------------------------------------------------

    async def errand(self, begin: Callable[[], object], opens: Path | None = None) -> None:
        """Begin something of the window's and answer whatever it asks, until it is over and nothing is asked."""
        bench, before = self.bench, self.bench.document._saved
        await bench.in_front()
        begin()
        await bench.frames(2)
        for _ in range(round(PATIENCE / FRAME)):
            dialog = QApplication.activeModalWidget()
            if dialog is not None:
                await self.answer(dialog, opens)
            elif not bench.window._tasks:
                break
            await bench.frames(1)
        else:
            raise AssertionError(f"an errand does not end: {QApplication.activeModalWidget()}, {bench.window._tasks}")
        await bench.in_front()
        await self._check_written()
        self._check_opened(before)

    async def answer(self, dialog: QWidget, opens: Path | None) -> None:
        """Answer a dialog somehow; one that stays is closed in the end."""
        tries = int(dialog.property(TRIES) or 0)
        dialog.setProperty(TRIES, tries + 1)
        if isinstance(dialog, QMessageBox):
            button = self.dice.choice(dialog.buttons())
            self.trail.add(button.text().replace("&", ""))
            self.bench.click(button)
        elif tries > 2 or self.chance(0.1):
            self._give_up(dialog)
        elif isinstance(dialog, QFileDialog):
            await self._name(dialog, opens)
        elif isinstance(dialog, ImportDialog):
            await self._say_what_it_is(dialog)
        elif isinstance(dialog, VideoImportDialog):
            await self._say_what_is_seen(dialog)
        else:
            raise AssertionError(f"nobody knows how to answer {dialog}: {_texts(dialog)}")
        await self.bench.frames(2)

    def _give_up(self, dialog: QWidget) -> None:
        self.trail.add(f"Escape in {type(dialog).__name__}")
        self.bench.key(Qt.Key.Key_Escape, widget=dialog)

    async def _name(self, dialog: QFileDialog, opens: Path | None) -> None:
        saves = dialog.acceptMode() == QFileDialog.AcceptMode.AcceptSave
        path = self._new_name(dialog.defaultSuffix()) if saves or opens is None else opens
        line = dialog.findChild(QLineEdit, "fileNameEdit")
        assert line is not None
        self.trail.add(path.name)
        # Outside of this coroutine: the dialog may ask whether to replace a file, in a loop of its own.
        QTimer.singleShot(0, dialog, lambda: self.bench.type_into(line, str(path)))
        await self.bench.frames(3)

    def _new_name(self, suffix: str) -> Path:
        return self.folder / f"{self.dice.choice('abc'[:MOST_FILES])}.{suffix}"

    async def _say_what_it_is(self, dialog: ImportDialog) -> None:
        if self.chance(0.4):
            for _ in range(self.dice.randint(1, 3)):
                await self.nudge(self.dice.choice(dialog.findChildren(QComboBox)))
        box = dialog.findChild(QDialogButtonBox)
        assert box is not None
        button = box.button(QDialogButtonBox.StandardButton.Open)
        await self.bench.frames(5)  # what was chosen is read
        if button.isEnabled():
            self.bench.click(button)
        else:  # a question is open, or the table cannot be read so
            self.trail.add("Escape, for Open waits")
            self.bench.key(Qt.Key.Key_Escape, widget=dialog)
        await self.bench.frames(5)

    async def _say_what_is_seen(self, dialog: VideoImportDialog) -> None:
        if self.chance(0.5):
            await self._move_the_square(dialog)
        for _ in range(self.dice.choice((5, 100, 500))):
            if dialog.ready:
                break
            await self.bench.frames(1)
        if dialog.open_button.isEnabled():
            self.bench.click(dialog.open_button)
        else:
            self._give_up(dialog)

    async def _move_the_square(self, dialog: VideoImportDialog) -> None:
        view = dialog.view
        middle = QPointF(view.width() / 2, view.height() / 2)
        await self.bench.drag(view, middle, self.place(view), steps=4)

    # What is on the disk ----------------------------------------------------------------------------------------------

    async def _check_written(self) -> None:
        """Hold every file that was written against what it was made of."""
        written = {one.path: one for one in self._new}
        self._new.clear()
        for one in written.values():
            problem = await asyncio.to_thread(not_as_written, one)
            assert not problem, f"{one.path.name} was saved, but {problem}"
            self.known[one.path] = one
            self.saves += 1

    def _check_opened(self, before: State) -> None:
        """Hold a session that has just been opened against what was saved there."""
        document = self.bench.document
        state, path = document._saved, document.path
        if state is before or path not in self.known or state is self.known[path].state:
            return
        problem = difference(self.known[path].state, state)
        assert not problem, f"{path.name} opens with another {problem}"
        self.opened += 1

    def forget(self) -> None:
        """Let go of all that was saved: memory is about to be measured."""
        self.known.clear()
        self._made.clear()
        shutil.rmtree(self.folder)
        self.folder.mkdir()


def not_as_written(one: Written) -> str:
    """Return how the file differs from what it was made of; empty where it does not. For a thread."""
    session = load_session(one.path)
    problem = difference(one.state, state_of(session)) or difference(one.view, dict(session.view), "view")
    seen = View.from_dict(dict(session.view)).as_dict() | {"tool": one.view["tool"]}  # a tool is put away
    return problem or difference(one.view, seen, "view read back")


def _texts(dialog: QWidget) -> str:
    return " | ".join(label.text() for label in dialog.findChildren(QLabel))
