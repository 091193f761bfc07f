"""Pick a system: its card, or a door for measured data; then its constants, which act at once."""

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import Signal
from PySide6.QtGui import QAction
from PySide6.QtWidgets import QHBoxLayout, QMenu, QPushButton, QToolButton, QVBoxLayout, QWidget

from app.lab import Lab
from app.model.document import State
from app.model.settings import settings
from app.style.icons import icon
from app.widgets.formula_card import FormulaCard
from app.widgets.menu_button import after_menu
from app.widgets.parameter_form import ParameterForm
from app.widgets.section import Section
from app.widgets.system_card import CardGrid
from app.widgets.text import action_text, quiet_label, set_tip
from hnn_engine.errors import shortened
from hnn_engine.experiment import (
    Experiment,
    SystemSource,
    of_system,
    same_system,
)
from hnn_engine.models import get_model
from hnn_engine.parameters import Parameter
from hnn_engine.systems import SYSTEMS, System, get_system

if TYPE_CHECKING:
    from app.panels.system_formula import OwnEditor
    from hnn_engine.own_systems.definition import Definition
    from hnn_engine.recordings import Recording

_FREEDOMS = {1: "One degree of freedom", 2: "Two degrees of freedom", 3: "Three", 4: "Four"}


class SystemPanel(QWidget):
    """Cards, constants, and `import_asked` / `shipped_asked` for measured data."""

    import_asked = Signal()
    film_asked = Signal(bool)  # of a folder of pictures
    shipped_asked = Signal()
    system_asked = Signal(object)  # to be opened: a name of the shelf, a path, or None for a file that is asked for
    save_system_asked = Signal()
    details_asked = Signal()

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab = lab
        self.cards = CardGrid([get_system(name) for name in SYSTEMS])
        self.cards.chosen.connect(self._on_chosen)
        self.section = Section("System")
        self.own_card = FormulaCard()
        self.own_card.clicked.connect(lambda: self.type_own())
        self.own: OwnEditor | None = None  # made with the first system of one's own
        self.shelf = QToolButton()
        self.shelf_menu = QMenu(self.shelf)
        self._offer_shelf()
        self.section.add(self.cards)
        own = QHBoxLayout()
        own.setSpacing(4)
        own.addWidget(self.own_card, 1)
        own.addWidget(self.shelf)
        self.section.body.addLayout(own)
        self.presets = QPushButton("Experiments")
        self.presets_menu = QMenu(self.presets)
        self.measured = QPushButton("Measured data")
        self._lay_out_measured()
        self._form: ParameterForm | None = None
        self._form_of: tuple[Parameter, ...] = ()
        self._gesture: object = None
        self._about = quiet_label()
        self.section.add(self._about)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(self.section)
        self._time = 0.0
        lab.document.changed.connect(self._on_changed)
        lab.playback.moved.connect(self._on_moved)
        self.sync(lab.experiment)

    def _lay_out_measured(self) -> None:
        menu = QMenu(self.measured)
        self.open_action = QAction(icon("import"), "Open a recording…", menu)
        self.open_action.triggered.connect(self.import_asked)
        self.film_action = QAction("Video of a pendulum…", menu)
        self.film_action.triggered.connect(lambda: self.film_asked.emit(False))
        self.folder_action = QAction("Folder of pictures…", menu)
        self.folder_action.triggered.connect(lambda: self.film_asked.emit(True))
        self.shipped_action = QAction("Simulated recording (included)", menu)
        self.shipped_action.triggered.connect(self.shipped_asked)
        menu.addActions([self.open_action, self.film_action, self.folder_action, self.shipped_action])
        self.measured.setMenu(menu)
        set_tip(self.measured, "Open measured data: a text or CSV file, or a video of a pendulum.")
        self.presets.setMenu(self.presets_menu)
        set_tip(self.presets, "The paper's tasks, and experiments that each show one property, ready to train.")
        for button in (self.presets, self.measured):
            after_menu(button)
        row = QHBoxLayout()
        row.setSpacing(6)
        row.addWidget(self.presets, 1)
        row.addWidget(self.measured, 1)
        self.section.body.addLayout(row)

    def _offer_shelf(self) -> None:
        self.shelf.setIcon(icon("open"))
        self.shelf.setAccessibleName("Systems of your own and famous ones")
        set_tip(self.shelf, "Famous systems, and files of your own: open, save")
        self.shelf.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.shelf.setMenu(self.shelf_menu)
        self.shelf_menu.aboutToShow.connect(self._fill_shelf)

    def _fill_shelf(self) -> None:
        """Offer the systems that come with the program by their degrees of freedom, and files."""
        from hnn_engine.own_systems.files import shelved_titles

        menu = self.shelf_menu
        for old in menu.findChildren(QMenu):
            old.deleteLater()
        menu.clear()
        menu.addAction("Open a system…").triggered.connect(lambda: self.system_asked.emit(None))
        save = menu.addAction("Save the system…")
        save.triggered.connect(self.save_system_asked)
        save.setEnabled(self.lab.experiment.definition is not None)
        menu.addSeparator()
        for path in settings().recent_systems:
            action = menu.addAction(action_text(shortened(path.name)))
            set_tip(action, str(path))
            action.triggered.connect(lambda _=False, path=path: self.system_asked.emit(path))
        menu.addSeparator()
        menus: dict[int, QMenu] = {}
        for name, title, dof in shelved_titles():
            if dof not in menus:
                menus[dof] = menu.addMenu(action_text(_FREEDOMS[dof]))
            action = menus[dof].addAction(action_text(title))
            action.triggered.connect(lambda _=False, name=name: self.system_asked.emit(name))

    def type_own(self) -> None:
        """Put a system of one's own on screen, with the keyboard in its formula."""
        editor = self._editor()
        editor.show()
        editor.begin()

    def change_own(self, definition: "Definition") -> None:
        """Give the typed system other ranges, units and meanings."""
        self._editor().change(definition)

    def _editor(self) -> "OwnEditor":
        if self.own is None:
            from app.panels.system_formula import OwnEditor

            self.own = OwnEditor(self.lab)
            self.own.details_asked.connect(self.details_asked)
            self.section.body.insertWidget(self.section.body.indexOf(self._about), self.own)
        return self.own

    def _show_own(self, experiment: Experiment) -> None:
        definition = experiment.definition
        self.own_card.setChecked(definition is not None)
        if definition is not None:
            from hnn_engine.own_systems.definition import hamiltonian_of

            self._editor().sync()
            self.own_card.show_formula(hamiltonian_of(definition))
        if self.own is not None:
            self.own.setVisible(definition is not None)

    def sync(self, experiment: Experiment) -> None:
        """Show the experiment's system and its constants."""
        system = experiment.system
        self.cards.select(experiment.source_name)
        self._show_own(experiment)
        self._show_form(system)
        if system is not None and self._form is not None:
            self._form.set_values(system.values)
        recording = experiment.recording
        self._about.setText(_about(recording) if recording is not None else "")
        self._about.setVisible(recording is not None)

    def _show_form(self, system: System | None) -> None:
        constants = system.constants if system is not None else ()
        if constants == self._form_of:
            return
        if self._form is not None:
            self.section.body.removeWidget(self._form)
            self._form.deleteLater()
            self._form = None
        self._form_of = constants
        if constants:
            self._form = ParameterForm(constants)
            self._form.edited.connect(self._on_edited)
            self.section.add(self._form)

    def _on_changed(self, old: State, new: State) -> None:
        if old.experiment.source is not new.experiment.source:
            self.sync(new.experiment)

    def _on_edited(self, name: str, value: object, final: bool) -> None:
        source = self.lab.experiment.source
        assert isinstance(source, SystemSource)
        self._gesture = self._gesture or object()
        self.lab.drag.slide(final)
        system = source.system({**source.constants, name: value})
        changes: dict[str, Any] = {"source": replace(source, constants=system.values)}
        if system.dof != self.lab.experiment.scene.dof:  # other coordinates: axes chosen for the old ones are reset
            self.lab.playback.restart()
            self.lab.document.set_view(axes=None)
            changes["start"] = tuple(float(x) for x in system.default_start)
        self.lab.edit(f"Change {name}", self._gesture, **changes)
        if final:
            self._gesture = None

    def _on_chosen(self, name: str) -> None:
        """Open the system's own experiment, with the models and recipe that are chosen now."""
        now = self.lab.experiment
        if SYSTEMS[name].observed:  # which ends a live fit: what it has changed does not go along
            now = self.lab.live_fit.put_back(now)
        new = of_system(name, now)
        dropped = [m for m in now.models if m not in new.models and not get_model(m.name).observes_frames]
        self.lab.playback.restart()
        self.lab.document.set_view(axes=None)
        self.lab.put(f"Choose {SYSTEMS[name].title.lower()}", new)
        for reason in [get_model(m.name).why_not(new.scene) for m in dropped]:
            if reason:
                self.lab.noticed.emit(f"{reason}: it is deselected.", False)

    def _on_moved(self, time: float) -> None:
        """Let the chosen card move with the scene, now and then: it is a hint, not a plot."""
        answer, system = self.lab.answer, self.lab.experiment.system
        if abs(time - self._time) < 0.06 or answer is None or answer.truth is None or system is None:
            return
        self._time = time
        track = answer.truth
        if same_system(answer.request.experiment, self.lab.experiment) and len(track.t):
            i = min(int(track.t.searchsorted(time)), len(track.t) - 1)
            q = track.coords[i, : system.dof]
            if (q == q).all() and system.name in SYSTEMS:
                self.cards.card(system.name).set_state(q, system)


def _about(recording: "Recording") -> str:
    """Say what a recording is."""
    if recording.frames is not None:
        size = recording.frame_size
        return f"{recording.title}: {len(recording.t)} frames of {size} × {size} pixels, from a video."
    return f"{recording.title}: {len(recording.t)} rows, {'simulated' if recording.simulated else 'measured'}."
