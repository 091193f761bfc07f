"""What can be opened with one click: the paper's tasks, and experiments that show one property each."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtGui import QAction
from PySide6.QtWidgets import QMenu, QWidget, QWidgetAction

from app.dialogs.awaiting import finished
from app.model.settings import settings
from app.widgets.text import Button, ButtonRole, MessageIcon, action_text, heading, message_box, set_tip
from hnn_engine.disk import operations
from hnn_engine.experiment import Experiment
from hnn_engine.presets import PRESETS, Preset
from hnn_engine.tasks import TASKS, Task

if TYPE_CHECKING:
    from app.window.file_dialogs import Files
    from app.window.session_actions import SessionActions
    from hnn_engine.recordings import Recording


def _is_there(path: Path) -> bool:
    """Whether there is a file at `path`, as far as that can be told."""
    try:
        return operations.is_file(operations.kind(path))
    except OSError:
        return False


class Presets:
    """Fills `menu` and opens what is chosen from it. Questions open over `parent`; `spawn` runs what is awaited."""

    def __init__(
        self,
        menu: QMenu,
        session_actions: "SessionActions",
        files: "Callable[[], Files]",
        spawn: Callable[[Coroutine[Any, Any, Any]], None],
        parent: QWidget,
    ) -> None:
        self._session_actions, self._files, self._spawn, self._parent = session_actions, files, spawn, parent
        menu.setToolTipsVisible(True)
        shown = PRESETS.values()
        self._fill(menu, "The paper's tasks", [t for t in TASKS.values() if t.from_paper])
        self._fill(menu, "Shown in the paper", [d for d in shown if d.from_paper])
        self._fill(menu, "Beyond the paper", [d for d in shown if not d.from_paper])

    def _fill(self, menu: QMenu, title: str, presets: "list[Task] | list[Preset]") -> None:
        if menu.actions():
            menu.addSeparator()
        label = heading(title)
        label.setContentsMargins(12, 6, 12, 2)
        holder = QWidgetAction(menu)  # style sheets hide the text of a menu's own sections
        holder.setDefaultWidget(label)
        menu.addAction(holder)
        for preset in presets:
            action = QAction(action_text(preset.title), menu)
            set_tip(action, preset.summary)
            action.triggered.connect(lambda _=False, preset=preset: self.open(preset))
            menu.addAction(action)

    def open(self, preset: Task | Preset) -> None:
        """Put the experiment of `preset` on screen, ready to train; ask for the file where it needs one."""
        if isinstance(preset, Preset):
            self._show(preset.title, preset.experiment(), dict(preset.view))
        elif preset.needs_recording:
            self._spawn(self._open_recorded(preset))
        else:
            self._show(preset.title, preset.experiment())

    def _show(self, title: str, experiment: Experiment, view: dict[str, object] | None = None) -> None:
        plain = {"axes": None, "field": "truth", "compare": False, "energy_of": "reference", "seeds": 1, "twin": False}
        self._session_actions.study(f"Open {title[:1].lower()}{title[1:]}", experiment, **{**plain, **(view or {})})

    async def _open_recorded(self, task: Task) -> None:
        """Read the file that was opened last time, or say where it comes from and offer what there is."""
        known = settings().measured_pendulum
        recording = await self._files().read_known(known) if known is not None and _is_there(known) else None
        if recording is None:
            recording = await self._ask(task)
        if recording is not None:
            self._show(task.title, task.experiment(recording))

    async def _ask(self, task: Task) -> "Recording | None":
        box = message_box(
            self._parent,
            "The measured pendulum data is not included in this program.",
            "It was recorded by M. Schmidt and H. Lipson: supplementary data of “Distilling free-form natural laws "
            "from experimental data”, Science 324:81 (2009), file real_pend_h_1.txt. No licence is stated, so it is "
            "not shipped. Open your copy of it, or take the simulated recording that comes with HNN Lab.",
            MessageIcon.Information,
            task.title,
        )
        own = box.addButton("Open the file…", ButtonRole.AcceptRole)
        simulated = box.addButton("Simulated recording", ButtonRole.ActionRole)
        box.addButton(Button.Cancel)
        await finished(box)
        pressed = box.clickedButton()
        box.deleteLater()
        experiment = None
        if pressed is own:
            experiment = await self._files().ask_recording()
        elif pressed is simulated:
            experiment = await self._files().shipped_recording()
        return experiment.recording if experiment is not None else None
