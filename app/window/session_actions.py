"""What is done to sessions and takes its time: opening, saving, importing; each is awaited while the window goes on."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QDialog, QWidget

from app.dialogs.awaiting import finished
from app.lab import Lab
from app.model.document import State, View, state_of
from app.style.theme import current_theme
from app.workers.journal_worker import Journal
from hnn_engine.errors import HnnLabError, listing
from hnn_engine.experiment import Experiment, carried_models, new_experiment
from hnn_engine.run_identities import Identity

if TYPE_CHECKING:
    from app.dialogs.race_window import RaceWindow
    from app.model.film_order import FilmWriter
    from app.window.file_dialogs import Files, Leave
    from hnn_engine.journal import Entry
    from hnn_engine.own_systems.definition import Definition
    from hnn_engine.records import Session

HOME_SYSTEM = "pendulum"
SYSTEM_SUFFIX = ".hnnsystem"  # as `own_systems.files` has it, which is loaded with the first such file


class SessionActions:
    """Acts on the session of `lab`.

    `files` returns what reads and writes, which is loaded when it is first asked for; `race` returns the window of a
    race whose runs the document has not, if there is one. Dialogs open over `parent`, which pictures show.
    """

    def __init__(
        self,
        lab: Lab,
        journal: Journal,
        files: "Callable[[], Files]",
        race: "Callable[[], RaceWindow | None]",
        parent: QWidget,
    ) -> None:
        self._lab, self._journal, self._files, self._race, self._parent = lab, journal, files, race, parent
        self.film_writer: FilmWriter | None = None  # what films; it stands above the window, and is given to it

    async def new(self) -> None:
        """Begin anew on the pendulum, once the present document may go."""
        if await self.may_leave():
            self._lab.training.drop()  # its runs belong to the document that goes
            self._lab.document.reset(State(new_experiment(HOME_SYSTEM)), None)
            self._lab.playback.restart()

    async def open(self, path: Path | None = None) -> None:
        """Open the session, run or system at `path`, or ask which, once the present document may go; a system only
        takes the place of the one on screen."""
        if path is not None and path.suffix == SYSTEM_SUFFIX:
            await self.open_system(path)
            return
        if not await self.may_leave():
            return
        leave, files = (
            self._leaving(),
            self._files(),
        )  # only once there is something to go to: till then the fit goes on
        path = path if path is not None else await files.ask_document()
        if path is not None and path.suffix == SYSTEM_SUFFIX:
            await self.open_system(path)
        elif path is not None and await files.open_path(path, leave=leave):
            self._lab.playback.restart()

    async def open_target(self, target: Path | str) -> None:
        """Open whatever is at a path (a session, a run, a system, a table, a film), or what a link stands for."""
        if isinstance(target, str):
            await self.open_link(target)
        elif await asyncio.to_thread(_is_measured, target):
            await self.ask_recording(target)
        else:
            await self.open(target)

    # Links ------------------------------------------------------------------------------------------------------------

    def copy_link(self) -> None:
        """Put a link to the experiment on screen on the clipboard, or say why there is none."""
        from hnn_engine.records import Session, write_link

        document = self._lab.document
        try:
            link = write_link(Session(document.experiment, view=document.view_to_keep()))
        except HnnLabError as error:
            self._lab.noticed.emit(str(error), True)
            return
        QGuiApplication.clipboard().setText(link)
        models = " Trained models are not in it: save a session for these." if document.state.shown else ""
        self._lab.noticed.emit(f"A link to this state is copied: {len(link):,} characters.{models}", False)

    async def ask_link(self) -> None:
        """Ask for a link, and open it."""
        from app.dialogs.link_dialog import LinkDialog

        dialog = LinkDialog(self._parent)
        try:
            if await finished(dialog) == QDialog.DialogCode.Accepted.value:
                await self._open_session(dialog.session())
        finally:
            dialog.deleteLater()

    async def open_link(self, link: str) -> None:
        """Open the state that a link stands for, once the present document may go; say what is wrong with it."""
        from hnn_engine.records import read_link

        try:
            session = read_link(link)
        except HnnLabError as error:
            self._lab.noticed.emit(str(error), True)
            return
        await self._open_session(session)

    async def _open_session(self, session: "Session") -> None:
        if not await self.may_leave():
            return
        self._lab.training.drop()
        self._lab.document.reset(state_of(session), None, View.from_dict(dict(session.view)))
        self._lab.playback.restart()

    async def save(self, ask: bool = False) -> None:
        """Save the session, asking for a name where it has none, or `ask`."""
        if await self._files().save(ask) and self._lab.document.path is not None:
            self._lab.noticed.emit(f"The session is saved as {self._lab.document.path.name}.", False)

    # Unsaved work -----------------------------------------------------------------------------------------------------

    async def offer_unsaved(self) -> None:
        """Offer what dead windows have left unsaved, if there is any."""
        found = await self._journal.found()
        if found:
            await self._choose_unsaved(found)

    async def show_unsaved(self) -> None:
        """Show what dead windows have left unsaved."""
        found = await self._journal.found()
        if found:
            await self._choose_unsaved(found)
        else:
            self._lab.noticed.emit("There is no unsaved work from earlier sessions.", False)

    async def _choose_unsaved(self, found: "list[Entry]") -> None:
        """Let one of `found` be opened, or some be thrown away."""
        from app.dialogs.unsaved_work_dialog import OPEN, THROW, UnsavedDialog
        from hnn_engine.journal import remove

        journal = self._journal
        while found:
            dialog = UnsavedDialog(found, self._parent)
            answer, entry = await dialog.ask()
            if entry is None or answer not in (OPEN, THROW):
                return
            try:
                if answer == OPEN:
                    await self._open_unsaved(entry)
                    return
                await journal.away(lambda: remove(entry))  # noqa: B023
            except HnnLabError as error:
                self._lab.noticed.emit(str(error), True)
            found = await journal.found()

    async def _open_unsaved(self, entry: "Entry") -> None:
        """Make `entry` the document, unsaved as it is."""
        from hnn_engine.journal import claim

        if not await self.may_leave():
            return
        journal, lab = self._journal, self._lab
        leave = self._leaving()
        source = await journal.away(lambda: claim(entry))
        try:
            session, problems = await journal.away(source.load)
            state, view = state_of(session), View.from_dict(dict(session.view))
            goes = await leave()
        except BaseException:  # the end of the window too
            source.leave()
            raise
        if problems or not goes:
            source.leave()  # what cannot be read now may be some day
        else:
            journal.adopt(source)
        if not goes:
            return
        lab.document.reset(state, None, view, saved=False)
        lab.document.suggestion = entry.path
        journal.write()
        lab.playback.restart()
        if problems:
            lab.noticed.emit(f"Not all of it could be read: {listing(problems, '; ', most=3)}.", True)

    async def may_leave(self) -> bool:
        """Ask about unsaved changes, a race and its runs, and a fit under way, which waits for the answer."""
        lab, race = self._lab, self._race()
        jobs = lab.training.worker
        if not (jobs.running or lab.document.dirty or race is not None):
            return True
        pausing = jobs.running and not jobs.paused
        if pausing:
            lab.training.pause()
        try:
            return await self._files().may_leave(self._keep_all)
        finally:
            if pausing and jobs.paused:
                lab.training.pause()

    def _leaving(self) -> "Leave":
        """Return what is awaited when something to go to has been read: it asks again where the document has changed
        since now, or a fit has begun; it ends a fit and returns True where the document may go."""
        lab = self._lab

        def seen() -> tuple[State, bool]:
            return lab.document.state, lab.training.worker.running

        asked = seen()

        async def leave() -> bool:
            nonlocal asked
            while True:
                state, running = seen()
                if state is asked[0] and running <= asked[1]:
                    break
                if not await self.may_leave():
                    return False
                asked = seen()
            lab.training.drop()
            return True

        return leave

    async def _keep_all(self) -> None:
        """End a job under way, and a race, and keep what they have reached."""
        worker = self._lab.training.worker
        worker.stop()
        while worker.running:
            await asyncio.sleep(0.02)
        self._lab.training.drain()
        race = self._race()
        if race is not None:
            await race.end_and_keep()

    async def ask_recording(self, path: Path | None = None) -> None:
        """Import measured data (asking for a file where none is named) and study it."""
        files = self._files()
        experiment = await (files.import_recording(path) if path is not None else files.ask_recording())
        if experiment is not None:
            self.study("Open a recording", self._with_present_models(experiment))

    async def ask_film(self, folder: bool) -> None:
        """Import a film of a pendulum, or a `folder` of its pictures, and study it."""
        experiment = await self._files().ask_film(folder)
        if experiment is not None:
            self.study("Open a video", self._with_present_models(experiment))

    async def open_shipped(self) -> None:
        """Study the simulated recording that comes with the program."""
        experiment = await self._files().shipped_recording()
        self.study("Open a recording", self._with_present_models(experiment))

    # Systems of one's own ---------------------------------------------------------------------------------------------

    async def open_system(self, what: str | Path | None) -> None:
        """Study a system of one's own: that of a name of the shelf, of a file, or of one that is asked for."""
        found = what if what is not None else await self._files().ask_system()
        if found is None:
            return
        experiment = await self._files().open_system(found, self._lab.experiment)
        if experiment is not None:
            self.study("Open a system", experiment)

    async def save_system(self) -> None:
        """Save the system on screen, if it is one's own, with its constants and its start as they are."""
        definition, system = self._lab.experiment.definition, self._lab.experiment.system
        if definition is None or system is None:
            self._lab.noticed.emit(
                "Only a typed system is saved as a file: choose Your own, or save the session.", False
            )
            return
        constants = tuple(replace(one, value=float(system.values[one.name])) for one in definition.constants)
        present = replace(definition, constants=constants, start=self._lab.experiment.start)
        path = await self._files().save_system(present)
        if path is not None:
            self._lab.noticed.emit(f"The system is saved as {path.name}.", False)

    async def edit_details(self, change: "Callable[[Definition], None]") -> None:
        """Ask for the ranges, units and meanings of the system on screen, and `change` it to what is said."""
        from app.dialogs.system_details import SystemDetails

        definition, system = self._lab.experiment.definition, self._lab.experiment.system
        if definition is None or system is None:
            return
        dialog = SystemDetails(definition, {k: float(v) for k, v in system.values.items()}, self._parent)
        try:
            if await finished(dialog) == QDialog.DialogCode.Accepted.value:
                change(dialog.definition())
        finally:
            dialog.deleteLater()

    def _with_present_models(self, experiment: Experiment) -> Experiment:
        now = self._lab.experiment
        return replace(experiment, models=carried_models(now.models, experiment, now.scene.timed), seed=now.seed)

    def study(self, label: str, experiment: Experiment, **view: Any) -> None:
        """Put `experiment` on screen from its beginning, as one edit called `label`, looked at as `view` says."""
        lab = self._lab
        lab.playback.restart()
        if lab.put(label, experiment):
            lab.document.set_view(**{"axes": None, **view})

    async def film_views(self) -> None:
        """Ask what is to be filmed, and where to; a process films it."""
        from app.dialogs.film_dialog import KINDS, FilmDialog
        from app.model.film_order import Order, Shown

        lab, write = self._lab, self.film_writer
        assert write is not None
        theme = "dark" if current_theme().dark else "light"
        dialog = FilmDialog(lab.experiment.rollout.length, theme, lab.playback.speed, self._parent)
        try:
            if await finished(dialog) != QDialog.DialogCode.Accepted.value:
                return
            plan, suffix = dialog.plan(), dialog.suffix
        finally:
            dialog.deleteLater()
        view = View.from_dict(lab.document.view_to_keep())
        state = lab.document.state if "window" in plan.views else State(lab.experiment)  # their table is in that alone
        order = Order(Shown(state, view, lab.shown_models()), plan, Path())
        kinds = f"{KINDS[suffix]} (*{suffix})" if suffix else "New folder (*)"
        try:
            path = await self._files().save_views(order, kinds, suffix, write)
        except HnnLabError as error:
            lab.noticed.emit(str(error), True)
            return
        if path is not None:
            lab.noticed.emit(f"The film is saved as {path.name}: {plan.in_words(path.suffix.lower())}.", False)

    async def film(self) -> None:
        """Write the films of the shown models that see frames, next to the true frames."""
        from hnn_engine.comparison_video import ComparisonVideo  # with what reads and writes films

        lab = self._lab
        shown = [m for m in lab.shown_models() if m.member == 0]
        made = ComparisonVideo(
            lab.experiment,
            [m.snapshot for m in shown],
            "dark" if current_theme().dark else "light",
            identities=[Identity(m.role, m.title) for m in shown],
        )
        try:
            made.check()
            path = await self._files().save_film(made)
        except HnnLabError as error:
            lab.noticed.emit(str(error), True)
            return
        if path is not None:
            lab.noticed.emit(f"The video is saved as {path.name}: {made.count} frames.", False)

    async def picture(self) -> None:
        """Save a picture of the window."""
        picture = self._parent.grab().toImage()
        try:
            path = await self._files().save_picture(picture)
        except HnnLabError as error:
            self._lab.noticed.emit(str(error), True)
        else:
            if path is not None:
                self._lab.noticed.emit(f"The picture is saved as {path.name}.", False)


def _is_measured(path: Path) -> bool:
    """Whether `path` is a table or a film, or nothing known, and neither a session, a run nor a system."""
    from hnn_engine.records import looks_like_session

    if path.suffix == SYSTEM_SUFFIX or not path.exists() or looks_like_session(path):
        return False
    return not (path / "run.json").exists()
