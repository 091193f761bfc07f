"""Opening, saving and importing: awaited, so that the window never waits for a disk."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from PySide6.QtWidgets import QDialog, QWidget

from app.dialogs.awaiting import finished
from app.dialogs.import_dialog import ImportDialog
from app.dialogs.importing import ImportingDialog
from app.dialogs.progress_dialog import EndedError, ProgressDialog
from app.model.document import Document, View, state_of
from app.model.settings import settings
from app.widgets.text import Button, FileDialog, MessageIcon, file_dialog, message_box
from hnn_engine.errors import HnnLabError, ProtectedFileError, shortened
from hnn_engine.experiment import Experiment, of_source, opened, own_source, recording_experiment
from hnn_engine.own_systems.definition import Definition
from hnn_engine.own_systems.files import SUFFIX as SYSTEM_SUFFIX
from hnn_engine.own_systems.files import load_shelved, load_system, save_system
from hnn_engine.progress import ProgressCallback
from hnn_engine.recordings import (
    TABLES,
    Recording,
    TableInspection,
    inspect_table,
    is_paper_pendulum,
    read_recording,
    read_shipped_recording,
)
from hnn_engine.records import SUFFIX, Session, is_run_folder, load_run, load_session, save_session, write_file
from hnn_engine.video import VIDEOS, is_video, read_video

if TYPE_CHECKING:
    from PySide6.QtGui import QImage

    from app.model.film_order import FilmWriter, Order
    from app.window.image_export import Figure
    from hnn_engine.comparison_video import ComparisonVideo
    from hnn_engine.csv_tables import CsvTable

FIGURES = "PNG picture (*.png);;SVG drawing (*.svg);;PDF (*.pdf)"
Result = TypeVar("Result")
Keep = Callable[[], Awaitable[None]]
Leave = Callable[[], Awaitable[bool]]


class Files:
    """What the window does with files. Work on a disk goes to one thread of its own.

    `complain` says what is wrong with a file, `settle` that the next one is fine.
    """

    def __init__(
        self, window: QWidget, document: Document, complain: Callable[[str], None], settle: Callable[[], None]
    ) -> None:
        self._window, self._document, self._complain, self._settle = window, document, complain, settle
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="files")

    def close(self) -> None:
        """End the thread."""
        self._executor.shutdown(wait=True)

    async def _away(self, work: Callable[[], Result]) -> Result:
        return await asyncio.get_running_loop().run_in_executor(self._executor, work)

    # Sessions ---------------------------------------------------------------------------------------------------------

    async def open_path(self, path: Path, remember: bool = True, leave: Leave | None = None) -> bool:
        """Open a session, or a run's folder, as the new document; on an error the present one stays as it was.

        `leave` is awaited once the file has been read, and returns whether the present document may go.
        """
        while True:
            before = await self._away(lambda: _stamp(path))
            try:
                whole = not await self._away(lambda: is_run_folder(path))
                if not whole:
                    run = await self._away(lambda: load_run(path))
                    session = Session(run.experiment, (run,), (run.id,))
                else:
                    session = await self._away(lambda: load_session(path))
            except HnnLabError as error:
                if remember:
                    settings().remove_recent(path)
                self._complain(str(error))
                return False
            if leave is not None and not await leave():
                return False
            if await self._away(lambda: _stamp(path)) == before:
                break  # else the present document has just been saved there, and what was read is the older one
        self._document.reset(state_of(session), path if whole else None, View.from_dict(dict(session.view)))
        self._settle()
        if whole and remember:
            settings().add_recent(path)
        return True

    async def ask_document(self) -> Path | None:
        """Ask for a session, or a system of one's own; return where it is."""
        kinds = f"Sessions and systems (*{SUFFIX} *{SYSTEM_SUFFIX});;All files (*)"
        return await self._ask_path("Open a session", "session", save=False, kinds=kinds)

    async def save(self, ask: bool = False) -> bool:
        """Save the session, asking for a name where it has none (or `ask`). Return whether it is saved."""
        path = self._document.path
        if path is None or ask:
            kinds, name = f"Sessions (*{SUFFIX})", path or self._document.suggestion
            path = await self._ask_path("Save the session", "session", save=True, kinds=kinds, suffix=SUFFIX, name=name)
            if path is None:
                return False
        return await self.save_to(path)

    async def save_to(self, path: Path) -> bool:
        """Save the session to `path`; return whether it is saved."""
        state, session = self._document.state, self._document.session()
        try:
            if not await self._replacing(path, lambda over: self._write(lambda: save_session(session, path, over))):
                return False
        except HnnLabError as error:
            self._complain(str(error))
            return False
        self._document.mark_saved(state, path)
        self._settle()
        settings().add_recent(path)
        return True

    async def _write(self, work: Callable[[], None]) -> bool:
        await self._away(work)
        return True

    async def _replacing(self, path: Path, write: Callable[[bool], Awaitable[bool]]) -> bool:
        """Return what `write` returns, which is told whether a read-only file at `path` may be replaced; ask where one
        is there, and return False where it shall stay."""
        try:
            return await write(False)
        except ProtectedFileError:
            return await self._may_replace(path) and await write(True)

    async def _may_replace(self, path: Path) -> bool:
        question = f"{shortened(path.name)} is read-only. Replace it?"
        box = message_box(self._window, question, "The new file stays read-only.", MessageIcon.Question)
        box.setStandardButtons(Button.Yes | Button.Cancel)
        box.button(Button.Yes).setText("Replace")
        box.setDefaultButton(Button.Cancel)
        answer = await finished(box)
        box.deleteLater()
        return answer == Button.Yes.value

    async def may_leave(self, keep: Keep) -> bool:
        """Ask what to do with unsaved changes; return whether the present document may go.

        `keep` is awaited before anything is saved.
        """
        question, warning = "Save the changes to this session?", "If not saved, its fits and settings are lost."
        box = message_box(self._window, question, warning, MessageIcon.Question)
        box.setStandardButtons(Button.Save | Button.Discard | Button.Cancel)
        box.setDefaultButton(Button.Save)
        answer = await finished(box)
        box.deleteLater()
        if answer == Button.Save.value:
            await keep()
            return await self.save()
        return answer == Button.Discard.value

    # Systems of one's own ---------------------------------------------------------------------------------------------

    async def ask_system(self) -> Path | None:
        """Ask for a system of one's own; return where it is."""
        kinds = f"Systems (*{SYSTEM_SUFFIX});;All files (*)"
        return await self._ask_path("Open a system", "system", save=False, kinds=kinds)

    async def open_system(self, what: Path | str, now: Experiment) -> Experiment | None:
        """Return the experiment on the system at a path, or of a name of the shelf, going on from `now`; None where
        that fails or is stopped."""

        def work(tell: ProgressCallback) -> Experiment:
            def interrupt() -> bool:
                tell(0.5)  # which raises where it is to end
                return False

            definition = load_shelved(what) if isinstance(what, str) else load_system(what, interrupt)
            return of_source(opened(own_source(definition)), now)

        try:
            found = await self._watched("Open a system", Path(what), work)
        except HnnLabError as error:
            if isinstance(what, Path):
                settings().remove_recent_system(what)
            self._complain(str(error))
            return None
        except EndedError:
            return None
        if isinstance(what, Path):
            settings().add_recent_system(what.absolute())
        return found

    async def save_system(self, definition: Definition) -> Path | None:
        """Ask where to save a system of one's own and write it; return where it is, None where it was cancelled or
        cannot be."""
        kinds, stem = f"Systems (*{SYSTEM_SUFFIX})", name_of(definition.title or "my system")
        name = await self._away(lambda: free_name(self._folder("system"), stem, SYSTEM_SUFFIX))
        path = await self._ask_path(
            "Save the system", "system", save=True, kinds=kinds, suffix=SYSTEM_SUFFIX, name=name
        )
        if path is None:
            return None
        named = definition if definition.title else replace(definition, title=shortened(path.stem))
        write = lambda over: self._write(lambda: save_system(named, path, over))  # noqa: E731
        try:
            if not await self._replacing(path, write):
                return None
        except HnnLabError as error:
            self._complain(str(error))
            return None
        settings().add_recent_system(path.absolute())
        return path

    # Recordings -------------------------------------------------------------------------------------------------------

    async def ask_recording(self) -> Experiment | None:
        """Ask for a file of measured data and its columns; return the experiment on it."""
        kinds = f"Recordings ({' '.join(f'*{suffix}' for suffix in TABLES)});;All files (*)"
        path = await self._ask_path("Open a recording", "recording", save=False, kinds=kinds)
        return await self.import_recording(path) if path is not None else None

    async def import_recording(self, path: Path) -> Experiment | None:
        """Show the columns of `path`, or the film, ask what they are, and return the experiment on it; None where that
        fails."""
        if is_video(path):
            return await self.import_film(path)
        found = await self._read("Open a recording", path, lambda tell: _inspected(path, tell))
        return None if found is None else await self._settled(ImportDialog(found, self._window))

    async def import_film(self, path: Path) -> Experiment | None:
        """Read the film at `path`, ask what of it is to be studied, and return the experiment; None if that fails."""
        from app.dialogs.video_import_dialog import VideoImportDialog

        film = await self._read("Open a video", path, lambda tell: read_video(path, tell))
        return None if film is None else await self._settled(VideoImportDialog(film, self._window))

    async def _read(self, title: str, path: Path, work: Callable[[ProgressCallback], Result]) -> Result | None:
        """Do `work`, the reading of `path`, in the thread of the files; None where it fails, or the user stops it."""
        try:
            return await self._watched(title, path, work)
        except HnnLabError as error:
            self._complain(str(error))
        except EndedError:
            pass
        return None

    async def _watched(self, title: str, path: Path, work: Callable[[ProgressCallback], Result]) -> Result:
        """Do `work`, the reading of `path`, in the thread of the files; raise `EndedError` where the user stops it."""
        loop = asyncio.get_running_loop()
        reading = ProgressDialog(work, title, f"Reading {shortened(path.name)}", self._window)
        return await reading.run(lambda work: loop.run_in_executor(self._executor, work))

    async def _settled(self, dialog: ImportingDialog) -> Experiment | None:
        """Show `dialog` until there is a recording, and return the experiment on it; None where it is cancelled."""
        try:
            while await finished(dialog) == QDialog.DialogCode.Accepted.value:
                try:
                    recording = await self._away(dialog.recording)
                    if is_paper_pendulum(recording):
                        settings().measured_pendulum = Path(recording.source).absolute()
                    return recording_experiment(recording)
                except HnnLabError as error:
                    dialog.complain(str(error))
        finally:
            with suppress(RuntimeError):  # the window has gone already, and with it the thread of its files
                await self._away(dialog.close_threads)
            dialog.deleteLater()
        return None

    async def ask_film(self, folder: bool) -> Experiment | None:
        """Ask for a film, or for a `folder` of pictures, and what of it is to be studied; return the experiment."""
        if folder:
            path = await self._ask_path("Open a folder of pictures", "video", save=False, kinds="", folder=True)
        else:
            names = " ".join(f"*{suffix}" for suffix in (*VIDEOS, ".gif", ".webp"))
            path = await self._ask_path("Open a video", "video", save=False, kinds=f"Videos ({names});;All files (*)")
        return await self.import_film(path) if path is not None else None

    async def read_known(self, path: Path) -> Recording | None:
        """Return the recording of a file whose layout is known by itself; None where it is not to be had any more."""
        try:
            return await self._away(lambda: read_recording(path))
        except HnnLabError:
            return None

    async def shipped_recording(self) -> Experiment:
        """Return the experiment on the simulated recording that comes with the program."""
        return recording_experiment(await self._away(read_shipped_recording))

    # Dialogs ----------------------------------------------------------------------------------------------------------

    async def save_picture(self, picture: "QImage") -> Path | None:
        """Ask where to save `picture` and write it; return where it is, None where it was cancelled."""
        from app.window.image_export import write_png

        title = "Save a picture of the window"
        path = await self._ask_path(title, "picture", save=True, kinds="PNG (*.png)", suffix=".png")
        if path is None:
            return None
        saved = await self._replacing(path, lambda over: self._write(lambda: write_png(path, picture, over)))
        return path if saved else None

    async def save_figure(self, figure: "Figure", title: str, name: str) -> Path | None:
        """Ask where to save a panel's picture, and how wide a PNG is to be, and write it; return where it is, None
        where it was cancelled."""
        path = await self._ask_path(title, "picture", save=True, kinds=FIGURES, suffix=".png", stem=name)
        if path is None:
            return None
        suffix, width = path.suffix.lower(), None
        if suffix == ".png":
            width = await self._ask_width(figure.image().width())
            if width is None:
                return None
        content = figure.content(suffix, width)
        write = lambda over: self._write(lambda: write_file(path, content, replace_protected=over))  # noqa: E731
        return path if await self._replacing(path, write) else None

    async def _ask_width(self, shown: int) -> int | None:
        from app.dialogs.width_dialog import WidthDialog

        dialog = WidthDialog(shown, self._window)
        try:
            accepted = await finished(dialog) == QDialog.DialogCode.Accepted.value
            return dialog.width_asked() if accepted else None
        finally:
            dialog.deleteLater()

    async def save_table(self, table: "CsvTable", title: str, name: str) -> Path | None:
        """Ask where to save a table and write it; return where it is, None where it was cancelled."""
        path = await self._ask_path(title, "table", save=True, kinds="CSV (*.csv)", suffix=".csv", stem=name_of(name))
        if path is None:
            return None

        def write(over: bool) -> None:
            write_file(path, table.content(), replace_protected=over)

        return path if await self._replacing(path, lambda over: self._write(lambda: write(over))) else None

    async def save_views(self, order: "Order", kinds: str, suffix: str, film: "FilmWriter") -> Path | None:
        """Ask where to save a film of views, and have it made by `film`; return where it is, None where it was
        cancelled or ended."""
        stem = "" if suffix else "frames"
        path = await self._ask_path("Save a film", "film", save=True, kinds=kinds, suffix=suffix, stem=stem)
        if path is None:
            return None
        loop = asyncio.get_running_loop()
        away = lambda work: loop.run_in_executor(None, work)  # noqa: E731 (saving a session must not wait for it)

        async def write(over: bool) -> bool:
            asked = replace(order, path=path, protected=over)
            work: ProgressDialog[None] = ProgressDialog(
                lambda tell: film(asked, tell), "Save a film", f"Filming {shortened(path.name)}", self._window
            )
            try:
                await work.run(away)
            except EndedError:
                return False
            return True

        return path if await self._replacing(path, write) else None

    async def save_film(self, film: "ComparisonVideo") -> Path | None:
        """Ask where to save `film` and write it; return where it is, None where it was cancelled."""
        from app.dialogs.video_export import VideoExport

        kinds = "MP4 video (*.mp4);;GIF (*.gif)"
        path = await self._ask_path("Save a video", "film", save=True, kinds=kinds, suffix=".mp4")
        if path is None:
            return None
        loop = asyncio.get_running_loop()
        away = lambda work: loop.run_in_executor(self._executor, work)  # noqa: E731
        saved = await self._replacing(path, lambda over: VideoExport(film, path, self._window, over).write(away))
        return path if saved else None

    async def _ask_path(
        self,
        title: str,
        kind: str,
        save: bool,
        kinds: str,
        suffix: str = "",
        folder: bool = False,
        name: Path | None = None,
        stem: str = "",
    ) -> Path | None:
        """Ask for a file; `kind` is what it holds, whose folder is remembered. A `name` is proposed, or a free one,
        of a part of what is on screen with that part's `stem`."""
        if save and name is None:
            whole = f"{self._stem()}-{stem}" if stem else self._stem()
            name = await self._away(lambda: free_name(self._folder(kind), whole, suffix))
        dialog = file_dialog(self._window, title)
        dialog.setDefaultSuffix(suffix.lstrip("."))  # added before the question whether to replace
        dialog.setAcceptMode(FileDialog.AcceptMode.AcceptSave if save else FileDialog.AcceptMode.AcceptOpen)
        dialog.setFileMode(FileDialog.FileMode.AnyFile if save else FileDialog.FileMode.ExistingFile)
        dialog.setNameFilters(kinds.split(";;"))
        if save:
            dialog.filterSelected.connect(lambda chosen: _take_suffix(dialog, chosen))
        if folder:
            dialog.setFileMode(FileDialog.FileMode.Directory)
            dialog.setOption(FileDialog.Option.ShowDirsOnly)
        dialog.setDirectory(str(self._folder(kind)))
        if name is not None:
            dialog.setDirectory(str(name.parent))
            dialog.selectFile(name.name)
        try:
            accepted = await finished(dialog) == QDialog.DialogCode.Accepted.value
            chosen = dialog.selectedFiles()
            if not accepted or not chosen:
                return None
            path = Path(chosen[0])
            settings().set_folder(kind, path.parent)
            return path
        finally:
            dialog.deleteLater()

    def _folder(self, kind: str) -> Path:
        """Where a dialog for a file of this kind opens: where the last one was, or beside the session."""
        beside = self._document.path.parent if self._document.path is not None else None
        return settings().folder(kind) or beside or Path.home()

    def _stem(self) -> str:
        """A name for what is saved: the session's, or that of what is studied."""
        path = self._document.path
        return path.stem if path is not None else name_of(self._document.experiment.source_title)


def name_of(title: str) -> str:
    """Return `title` as the name of a file: 'Two bodies' becomes 'two-bodies'."""
    return re.sub(r"[\W_]+", "-", title.lower()).strip("-")[:60].strip("-") or "session"


def free_name(folder: Path, stem: str, suffix: str) -> Path:
    """Return a path in `folder` where nothing is yet: `stem`, or with a number from 2 on. A folder that cannot be read
    is taken for an empty one."""
    with suppress(OSError):
        taken = {entry.name.lower() for entry in folder.iterdir()}
        numbered = (f"{stem}{'' if n == 1 else f'-{n}'}{suffix}" for n in count(1))
        return folder / next(name for name in numbered if name.lower() not in taken)
    return folder / f"{stem}{suffix}"


def _take_suffix(dialog: FileDialog, chosen: str) -> None:
    """Let the name in a dialog end as the kind of file that is chosen in it, as in 'PDF (*.pdf)'."""
    found = re.search(r"\*(\.[a-z0-9]+)", chosen)
    if found is None:
        return
    dialog.setDefaultSuffix(found[1].lstrip("."))
    names = dialog.selectedFiles()
    if names and Path(names[0]).suffix and not Path(names[0]).is_dir():
        dialog.selectFile(Path(names[0]).with_suffix(found[1]).name)


def _inspected(path: Path, tell: ProgressCallback) -> TableInspection:
    """Find out what is in a table; what cannot be read as it stands may be settled in the dialog."""
    return inspect_table(path, progress=tell, lenient=True)


def _stamp(path: Path) -> tuple[int, ...]:
    """Return numbers that change when `path` is written; none where there is nothing."""
    with suppress(OSError):
        found = path.stat()
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns
    return ()
