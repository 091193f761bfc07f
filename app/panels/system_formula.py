"""The system that is typed: its formula, printed below as it is read, and what is seen of it."""

from dataclasses import replace
from itertools import zip_longest

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractButton,
    QCheckBox,
    QFormLayout,
    QHBoxLayout,
    QLineEdit,
    QPushButton,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.lab import Lab
from app.widgets.choices import mark
from app.widgets.formula_edit import FormulaEdit
from app.widgets.formula_view import Equation, FormulaView
from app.widgets.parameter_row import QuietCombo
from app.widgets.text import PlainLabel, action_text, problem_label, quiet_label, set_tip
from app.workers.typed_system import CHOOSE, Facts, Refusal
from hnn_engine.equilibria import Equilibrium
from hnn_engine.formulas.expression import Expression, Name
from hnn_engine.formulas.grammar import DOT, parse
from hnn_engine.number_format import NO_BREAK, number
from hnn_engine.own_systems.definition import Definition, friction_of, hamiltonian_of
from hnn_engine.own_systems.draft import Draft
from hnn_engine.own_systems.ranges import angles_of, symbol
from hnn_engine.own_systems.system import OwnSystem

FIRST = "p^2/(2m) + k q^2/2 + a q^4"
MOST_TOLD = 8  # equilibria in words
_TIPS = {
    "friction": "What is added to dp/dt, as in −gamma p: one formula in q and p for every pair, or one for each "
    "momentum, with commas between.",
    "coordinates": "Names of the coordinates, with commas between: x, y or theta. Empty: as the formula has them.",
    "momenta": "Names of the momenta, in the order of the coordinates. Empty: p, p1 to p4, p_x of x.",
    "names": "Constants whose name has several letters, as in mass, length: else m a s s is a product.",
}
_TITLES = {"friction": "Friction", "coordinates": "Coordinates", "momenta": "Momenta", "names": "Names"}
_FIELD_OF = {"friction": "friction", "coordinate": "coordinates", "momentum": "momenta", "constant": "names"}


class OwnEditor(QWidget):
    """Types a system. `details_asked()`: ranges, units and meanings are to be edited."""

    details_asked = Signal()

    def __init__(self, lab: Lab, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.lab, self.typed = lab, lab.typed_system
        self._definition: Definition | None = None  # of which the fields show the texts
        self._rest = Definition()  # what the fields do not show
        self._facts: Facts | None = None
        self._derived: Definition | None = None  # of which the equations are shown
        self._build()
        self._lay_out()
        self._connect()
        for button in self.findChildren(QAbstractButton):
            button.setFocusPolicy(Qt.FocusPolicy.TabFocus)  # so that Space goes on meaning play
        self.sync()
        self.typed.examine()  # what was on screen before: nobody has heard what is known of it

    def _build(self) -> None:
        self.kind = QuietCombo()
        self.kind.addItem("Hamiltonian", False)
        self.kind.addItem("Lagrangian", True)
        self.kind.setAccessibleName("What is typed")
        set_tip(self.kind, "H(q, p), or L(q, q̇), of which H is derived.")
        self.text = FormulaEdit("Formula", FIRST)
        self.problem = problem_label()
        self.view = FormulaView("Formula, printed")
        self.working = quiet_label()
        self.stop = QPushButton("Stop")
        self.about = quiet_label()
        self.facts = quiet_label()
        self.fields = {name: QLineEdit() for name in _TITLES}
        for name, box in self.fields.items():
            box.setAccessibleName(_TITLES[name])
            set_tip(box, _TIPS[name])
        self.fields["friction"].setPlaceholderText("-gamma p")
        self.fields["coordinates"].setPlaceholderText("as in the formula")
        self.fields["momenta"].setPlaceholderText("as usual")
        self.fields["names"].setPlaceholderText("mass, length")
        self.periodic: list[QCheckBox] = []
        self.details = QPushButton(action_text("Ranges, units, meanings…"))
        self.more_button = self._switch("More", "Friction, names of coordinates, angles, ranges of constants")
        self.equations_button = self._switch("Equations", "Hamilton's equations, and where the system rests")
        self.equations = FormulaView("Hamilton's equations")
        self.equations_problem = quiet_label()
        self.stop_equations = QPushButton("Stop")
        self.rests = [quiet_label() for _ in range(MOST_TOLD + 2)]  # a line each

    def _switch(self, title: str, tip: str) -> QToolButton:
        button = QToolButton()
        button.setText(title)
        button.setCheckable(True)
        set_tip(button, tip)
        return button

    def _lay_out(self) -> None:
        head = QHBoxLayout()
        head.setSpacing(4)
        head.addWidget(self.kind)
        head.addStretch(1)
        head.addWidget(self.equations_button)
        head.addWidget(self.more_button)
        self._more, self._equations = QWidget(), QWidget()
        form = QFormLayout(self._more)
        form.setContentsMargins(0, 2, 0, 2)
        form.setSpacing(4)
        for name, box in self.fields.items():
            form.addRow(PlainLabel(_TITLES[name]), box)
        self._angles = QHBoxLayout()
        self._angles.setSpacing(8)
        form.addRow(PlainLabel("Angles"), self._angles)
        form.addRow(self.details)
        below = QVBoxLayout(self._equations)
        below.setContentsMargins(0, 2, 0, 2)
        below.setSpacing(4)
        below.addWidget(self.equations)
        below.addLayout(_beside(self.equations_problem, self.stop_equations))
        for line in self.rests:
            below.addWidget(line)
            line.hide()
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addLayout(head)
        layout.addWidget(self.text)
        layout.addWidget(self._more)  # above what comes and goes while its fields are typed
        layout.addWidget(self.problem)
        layout.addLayout(_beside(self.working, self.stop))
        below_it: list[QWidget] = [self.about, self.view, self._equations, self.facts]
        for part in below_it:
            layout.addWidget(part)
        folded: list[QWidget] = [self._more, self._equations]
        for part in (*folded, self.working, self.stop, self.equations_problem, self.stop_equations):
            part.hide()

    def _connect(self) -> None:
        typed = self.typed
        self.text.typed.connect(self._on_typed)
        self.text.finished.connect(typed.finish)
        self.kind.activated.connect(self._on_kind)
        for box in self.fields.values():
            box.textEdited.connect(self._on_typed)
            box.editingFinished.connect(typed.finish)
        self.more_button.toggled.connect(self._more.setVisible)
        self.equations_button.toggled.connect(self._on_equations)
        self.details.clicked.connect(self.details_asked)
        self.stop.clicked.connect(self._on_stop)
        self.stop_equations.clicked.connect(self._on_stop_equations)
        typed.read.connect(self._on_read)
        typed.refused.connect(self._on_refused)
        typed.known.connect(self._on_known)
        typed.derived.connect(self._on_derived)
        self.lab.frame_clock.text.connect(self._on_tick)

    # What is on screen ------------------------------------------------------------------------------------------------

    def begin(self) -> None:
        """Put the last system that was typed on screen, or a first one, with the keyboard in its formula."""
        if self.lab.experiment.definition is None:
            self._fill(Draft(FIRST) if self._definition is None else Draft.of(self._definition))
            self.typed.finish()
            self.typed.type(self.draft(), CHOOSE, anew=True)
            self.typed.finish()
        self.text.setFocus()
        self.text.selectAll()

    def draft(self) -> Draft:
        """Return what stands in the fields."""
        texts = {name: box.text() for name, box in self.fields.items()}
        return Draft(self.text.text(), bool(self.kind.currentData()), **texts, rest=self._rest)

    @property
    def definition(self) -> Definition | None:
        """The system whose texts are shown."""
        return self._definition

    def sync(self) -> None:
        """Show the texts of the system on screen."""
        definition = self.lab.experiment.definition
        if definition is None or definition is self._definition or self.typed.showing:
            return  # what is being shown is what the fields say
        self._fill(Draft.of(definition))
        self._show(definition)

    def _fill(self, draft: Draft) -> None:
        self._rest = draft.rest
        self.kind.setCurrentIndex(self.kind.findData(draft.lagrangian))
        self.text.set_text(draft.text)
        for name, box in self.fields.items():
            box.setText(getattr(draft, name))

    def change(self, rest: Definition) -> None:
        """Read the fields anew with other ranges, units and meanings, as one undo step."""
        self._rest = rest
        self.typed.finish()
        self.typed.type(self.draft(), "Change the ranges")
        self.typed.finish()

    def _show(self, definition: Definition) -> None:
        """Print a definition whose texts are in the fields."""
        self._definition = self._rest = definition
        self._say(Refusal(""))
        self.view.show_equations(printed(definition))
        self.about.setText(about_words(definition))
        self.about.setVisible(bool(self.about.text()))
        self._show_angles(definition)
        known = self._facts is not None and self._facts.system.definition == definition
        if not known:  # what was seen of another
            self.facts.setText("…")
            for line in self.rests:
                line.hide()
        self.equations.set_stale(definition != self._derived)
        shown = ", ".join(definition.names[: definition.dof])
        self.fields["coordinates"].setPlaceholderText(shown)
        self.fields["momenta"].setPlaceholderText(", ".join(definition.names[definition.dof :]))

    def _show_angles(self, definition: Definition) -> None:
        system = self.lab.experiment.system
        if not isinstance(system, OwnSystem) or system.definition != definition:
            return
        angles, dof = angles_of(definition, system.form), definition.dof
        if [box.text() for box in self.periodic] != [symbol(name) for name in definition.names[:dof]]:
            for box in self.periodic:
                self._angles.removeWidget(box)
                box.deleteLater()
            self.periodic = [self._angle_box(i, name) for i, name in enumerate(definition.names[:dof])]
        for box, angle in zip(self.periodic, angles, strict=False):
            box.setChecked(angle)

    def _angle_box(self, which: int, name: str) -> QCheckBox:
        box = QCheckBox(symbol(name))
        set_tip(box, f"{symbol(name)} is an angle in rad: after a whole turn all is as before.")
        box.setFocusPolicy(Qt.FocusPolicy.TabFocus)
        box.clicked.connect(lambda on: self._on_periodic(which, on))
        self._angles.addWidget(box)
        return box

    def _say(self, refusal: Refusal) -> None:
        """Say what is wrong, and mark the place; nothing where `problem` is empty."""
        self.problem.setText(refusal.problem)
        self.problem.setVisible(bool(refusal.problem))
        field = _FIELD_OF.get(refusal.what, "")
        for name, box in self.fields.items():
            mark(box, bool(refusal.problem) and name == field)
        self.text.mark_place(refusal.column if refusal.problem and not field else -1)
        self.view.set_stale(bool(refusal.problem))
        if field and not self.more_button.isChecked():
            self.more_button.setChecked(True)

    # Typing -----------------------------------------------------------------------------------------------------------

    def _on_typed(self) -> None:
        self.typed.type(self.draft())

    def _on_kind(self) -> None:
        """Another kind of formula: a Lagrangian goes over to the H that was made of it; of an H none is known."""
        definition = self._definition
        lagrangian = bool(self.kind.currentData())
        if definition is not None and not lagrangian and definition.lagrangian:
            self.text.set_text(definition.hamiltonian)
        self._on_typed()
        self.typed.finish()

    def _on_periodic(self, which: int, on: bool) -> None:
        places = list(self._rest.coordinates)
        places[which] = replace(places[which], periodic=on)
        self.typed.finish()
        self._rest = replace(self._rest, coordinates=tuple(places))
        self.typed.type(self.draft(), "Change the angles")
        self.typed.finish()

    def _on_stop(self) -> None:
        self.typed.stop()
        self._say(Refusal("It was stopped: change the formula to begin anew"))
        self._on_tick()

    def _on_read(self, definition: Definition) -> None:
        self._show(definition)

    def _on_refused(self, refusal: Refusal) -> None:
        self._say(refusal)

    def _on_tick(self) -> None:
        """Say what takes its time."""
        deriving, finding = self.typed.deriving, self.typed.finding_equations
        self.working.setText("Deriving H…" if deriving else "")
        for part in (self.working, self.stop):
            part.setVisible(deriving)
        if finding:
            self.equations_problem.setText("Finding the equations…")
            self.equations_problem.show()
        self.stop_equations.setVisible(finding)

    # What is seen of it -----------------------------------------------------------------------------------------------

    def _on_known(self, facts: Facts) -> None:
        self._facts = facts
        self.facts.setText(fact_words(facts))
        lines = rest_lines(facts)
        for words, line in zip_longest(self.rests, lines, fillvalue=""):
            assert isinstance(words, PlainLabel)
            words.setText(line)
            words.setVisible(bool(line))

    def _on_equations(self, on: bool) -> None:
        self._equations.setVisible(on)
        self.typed.want_equations(on)
        self._on_tick()

    def _on_stop_equations(self) -> None:
        self.typed.stop_equations()
        self._on_tick()
        self.equations_problem.setText("The equations were stopped: close and open them to begin anew.")

    def _on_derived(self, definition: Definition, found: tuple[Expression, ...] | None, problem: str) -> None:
        self.equations_problem.setText(problem)
        self.equations_problem.setVisible(bool(problem))
        self.stop_equations.hide()
        self._derived = definition
        self.equations.show_equations(motion(definition, found) if found is not None else ())


def _beside(words: QWidget, button: QWidget) -> QHBoxLayout:
    row = QHBoxLayout()
    row.addWidget(words, 1)
    row.addWidget(button)
    return row


def printed(definition: Definition) -> tuple[Equation, ...]:
    """Return the formulas of a definition as they are printed: H, or L and its H, and friction."""
    equations = [Equation(Name("H"), hamiltonian_of(definition))]
    if definition.lagrangian:
        equations.insert(0, Equation(Name("L"), parse(definition.lagrangian, definition.declared, "L")))
    drags = friction_of(definition)
    for momentum, drag in zip(definition.names[definition.dof :], drags, strict=False):
        equations.append(Equation(Name(f"F_{momentum.removeprefix('p').strip('_') or 'p'}"), drag))
    return tuple(equations)


def motion(definition: Definition, rates: tuple[Expression, ...]) -> tuple[Equation, ...]:
    """Return Hamilton's equations, q̇ = …, ṗ = …"""
    return tuple(Equation(Name(name + DOT), rate) for name, rate in zip(definition.names, rates, strict=True))


def about_words(definition: Definition) -> str:
    """Say what a system is called, what it is, and where it is from."""
    named = f"{definition.title}: {definition.summary}" if definition.summary else definition.title
    return " ".join(part for part in (named, f"Source: {definition.source}." if definition.source else "") if part)


def fact_words(facts: Facts) -> str:
    """Say in a line what is seen of a system."""
    system = facts.system
    parts = []
    if system.form.separable:
        others = [name for name, there in (("friction", system.damped), ("a force", system.driven)) if there]
        parts.append("H = T(p) + V(q, t)" if system.law_.energy_timed else "H = T(p) + V(q)")
        parts[-1] += f", with {' and '.join(others)}" if others else ""
    if system.timed:
        parts.append("depends on time")
    if facts.conserved:
        names = ", ".join(map(symbol, facts.conserved))
        parts.append(f"{names} {'is' if len(facts.conserved) == 1 else 'are'} conserved")
    kinds: dict[str, int] = {}
    for one in facts.equilibria:
        kinds[one.kind] = kinds.get(one.kind, 0) + 1
    parts += [f"{count} {kind if count == 1 else _plural(kind)}" for kind, count in kinds.items()]
    if not facts.equilibria and not system.timed:
        parts.append("no rest within the ranges")
    if facts.lowest is not None:
        parts.append(f"least H {number(facts.lowest)}")
    return " · ".join(part.replace(" ", NO_BREAK) for part in parts)


def _plural(kind: str) -> str:
    return {"focus": "foci", "degenerate": "degenerate points of rest"}.get(kind, f"{kind}s")


def rest_lines(facts: Facts) -> list[str]:
    """Say where a system rests, a line each."""
    if not facts.equilibria:
        return []
    names = ", ".join(symbol(name) for name in facts.system.definition.names)
    lines = [f"Rest at ({names}):", *map(_rest_line, facts.equilibria[:MOST_TOLD])]
    more = len(facts.equilibria) - MOST_TOLD
    return [*lines, f"and {more} more"] if more > 0 else lines


def _rest_line(one: Equilibrium) -> str:
    at = ", ".join(map(number, one.at))
    stable = "" if one.stable or one.kind != "degenerate" else ", unstable"
    return f"({at}): {one.kind}{stable}, H = {number(one.energy)}"
