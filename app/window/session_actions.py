"""What the window does that takes its time: opening, saving, importing; each awaited beside everything else."""

import asyncio
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.model.document import State, View, state_of
from app.style.theme import current_theme
from hnn_engine.errors import HnnLabError, listing
from hnn_engine.experiment import Experiment, carried_models, new_experiment

if TYPE_CHECKING:
    from app.window.file_dialogs import Leave
    from app.window.main_window import MainWindow
    from hnn_engine.journal import Entry

HOME_SYSTEM = "pendulum"


class Errands:
    """Runs errands for `window`; `window.spawn` starts one."""

    def __init__(self, window: "MainWindow") -> None:
        self._window = window

    async def new(self) -> None:
        if await self.may_leave():
            await self._stop_job()
            self._window.lab.document.reset(State(new_experiment(HOME_SYSTEM)), None)
            self._window.lab.transport.restart()

    async def open(self, path: Path | None = None) -> None:
        if not await self.may_leave():
            return
        leave = self._leaving()  # only once there is something to go to: till then the fit goes on
        done = await (
            self._window.files.open_path(path, leave=leave) if path is not None else self._window.files.ask_open(leave)
        )
        if done:
            self._window.lab.transport.restart()

    async def save(self, ask: bool = False) -> None:
        await self._window.files.save(ask)

    # Unsaved work -----------------------------------------------------------------------------------------------------

    async def offer_unsaved(self) -> None:
        """Offer what dead windows have left unsaved, if there is any."""
        found = await self._window.journal.found()
        if found:
            await self._choose_unsaved(found)

    async def show_unsaved(self) -> None:
        """Show what dead windows have left unsaved."""
        found = await self._window.journal.found()
        if found:
            await self._choose_unsaved(found)
        else:
            self._window.lab.noticed.emit("There is no unsaved work from earlier windows.", False)

    async def _choose_unsaved(self, found: "list[Entry]") -> None:
        """Let one of `found` be opened, or some be thrown away."""
        from app.dialogs.unsaved_work_dialog import OPEN, THROW, UnsavedDialog
        from hnn_engine.journal import remove

        journal = self._window.journal
        while found:
            dialog = UnsavedDialog(found, self._window)
            answer, entry = await dialog.ask()
            if entry is None or answer not in (OPEN, THROW):
                return
            try:
                if answer == OPEN:
                    await self._open_unsaved(entry)
                    return
                await journal.away(lambda: remove(entry))  # noqa: B023
            except HnnLabError as error:
                self._window.lab.noticed.emit(str(error), True)
            found = await journal.found()

    async def _open_unsaved(self, entry: "Entry") -> None:
        """Make `entry` the document, unsaved as it is."""
        from hnn_engine.journal import claim

        if not await self.may_leave():
            return
        journal, lab = self._window.journal, self._window.lab
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
        lab.transport.restart()
        if problems:
            lab.noticed.emit(f"Not all of it could be read: {listing(problems, '; ', most=3)}.", True)

    async def may_leave(self) -> bool:
        """Ask about unsaved changes, a race and its runs, and a fit under way, which waits for the answer."""
        lab, race = self._window.lab, self._window.unkept_race
        jobs = lab.jobs
        if not (jobs.running or lab.document.dirty or race is not None):
            return True
        pausing = jobs.running and not jobs.paused
        if pausing:
            lab.pause()
        try:
            return await self._window.files.may_leave(self._keep_all)
        finally:
            if pausing and jobs.paused:
                lab.pause()

    def _leaving(self) -> "Leave":
        """Return what is awaited when something to go to has been read: it asks again where the document has changed
        since now, or a fit has begun; it ends a fit and returns True where the document may go."""
        lab = self._window.lab

        def seen() -> tuple[State, bool]:
            return lab.document.state, lab.jobs.running

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
            await self._stop_job()
            return True

        return leave

    async def _keep_all(self) -> None:
        """End a job under way, and a race, and keep what they have reached."""
        await self._quit_job()
        self._window.lab.keep_job()
        race = self._window.unkept_race
        if race is not None:
            await race.end_and_keep()

    async def _stop_job(self) -> None:
        """End a job under way: its runs belong to the document that goes."""
        await self._quit_job()
        self._window.lab.drop_job()

    async def _quit_job(self) -> None:
        self._window.lab.jobs.quit()
        while self._window.lab.jobs.running:
            await asyncio.sleep(0.02)

    async def ask_recording(self, path: Path | None = None) -> None:
        """Import measured data (asking for a file where none is named) and study it."""
        experiment = await (
            self._window.files.import_recording(path) if path is not None else self._window.files.ask_recording()
        )
        if experiment is not None:
            self.study("Open a recording", self._with_present_models(experiment))

    async def ask_film(self, folder: bool) -> None:
        """Import a film of a pendulum, or a `folder` of its pictures, and study it."""
        experiment = await self._window.files.ask_film(folder)
        if experiment is not None:
            self.study("Open a film", self._with_present_models(experiment))

    async def open_shipped(self) -> None:
        """Study the simulated recording that comes with the program."""
        experiment = await self._window.files.shipped_recording()
        self.study("Open a recording", self._with_present_models(experiment))

    def _with_present_models(self, experiment: Experiment) -> Experiment:
        now = self._window.lab.experiment
        return replace(experiment, models=carried_models(now.models, experiment), seed=now.seed)

    def study(self, label: str, experiment: Experiment, **view: Any) -> None:
        """Put `experiment` on screen from its beginning, as one edit called `label`, looked at as `view` says."""
        self._window.lab.transport.restart()
        lab = self._window.lab
        if lab.put(label, experiment):
            lab.document.look(**{"axes": None, **view})

    async def film(self) -> None:
        """Write the films of the shown models that see frames, beside what the camera sees."""
        from hnn_engine.comparison_video import ComparedFilm  # with what reads and writes films

        lab = self._window.lab
        shown = [m.snapshot for m in lab.shown_models() if m.member == 0]
        made = ComparedFilm(lab.experiment, shown, "dark" if current_theme().dark else "light")
        try:
            made.check()
            path = await self._window.files.save_film(made)
        except HnnLabError as error:
            lab.noticed.emit(str(error), True)
            return
        if path is not None:
            lab.noticed.emit(f"The film is saved as {path.name}: {made.count} frames.", False)

    async def picture(self) -> None:
        picture = self._window.grab().toImage()
        try:
            path = await self._window.files.save_picture(picture)
        except HnnLabError as error:
            self._window.notice.show_error(str(error))
        else:
            if path is None:
                return
            self._window.notice.show_info(f"The picture is saved as {path.name}.")
        self._window.lay_notice()
