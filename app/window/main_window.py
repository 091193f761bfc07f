"""The window: places panels, menus and shortcuts. No logic."""

import asyncio
from collections.abc import Coroutine
from functools import cached_property, partial
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QEvent, QSize, Qt
from PySide6.QtGui import QCloseEvent, QContextMenuEvent, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QDockWidget,
    QMainWindow,
    QWidget,
)

from app.lab import Lab
from app.model.document import State
from app.model.settings import settings
from app.panels.data import DataPanel
from app.panels.interventions import WhatIf
from app.panels.playback_bar import PlaybackBar
from app.panels.runs import RunsPanel
from app.panels.scene import ScenePanel
from app.panels.status import StatusLine
from app.panels.system import SystemPanel
from app.panels.train_controls import TrainControls
from app.panels.training import TrainingPanel
from app.style.icons import logo
from app.widgets.notice import NoticeBar
from app.widgets.text import name_action, title_text
from app.window.appearance import resize_text, switch_theme
from app.window.debug_panels import DebugPanels
from app.window.drops import Drops
from app.window.explain import offer
from app.window.layouts import LAYOUTS, Arrangement, controls_column
from app.window.menus import Menus, WindowActions
from app.window.notices import Notices
from app.window.paint_throttle import PaintThrottle
from app.window.panel_export import PanelExport
from app.window.session_actions import SessionActions
from app.workers.journal_worker import Journal
from hnn_engine.experiment import same_system

if TYPE_CHECKING:
    from app.dialogs.help_sheet import HelpSheet
    from app.dialogs.race_window import RaceWindow
    from app.panels.frames import FramesPanel
    from app.panels.loss import LossPanel
    from app.panels.portrait.panel import PortraitPanel
    from app.panels.time_plots import EnergyPanel, ErrorPanel
    from app.window.file_dialogs import Files
    from app.window.presentation import Presentation
    from app.window.presets import Presets

CANCEL_SECONDS = 5.0  # that what is told to end may take
NARROW = 1000  # pixels of a screen, on which seven panels would cut each other's words
PLOTS = ("portrait", "energy", "error", "loss")


class MainWindow(QMainWindow):
    """Everything on screen."""

    def __init__(self, lab: Lab) -> None:
        super().__init__()
        self.lab = lab
        self.closed = asyncio.Event()
        self.allow_close = False
        self._tasks: set[asyncio.Task[Any]] = set()
        self._help: HelpSheet | None = None
        self._race: RaceWindow | None = None
        self.presentation: Presentation | None = None
        self._files: Files | None = None
        self.journal = Journal(lab.document, settings().keeps_unsaved, self)
        self.session_actions = SessionActions(lab, self.journal, lambda: self.files, lambda: self.unkept_race, self)
        self.setObjectName("window")
        self.setWindowIcon(logo())
        self.setDockNestingEnabled(True)
        self.setAnimated(False)
        self._build_panels()
        self.arrangement = Arrangement(self, self.docks, lambda: self.lab.experiment.scene.observed)
        self.arrangement.frames_offered = self._on_frames_offered
        self.offer_frames()
        self.share_room()
        self.notices = Notices(self, self.notice, lab)
        self.panel_export = PanelExport(lab, self.docks, self.runs, lambda: self.files, self.spawn)
        self.drops = Drops(self, self.session_actions, lab, self.spawn)
        self.menus = self._make_menus()
        self._paint_throttle = PaintThrottle(self, self.lab)
        self._connect()
        self.arrangement.note_original()
        self.scene.setFocus()
        keep_no_focus(self)
        self._retitle()

    @property
    def files(self) -> "Files":
        """What opens and saves; loaded when the first file is."""
        if self._files is None:
            from app.window.file_dialogs import Files

            self._files = Files(self, self.lab.document, self.notices.complain, self.notices.settle)
        return self._files

    @cached_property
    def presets(self) -> "Presets":
        """What opens the paper's tasks and the presets; its menu is filled when it is first shown."""
        from app.window.presets import Presets

        return Presets(self.system.presets_menu, self.session_actions, lambda: self.files, self.spawn, self)

    def _make_menus(self) -> Menus:
        acts = WindowActions(
            train=self.training.press,
            race=self.show_race,
            help=self.show_help,
            show_log=self.show_log,
            reset_layout=self.reset_layout,
            choose_layout=self.choose_layout,
            present=self.present,
            full_screen=self.switch_full_screen,
            resize_text=self.resize_text,
            switch_theme=switch_theme,
            keep_unsaved=self.keep_unsaved,
            new_system=self.type_own,
            fill_panels=self.panel_export.fill_panels,
            quit=self.close,
        )
        docks, kept = self.docks.values(), self.journal.on
        return Menus(
            self.menuBar(), self.playback_bar, self, docks, self.lab, self.session_actions, acts, self.spawn, kept
        )

    def close_files(self) -> None:
        """End the thread that reads and writes, if there is one."""
        if self._files is not None:
            self._files.close()

    # Panels -----------------------------------------------------------------------------------------------------------

    def _build_panels(self) -> None:
        lab = self.lab
        self.system, self.data, self.training = SystemPanel(lab), DataPanel(lab), TrainingPanel(lab)
        self.what_if = WhatIf(lab)
        self.scene, self.runs = ScenePanel(lab), RunsPanel(lab)
        column = (self.system, self.what_if, self.data, self.training)
        self.docks: dict[str, QDockWidget] = {
            name: self._dock(name, title, widget)
            for name, title, widget in (
                ("controls", "Laboratory", controls_column(column, self.training.foot)),
                ("scene", "Scene", self.scene),
                ("frames", "Frames", QWidget()),
                ("portrait", "Phase portrait", QWidget()),
                ("energy", "Energy", QWidget()),
                ("error", "Error", QWidget()),
                ("loss", "Loss", QWidget()),
                ("runs", "Runs", self.runs),
                ("verdict", "Verdict", QWidget()),
                ("split", "Whose error", QWidget()),
                ("views", "Views", QWidget()),
            )
        }
        self.playback_bar = PlaybackBar(lab)
        self.addToolBar(self.playback_bar)
        self.playback_bar.toggleViewAction().setVisible(False)  # it is what stays when panels are hidden
        self.train_controls = TrainControls(self.lab, self.training)
        self.train_action = self.playback_bar.addWidget(self.train_controls)
        self.train_action.setVisible(False)
        self.debug = DebugPanels(lab, self.docks, keep_no_focus)
        self.docks["controls"].visibilityChanged.connect(lambda shown: self.train_action.setVisible(not shown))
        self.notice = NoticeBar()
        self.status = StatusLine(lab)
        self.statusBar().setSizeGripEnabled(False)
        self.statusBar().addWidget(self.status, 1)

    # The plots. The window stands, with truth moving, before they are there.

    @cached_property
    def portrait(self) -> "PortraitPanel":
        """The phase portrait; made when it is first asked for."""
        from app.panels.portrait.panel import PortraitPanel

        panel = PortraitPanel(self.lab)
        self.docks["portrait"].setWidget(panel)
        keep_no_focus(panel)
        return panel

    @cached_property
    def frames(self) -> "FramesPanel":
        """What a camera sees; made when it is first asked for, or where there is a camera."""
        from app.panels.frames import FramesPanel

        panel = FramesPanel(self.lab)
        self.docks["frames"].setWidget(panel)
        keep_no_focus(panel)
        return panel

    @cached_property
    def energy(self) -> "EnergyPanel":
        """The energy plot; made when it is first asked for."""
        from app.panels.time_plots import EnergyPanel

        panel = EnergyPanel(self.lab)
        panel.titled.connect(partial(self._name_dock, "energy"))
        self._furnish_dock("energy", panel, panel.title)
        return panel

    @cached_property
    def error(self) -> "ErrorPanel":
        """The error plot; made when it is first asked for."""
        from app.panels.time_plots import ErrorPanel

        panel = ErrorPanel(self.lab)
        panel.titled.connect(partial(self._name_dock, "error"))
        self._furnish_dock("error", panel, panel.title)
        return panel

    @cached_property
    def loss(self) -> "LossPanel":
        """The loss plot; made when it is first asked for."""
        from app.panels.loss import LossPanel

        panel = LossPanel(self.lab)
        self._furnish_dock("loss", panel, panel.title)
        return panel

    def _furnish_dock(self, name: str, panel: QWidget, title: str) -> None:
        self.docks[name].setWidget(panel)
        self._name_dock(name, title)

    def furnish(self) -> None:
        """Make all plots now."""
        for name in PLOTS:
            getattr(self, name)
        self.lab.rollouts.refresh()

    async def furnish_in_turn(self) -> None:
        """Once truth moves, make the plots one by one, frames in between."""
        while self.lab.answer is None or self.lab.playback.time == 0.0:
            await asyncio.sleep(0.01)
        for name in PLOTS:
            getattr(self, name)
            await asyncio.sleep(0.01)
        self.lab.rollouts.refresh()

    def _name_dock(self, name: str, title: str) -> None:
        """Write what a panel shows into its frame; in the menu it keeps its short name."""
        dock = self.docks[name]
        dock.setWindowTitle(title_text(title))
        dock.toggleViewAction().setText(name.capitalize())

    def _dock(self, name: str, title: str, widget: QWidget) -> QDockWidget:
        dock = QDockWidget(title_text(title), self)
        dock.setObjectName(name)
        dock.setWidget(widget)
        return dock

    def offer_frames(self) -> None:
        """Show the frames where a camera sees what is studied."""
        self.arrangement.offer_frames()
        self._raise_above()

    def _raise_above(self) -> None:
        """Lay over the docks again what lies over them: a presentation, and what has just been said."""
        if self.presentation is not None:
            self.presentation.raise_()
        self.notice.raise_()

    def _on_frames_offered(self, seen: bool) -> None:
        if seen:
            self.frames.setVisible(True)
        if self.presentation is not None:
            self.presentation.follow_scene()

    def share_room(self) -> None:
        """Let the two pictures own the window."""
        self.arrangement.share_room()

    def reset_layout(self) -> None:
        """Put every panel back."""
        settings().forget_layout()
        self.arrangement.put_back()
        self._raise_above()

    def choose_layout(self, name: str) -> None:
        """Show the panels of a layout (of `LAYOUTS`) in their places, and hide the others."""
        if self.presentation is not None:
            self.presentation.leave()
        self.arrangement.choose(LAYOUTS[name])
        if LAYOUTS[name].maps_error:
            self.lab.document.set_view(error_map=True, compare=False)
        self._raise_above()

    def present(self) -> None:
        """Show the two pictures and a plot over a whole screen, or end that."""
        if self.presentation is not None:
            self.presentation.leave()
            return
        from app.window.presentation import Presentation, WindowParts

        panel = partial(getattr, self)
        parts = WindowParts(panel, self.docks, TrainControls(self.lab, self.training), switch_theme, self.resize_text)
        self.presentation = Presentation(self.lab, self, parts)
        self.presentation.left.connect(self._on_presented)
        self.notices.lay()

    def _on_presented(self) -> None:
        self.presentation = None
        self.scene.setFocus()
        self.notices.lay()

    def switch_full_screen(self) -> None:
        """Fill the screen with the window, or no more."""
        self.setWindowState(self.windowState() ^ Qt.WindowState.WindowFullScreen)

    def resize_text(self, steps: int) -> None:
        """Make the type larger by so many steps, or smaller: that of a presentation, where there is one; 0 makes it as
        it was at first."""
        if self.presentation is not None:
            self.presentation.resize_text(steps)
            return
        resize_text(steps)
        self.share_room()
        self.notices.lay()

    def restore_layout(self) -> None:
        """Take up the layout of the last time."""
        layout = settings().layout
        if layout is None or not self.restoreGeometry(layout[0]) or not self.restoreState(layout[1]):
            self.resize(1440, 900)
            self.share_room()
            if self.screen().availableGeometry().width() < NARROW:
                self.arrangement.show_only(LAYOUTS["learn"])
        self.playback_bar.show()  # an older layout may have it hidden
        self.offer_frames()

    def sizeHint(self) -> QSize:
        return QSize(1440, 900)

    # Wires ------------------------------------------------------------------------------------------------------------

    def _connect(self) -> None:
        document, lab = self.lab.document, self.lab
        application = QApplication.instance()
        assert isinstance(application, QApplication)
        application.focusChanged.connect(self._on_focus)
        document.changed.connect(self._on_changed)
        document.title_changed.connect(self._retitle)
        self.journal.failed.connect(lab.failed)
        self.journal.troubled.connect(lambda text: lab.noticed.emit(text, True))
        lab.training.changed.connect(self._on_job)
        lab.evaluation.changed.connect(self._on_job)
        self.system.presets_menu.aboutToShow.connect(lambda: self.presets)
        self.system.import_asked.connect(lambda: self.spawn(self.session_actions.ask_recording()))
        self.system.film_asked.connect(lambda folder: self.spawn(self.session_actions.ask_film(folder)))
        self.system.shipped_asked.connect(lambda: self.spawn(self.session_actions.open_shipped()))
        self.system.system_asked.connect(lambda what: self.spawn(self.session_actions.open_system(what)))
        self.system.save_system_asked.connect(lambda: self.spawn(self.session_actions.save_system()))
        self.system.details_asked.connect(lambda: self.spawn(self.session_actions.edit_details(self.system.change_own)))
        self._on_job()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_Escape and self.presentation is not None:
            self.presentation.leave()
        else:
            super().keyPressEvent(event)

    def _on_focus(self, old: QWidget | None, new: QWidget | None) -> None:
        """Space presses the button that has the focus, and plays or pauses everywhere else."""
        pressable = isinstance(new, QAbstractButton | QComboBox)
        self.menus.play.setShortcut(QKeySequence() if pressable else QKeySequence("Space"))

    def _on_changed(self, old: State, new: State) -> None:
        document = self.lab.document
        seen = old.experiment.scene.observed, new.experiment.scene.observed
        if seen[0] != seen[1] or not same_system(old.experiment, new.experiment):
            self.offer_frames()
        for action, word, label in (
            (self.menus.undo, "Undo", document.undo_label),
            (self.menus.redo, "Redo", document.redo_label),
        ):
            text = f"{word}: {label.lower()}" if label else word
            if text != action.toolTip():
                name_action(action, text)

    def _retitle(self) -> None:
        document = self.lab.document
        name = document.path.name if document.path is not None else "Untitled"
        title = f"{title_text(name)}[*] – {title_text(self.lab.experiment.source_title)} – HNN Lab"
        if title != self.windowTitle():
            self.setWindowTitle(title)
        if document.dirty != self.isWindowModified():
            self.setWindowModified(document.dirty)
        self.menus.undo.setEnabled(bool(document.undo_label))
        self.menus.redo.setEnabled(bool(document.redo_label))

    def _on_job(self) -> None:
        jobs = self.lab.training.worker
        self.menus.train.setText("Train" if not jobs.active else "Resume training" if jobs.paused else "Pause training")
        self.menus.stop.setEnabled(jobs.active or self.lab.evaluation.busy)

    def contextMenuEvent(self, event: QContextMenuEvent) -> None:
        """Offer to tell what a control does, and what leaves the panel; elsewhere Qt's list of panels."""
        clicked = self.childAt(event.pos())
        name = self.panel_export.name_at(clicked)
        more = partial(self.panel_export.fill, name=name) if name else None
        if offer(self, clicked, event.globalPos(), more) is None:
            super().contextMenuEvent(event)

    def event(self, event: QEvent) -> bool:
        if event.type() is QEvent.Type.UpdateRequest and self._paint_throttle.holds():
            return True
        return super().event(event)

    def resizeEvent(self, event: Any) -> None:
        super().resizeEvent(event)
        self.notices.lay()

    # Actions ----------------------------------------------------------------------------------------------------------

    def spawn(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let `work` run while all else goes on."""
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._on_done)

    async def cancel_tasks(self) -> None:
        """End what still runs, such as a question that is not answered."""
        own = asyncio.current_task()
        tasks = [task for task in self._tasks if task is not own]
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=CANCEL_SECONDS)

    def _on_done(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and task.exception() is not None:
            error = task.exception()
            asyncio.get_running_loop().call_exception_handler({"message": str(error), "exception": error})

    def switch_theme(self) -> None:
        """Light becomes dark and dark light, at once and everywhere."""
        switch_theme()

    def keep_unsaved(self, on: bool) -> None:
        """Keep unsaved work in the journal from now on, or no more."""
        settings().keeps_unsaved = on
        self.journal.set_on(on)

    def type_own(self) -> None:
        """Show the laboratory, with the keyboard in the formula of a system of one's own."""
        self.docks["controls"].show()
        self.system.type_own()

    def show_race(self) -> None:
        """Show the window in which recipes race."""
        if self._race is None:
            from app.dialogs.race_window import RaceWindow

            self._race = RaceWindow(self.lab, self)
            self._race.reached_changed.connect(partial(self.journal.reach, "race"))
        self._race.show()
        self._race.raise_()
        self._race.activateWindow()

    @property
    def unkept_race(self) -> "RaceWindow | None":
        """The window of a race whose runs the document has not, if there is one."""
        return self._race if self._race is not None and self._race.unkept else None

    def end_race(self, seconds: float) -> None:
        """End a race with what was reached, for the journal; the window's thread waits `seconds` at most."""
        if self._race is not None:
            self._race.end(seconds)

    def close_race(self) -> None:
        """End a race, and the process behind it."""
        if self._race is not None:
            self._race.close_threads()

    def show_log(self) -> None:
        """Show the newest lines of the log."""
        from app.dialogs.log_dialog import LogDialog

        LogDialog(self).show()

    def show_help(self) -> None:
        """Show all keys, and the tour."""
        if self._help is None:
            from app.dialogs.help_sheet import HelpSheet

            self._help = HelpSheet(self.actions(), self)
        self._help.show()
        self._help.raise_()

    # The end ----------------------------------------------------------------------------------------------------------

    def closeEvent(self, event: QCloseEvent) -> None:
        if self.allow_close:
            event.accept()
            return
        event.ignore()
        if not self.closed.is_set():  # else it closes already
            self.spawn(self._ask_to_close())

    async def _ask_to_close(self) -> None:
        if await self.session_actions.may_leave():
            self.closed.set()

    def remember(self) -> None:
        """Keep the layout for the next time."""
        if self.presentation is not None:
            self.presentation.leave()
        settings().save_layout(self.saveGeometry(), self.saveState())
        settings().sync()


def keep_no_focus(parent: QWidget) -> None:
    """Let clicked buttons keep no focus, so that Space goes on meaning play; the Tab key still reaches them."""
    for button in parent.findChildren(QAbstractButton):
        button.setFocusPolicy(Qt.FocusPolicy.TabFocus)
