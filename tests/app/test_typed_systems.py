"""Typing a system: the picture follows each key, what is no formula changes nothing, files, bands of energies, fits."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtTest import QTest

from app.dialogs.system_details import SystemDetails
from app.panels.system_formula import FIRST, OwnEditor, printed
from app.widgets.text import shown
from hnn_engine.experiment import opened, own_source
from hnn_engine.formulas.expression import written
from hnn_engine.number_format import NO_BREAK
from hnn_engine.own_systems.definition import define
from hnn_engine.own_systems.files import load_shelved, load_system, system_text
from hnn_engine.own_systems.system import OwnSystem
from tests.app.bench import Bench

HENON_HEILES = "(p_x^2 + p_y^2)/2 + (x^2 + y^2)/2 + x^2 y - y^3/3"


async def begun(bench: Bench) -> OwnEditor:
    """Click the card, and return the editor with the first system on screen."""
    bench.click(bench.window.system.own_card)
    await bench.until(lambda: bench.experiment.definition is not None, "a typed system")
    await bench.settled()
    editor = bench.window.system.own
    assert editor is not None
    return editor


async def retype(bench: Bench, editor: OwnEditor, text: str) -> None:
    """Replace the formula, key by key, and wait until it is read."""
    editor.text.setFocus()
    editor.text.selectAll()
    QTest.keyClicks(editor.text, text)
    await bench.until(lambda: not editor.typed.busy, "the formula read")
    await bench.frames(2)


async def on_screen(bench: Bench, editor: OwnEditor, text: str) -> OwnSystem:
    """Type a formula and wait until it is on screen in full."""
    await retype(bench, editor, text)
    assert not editor.problem.text()
    await bench.until(lambda: not bench.lab.drag.active, "the end of typing")
    await bench.settled()
    system = bench.experiment.system
    assert isinstance(system, OwnSystem)
    assert (system.definition.lagrangian or system.definition.hamiltonian) == text
    return system


# Typing ---------------------------------------------------------------------------------------------------------------


async def test_the_card_opens_a_formula_and_undo_closes_it(bench: Bench) -> None:
    editor = await begun(bench)
    assert editor.text.text() == FIRST
    assert bench.window.system.own_card.isChecked()
    assert bench.window.system.cards.current() == ""
    assert [written(one.right) for one in editor.view.equations] == ["p^2/(2*m) + k*q^2/2 + a*q^4"]
    assert bench.truth[0] == pytest.approx(bench.experiment.start)
    bench.document.undo()
    await bench.settled()
    assert bench.experiment.source_name == "pendulum"
    assert editor.isHidden()
    assert not bench.window.system.own_card.isChecked()
    bench.document.redo()
    await bench.settled()
    assert editor.isVisible()


async def test_the_picture_follows_while_a_formula_is_typed(bench: Bench) -> None:
    editor = await begun(bench)
    before = bench.experiment
    pictures = set()
    editor.text.setFocus()
    editor.text.selectAll()
    for letter in "p^2/2 + q^2/2 + q^4":
        QTest.keyClicks(editor.text, letter)
        await bench.until(lambda: not editor.typed.busy, "the formula read")
        await bench.frames(2)
        pictures.add(bench.experiment.source_name)
    assert len(pictures) >= 4  # of the texts on the way that are formulas
    await bench.until(lambda: not bench.lab.drag.active, "the end of typing")
    await bench.settled()
    system = bench.experiment.system
    assert system is not None
    energy = system.hamiltonian(bench.truth)
    assert energy == pytest.approx(np.full_like(energy, energy[0]), rel=1e-8)
    assert bench.answer.field is not None
    assert bench.answer.field.flow is not None
    bench.document.undo()
    assert bench.experiment == before, "what is typed without a break is one undo step"


async def test_what_is_no_formula_leaves_the_last_picture_and_marks_the_place(bench: Bench) -> None:
    editor = await begun(bench)
    await on_screen(bench, editor, "p^2/2 + q^2/2")
    before, shown_equations = bench.experiment, editor.view.equations
    await retype(bench, editor, "p^2/2 + q^2/2 + (q")
    assert bench.experiment is before
    assert editor.view.equations == shown_equations
    assert editor.view.stale
    assert editor.text.marked == 17
    assert "is not closed" in editor.problem.text()
    assert editor.problem.isVisible()
    (mark,) = editor.text.extraSelections()
    assert mark.cursor.selectedText() == "("  # type: ignore[attr-defined]
    QTest.keyClicks(editor.text, " + 1)^2")
    await bench.until(lambda: not editor.problem.text(), "a formula again")
    assert not editor.view.stale
    assert editor.text.marked == -1
    assert bench.experiment is not before


@pytest.mark.parametrize(
    "text",
    [
        "hello",
        "q^2/2",
        "p^2/2",
        "p^2/2 + q^2/0",
        "log(-1 - q^2) + p^2",
        "1/(q - q) + p^2",
        "2^" * 100 + "q",
        "(" * 200,
        "__import__('os').system('true')",
        "p^2/2 + q/t",
        "\\input{/etc/passwd}",
        "<img src=x>",
    ],
)
async def test_bad_input_is_one_sentence_and_nothing_is_lost(bench: Bench, text: str) -> None:
    editor = await begun(bench)
    before = bench.experiment
    editor.text.set_text("")
    editor.text.setFocus()
    editor.text.insertPlainText(text)
    await bench.until(lambda: not editor.typed.busy and editor.problem.text(), "a sentence", 10.0)
    assert bench.experiment is before
    assert 10 < len(editor.problem.text()) <= 300
    assert "\n" not in editor.problem.text()
    assert editor.text.marked >= 0
    assert not bench.unforeseen


async def test_a_constant_keeps_its_slider_while_the_formula_changes(bench: Bench) -> None:
    editor = await begun(bench)
    form = bench.window.system._form
    assert form is not None
    bench.set_number(form, "k", "3.5")
    await bench.settled()
    system = await on_screen(bench, editor, "p^2/(2m) + k q^2/2 + b q^6")
    assert system.values == {"m": 1.0, "k": 3.5, "b": 1.0}
    assert set(bench.window.system._form.values()) == {"m", "k", "b"}  # type: ignore[union-attr]


async def test_two_coordinates_by_their_own_names(bench: Bench) -> None:
    editor = await begun(bench)
    system = await on_screen(bench, editor, HENON_HEILES)
    assert system.definition.names == ("x", "y", "p_x", "p_y")
    assert bench.window.portrait.x_axis.count() == 4
    editor.more_button.click()
    bench.type_into(editor.fields["momenta"], "u, v")
    await bench.until(lambda: editor.problem.text(), "a refusal")  # p_x is a constant then, and nothing moves x
    editor.fields["momenta"].selectAll()
    bench.key(Qt.Key.Key_Delete, widget=editor.fields["momenta"])
    await bench.until(lambda: not editor.problem.text(), "the usual names")
    bench.type_into(editor.fields["coordinates"], "x!")
    await bench.until(lambda: editor.problem.text(), "a refusal of a name")
    assert editor.fields["coordinates"].property("problem")
    assert editor.text.marked == -1


async def test_friction_is_typed(bench: Bench) -> None:
    editor = await begun(bench)
    editor.more_button.click()
    bench.type_into(editor.fields["friction"], "-gamma p")
    await bench.until(lambda: bench.experiment.system is not None and bench.experiment.system.damped, "friction")
    await bench.until(lambda: not bench.lab.drag.active, "the end of typing")
    await bench.settled()
    system = bench.experiment.system
    assert system is not None
    energy = system.hamiltonian(bench.truth)
    assert energy[-1] < 0.1 * energy[0]
    bench.type_into(editor.fields["friction"], "-gamma (")
    await bench.until(lambda: editor.problem.text(), "a refusal")
    assert editor.fields["friction"].property("problem")
    assert "friction, column" in editor.problem.text()


async def test_an_angle_is_ticked(bench: Bench) -> None:
    editor = await begun(bench)
    await on_screen(bench, editor, "p^2/2 + 1 - cos(q)")
    editor.more_button.click()
    (box,) = editor.periodic
    assert box.isChecked(), "H is seen to have the period"
    bench.click(box, QPoint(8, box.height() // 2))
    await bench.until(lambda: bench.experiment.scene.periodic == (False, False), "no angle")
    await bench.settled()
    assert not editor.periodic[0].isChecked()


async def test_a_space_is_typed_and_does_not_play(bench: Bench) -> None:
    editor = await begun(bench)
    editor.text.setFocus()
    playing = bench.lab.playback.playing
    for key in (Qt.Key.Key_Space, Qt.Key.Key_Period, Qt.Key.Key_Home):
        bench.key(key, widget=editor.text)
    assert bench.lab.playback.playing == playing
    assert " " in editor.text.text()


async def test_undo_in_the_box_is_of_the_text_until_there_is_none(bench: Bench) -> None:
    editor = await begun(bench)
    await retype(bench, editor, "p^2/2 + q^2")
    bench.key(Qt.Key.Key_Z, Qt.KeyboardModifier.ControlModifier, editor.text)
    await bench.until(lambda: editor.text.text() != "p^2/2 + q^2", "the text undone")
    assert bench.experiment.definition is not None


async def test_a_lagrangian_is_typed(bench: Bench) -> None:
    pytest.importorskip("sympy")
    editor = await begun(bench)
    bench.choose(editor.kind, True)
    editor.kind.activated.emit(editor.kind.currentIndex())
    await retype(bench, editor, "m thetadot^2/2 + m g cos(theta)")
    await bench.until(
        lambda: bench.experiment.definition is not None and bench.experiment.definition.lagrangian, "H derived", 40.0
    )
    await bench.settled()
    system = bench.experiment.system
    assert isinstance(system, OwnSystem)
    assert system.hamiltonian(np.array([0.3, 0.8])) == pytest.approx(0.8**2 / 2 - np.cos(0.3))
    assert [written(one.left) for one in editor.view.equations if one.left is not None] == ["L", "H"]
    await retype(bench, editor, "m thetadot + theta^2")
    await bench.until(lambda: editor.problem.text(), "a refusal", 30.0)
    assert "not invertible" in editor.problem.text()


# What is seen of it ---------------------------------------------------------------------------------------------------


async def test_what_is_seen_of_it_is_said(bench: Bench) -> None:
    editor = await begun(bench)
    await on_screen(bench, editor, "p^2/2 - q^2/2 + q^4/4")
    await bench.until(lambda: "saddle" in editor.facts.text(), "what is seen")
    said = editor.facts.text().replace(NO_BREAK, " ")
    assert said == "H = T(p) + V(q) · 2 centres · 1 saddle · least H −0.25"
    assert [line.text() for line in editor.rests[:3]] == [
        "Rest at (q, p):",
        "(−1, 0): centre, H = −0.25",
        "(1, 0): centre, H = −0.25",
    ]
    await on_screen(bench, editor, "p1^2/2 + p2^2/(2 q1^2) - 1/q1")
    await bench.until(lambda: "p₂ is conserved" in editor.facts.text().replace(NO_BREAK, " "), "the conserved momentum")


async def test_hamiltons_equations_are_printed(bench: Bench) -> None:
    pytest.importorskip("sympy")
    editor = await begun(bench)
    await on_screen(bench, editor, "p^2/(2m) + k q^2/2")
    bench.click(editor.equations_button)
    await bench.until(lambda: editor.equations.equations, "equations", 40.0)
    assert [written(one.right) for one in editor.equations.equations] == ["p/m", "-(k*q)"]
    await on_screen(bench, editor, "p^2/(2m) + k q^4")
    await bench.until(lambda: "q^3" in written(editor.equations.equations[-1].right), "the equations anew")
    assert not editor.equations.stale
    bench.click(editor.equations_button)
    assert editor.equations.isHidden() or not editor.equations.isVisible()


async def test_ranges_units_and_meanings_are_edited(bench: Bench) -> None:
    editor = await begun(bench)
    editor.more_button.click()
    await bench.frames(2)
    bench.click(editor.details)
    dialog = await bench.dialog(SystemDetails)
    dialog.constants.item(0, 2).setText("nothing")
    bench.click(dialog.accept_button)
    assert "no number" in dialog.problem.text()
    for column, text in enumerate(("2", "0.5", "4", "kg", "Mass"), start=1):
        dialog.constants.item(0, column).setText(text)
    dialog.coordinates.item(0, 1).setText("-3")
    dialog.coordinates.item(0, 2).setText("3")
    dialog.coordinates.item(0, 3).setText("m")
    dialog.texts["title"].setText("A <b>well</b>")
    bench.click(dialog.accept_button)
    await bench.until(lambda: bench.experiment.source_title == "A <b>well</b>", "the details")
    await bench.settled()
    system = bench.experiment.system
    assert isinstance(system, OwnSystem)
    mass = system.constants[0]
    assert (mass.low, mass.high, mass.unit, mass.help, system.values["m"]) == (0.5, 4.0, "kg", "Mass", 2.0)
    assert system.coordinates[0].label == "q (m)"
    assert shown("A <b>well</b>") in bench.window.windowTitle()
    assert editor.text.text() == FIRST


# Files ----------------------------------------------------------------------------------------------------------------


async def test_a_system_of_the_shelf_is_chosen(bench: Bench) -> None:
    panel = bench.window.system
    panel._fill_shelf()
    menus = [action.menu() for action in panel.shelf_menu.actions() if action.menu() is not None]
    assert len(menus) == 4
    action = next(one for one in menus[2].actions() if one.text() == load_shelved("toda-lattice").title)  # type: ignore[attr-defined]
    action.trigger()
    await bench.until(lambda: bench.experiment.definition is not None, "the system")
    await bench.settled()
    assert bench.experiment.scene.dof == 3
    editor = panel.own
    assert editor is not None
    assert editor.text.text() == load_shelved("toda-lattice").hamiltonian
    assert bench.window.system.own_card.isChecked()


async def test_a_file_is_opened_saved_and_opened_again(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second = tmp_path / "second.hnnsystem"

    async def ask_path(*_: object, **__: object) -> Path:
        return second

    monkeypatch.setattr(bench.window.files, "_ask_path", ask_path)
    first = tmp_path / "first.hnnsystem"
    first.write_text(system_text(define("p^2/2 + w q^2", constants={"w": 2.0})))
    await bench.window.session_actions.open(first)
    await bench.settled()
    system = bench.experiment.system
    assert isinstance(system, OwnSystem)
    assert system.values == {"w": 2.0}
    form = bench.window.system._form
    assert form is not None
    bench.set_number(form, "w", "3")
    await bench.settled()
    await bench.window.session_actions.save_system()
    saved = load_system(second)
    assert saved.constants[0].value == 3.0
    assert saved.start == bench.experiment.start
    assert saved.title == "second"
    bench.document.undo()
    await bench.window.session_actions.open_system(None)
    assert bench.experiment.source_title == "second"
    bench.document.undo()
    assert bench.experiment.definition is not None


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('format = 1\nhamiltonian = "p^2/2 + k q^2"\n[constants]\nk = nan\n', "finite"),
        ('format = 1\nhamiltonian = "p^2/2 + k q^2"\n[constants]\nk = { value = inf }\n', "finite"),
        ('format = 1\nhamiltonian = "p^2/2 + ("\n', "H, column 10"),
        ("format = 1\n", "no hamiltonian"),
        ("{", "no system"),
        ('format = 9\nhamiltonian = "p^2 + q^2"', "newer"),
        ('format = 1\nhamiltonian = "' + "2^" * 100 + 'q + p^2"', "nested"),
    ],
)
async def test_a_bad_file_changes_nothing(bench: Bench, tmp_path: Path, content: str, words: str) -> None:
    path = tmp_path / "bad.hnnsystem"
    path.write_text(content)
    before = bench.experiment
    said: list[str] = []
    bench.window.notice.show_error = lambda text: said.append(text)  # type: ignore[method-assign]
    bench.window._files = None
    await bench.window.session_actions.open(path)
    assert bench.experiment is before
    assert len(said) == 1
    assert words in said[0]
    assert len(said[0]) <= 300


async def test_a_session_keeps_what_was_typed(bench: Bench, tmp_path: Path) -> None:
    editor = await begun(bench)
    await on_screen(bench, editor, HENON_HEILES)
    path = tmp_path / "typed.hnnlab"
    assert await bench.window.files.save_to(path)
    bench.document.undo()
    assert await bench.window.files.open_path(path, remember=False)
    await bench.settled()
    assert editor.text.text() == HENON_HEILES
    assert bench.experiment.scene.dof == 2
    assert not bench.document.dirty


# Data and fits --------------------------------------------------------------------------------------------------------


async def test_a_band_of_energies_is_dragged_in_the_portrait(bench: Bench) -> None:
    editor = await begun(bench)
    await on_screen(bench, editor, "p^2/2 + q^2/2")
    tools, portrait = bench.window.data.tools, bench.window.portrait
    bench.click(tools.buttons["band"])
    view, system = portrait.plot.view, bench.experiment.system
    assert system is not None
    first, last = view.pixel(1.0, 0.0), view.pixel(0.0, 1.4)
    await bench.drag(portrait.plot, QPointF(first), QPointF(last), let_go=False)
    assert portrait.band.busy
    bench.release(portrait.plot, QPointF(last))
    await bench.settled()
    await bench.until(lambda: not bench.lab.dataset_worker.pending, "the data of the band")
    data = bench.experiment.data
    assert data["starts"] == "energies"
    assert float(data["energy-from"]) == pytest.approx(0.5, abs=0.1)
    assert float(data["energy-to"]) == pytest.approx(0.98, abs=0.1)
    made = bench.lab.dataset
    assert made is not None
    energy = system.hamiltonian(made.coords)
    assert energy.min() >= float(data["energy-from"]) - 1e-6
    assert energy.max() <= float(data["energy-to"]) + 1e-6
    starts = bench.window.data.starts
    assert starts is not None
    assert starts.values()["starts"] == "energies"
    bench.document.undo()
    assert bench.experiment.data["starts"] == "box"
    await bench.pick("pendulum")
    assert bench.document.view.tool == "start"
    assert tools.buttons["band"].isHidden()


async def test_models_are_fitted_to_a_typed_system_and_kept(bench: Bench, tmp_path: Path) -> None:
    await bench.warm()
    editor = await begun(bench)
    await on_screen(bench, editor, "p^2/2 + q^2/2 + q^4/8")
    data = {**bench.experiment.data, "trajectories": 12, "points": 20, "horizon": 5.0}
    assert bench.lab.edit("Less data", data=data)
    await bench.settled()
    bench.small_fit()
    await bench.train()
    runs = bench.document.state.runs
    assert len(runs) == 2
    assert all(run.experiment.definition == bench.experiment.definition for run in runs)
    path = tmp_path / "fitted.hnnlab"
    assert await bench.window.files.save_to(path)
    assert await bench.window.files.open_path(path, remember=False)
    await bench.settled()
    assert {track.model for track in bench.answer.models} == {"baseline", "hnn"}
    await retype(bench, editor, "p^2/2 + q^2/2 + q^4/9")
    assert not bench.document.state.applicable(), "its runs are of another system"
    bench.document.undo()
    assert len(bench.document.state.applicable()) == 2


async def test_what_cannot_be_reached_is_shaded(bench: Bench) -> None:
    experiment = opened(own_source(define(HENON_HEILES)))
    bench.lab.put("Type a system", replace(experiment, start=(0.0, 0.1, 0.3, 0.0)))
    await bench.settled()
    bench.window.scene.grab()
    _, energy, regions = bench.window.scene._forbidden
    assert regions is not None
    assert regions.rings
    system = bench.experiment.system
    assert system is not None
    assert energy == pytest.approx(float(system.hamiltonian(np.array(bench.experiment.start))), rel=1e-3)
    await bench.pick("pendulum")
    bench.window.scene.grab()


def test_all_of_the_shelf_is_printed() -> None:
    for name in ("cart-pendulum", "toda-lattice", "nose-poincare"):
        equations = printed(load_shelved(name))
        assert written(equations[-1].right)


async def test_saving_needs_a_typed_system(bench: Bench) -> None:
    said: list[str] = []
    bench.lab.noticed.connect(lambda text, _: said.append(text))
    await bench.window.session_actions.save_system()
    assert len(said) == 1
