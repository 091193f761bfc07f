"""The document by itself: undo, redo, merging, cancelling, the dirty flag, and that a finished fit is no edit."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from app.model.document import UNDO_LIMIT, Document, State, View, state_of
from hnn_engine.errors import HnnLabError
from hnn_engine.experiment import RolloutSpec, new_experiment, resolved
from hnn_engine.models import get_model
from hnn_engine.records import Run
from hnn_engine.records.run import History
from hnn_engine.snapshot import Snapshot


@pytest.fixture
def document() -> Document:
    return Document(State(new_experiment("pendulum")))


def run_of(document: Document, name: str, model: str = "hnn") -> Run:
    """A run with untrained weights."""
    experiment = resolved(document.experiment)
    spec = next(m for m in experiment.models if m.name == model)
    weights = get_model(model).initial_weights(1, spec.settings, np.random.default_rng(0))
    none = np.empty(0)
    return Run(
        id=name,
        title=name,
        experiment=replace(experiment, models=(spec,)),
        snapshot=Snapshot(model, 1, spec.settings, weights),
        history=History(none, none, none, none),
        figures=None,
        ending="finished",
        reason="done",
        steps=1,
        fit_seconds=0.1,
        created="2026-01-01T00:00:00+00:00",
    )


def start(document: Document, q: float, gesture: object = None) -> None:
    """Move the start."""
    document.edit(replace(document.experiment, start=(q, 0.0)), "Move the start", gesture)


class TestUndo:
    def test_an_edit_that_changes_nothing_is_no_step(self, document: Document) -> None:
        document.edit(replace(document.experiment), "Nothing")
        assert (document.undo_label, document.dirty) == ("", False)

    def test_a_gesture_taken_back_leaves_redo_as_it_was(self, document: Document) -> None:
        document.edit(replace(document.experiment, seed=1), "Change the seed")
        document.undo()
        gesture = object()
        document.edit(replace(document.experiment, seed=2), "Slide", gesture)
        document.edit(replace(document.experiment, seed=3), "Slide", gesture)
        document.cancel(gesture)
        assert document.redo_label == "Change the seed"
        document.redo()
        assert document.experiment.seed == 1

    def test_undo_and_redo_are_inverse(self, document: Document) -> None:
        states = [document.state]
        for q in (0.1, 0.2, 0.3):
            start(document, q)
            states.append(document.state)
        for state in states[-2::-1]:
            document.undo()
            assert document.state is state
        for state in states[1:]:
            document.redo()
            assert document.state is state

    def test_nothing_to_undo_changes_nothing(self, document: Document) -> None:
        before = document.state
        document.undo()
        document.redo()
        assert document.state is before
        assert (document.undo_label, document.redo_label) == ("", "")

    def test_labels_name_the_steps(self, document: Document) -> None:
        start(document, 0.1)
        assert (document.undo_label, document.redo_label) == ("Move the start", "")
        document.undo()
        assert (document.undo_label, document.redo_label) == ("", "Move the start")

    def test_an_edit_forgets_what_was_undone(self, document: Document) -> None:
        start(document, 0.1)
        document.undo()
        start(document, 0.2)
        assert document.redo_label == ""
        document.redo()
        assert document.experiment.start == (0.2, 0.0)

    def test_history_is_bounded(self, document: Document) -> None:
        for i in range(UNDO_LIMIT + 20):
            start(document, i / 1000)
        count = 0
        while document.undo_label:
            document.undo()
            count += 1
        assert count == UNDO_LIMIT

    def test_a_refused_edit_changes_nothing(self, document: Document) -> None:
        start(document, 0.1)
        before = document.state
        with pytest.raises(HnnLabError):
            document.edit(replace(before.experiment, start=(float("nan"), 0.0)), "Bad")
        with pytest.raises(HnnLabError):
            document.edit(replace(before.experiment, rollout=RolloutSpec(dt=1e-4, horizon=2000.0)), "Too long")
        assert document.state is before
        assert document.undo_label == "Move the start"


class TestGestures:
    def test_one_gesture_is_one_step(self, document: Document) -> None:
        before, gesture = document.state, object()
        for q in (0.1, 0.2, 0.3):
            start(document, q, gesture)
        document.undo()
        assert document.state is before
        document.redo()
        assert document.experiment.start == (0.3, 0.0)

    def test_two_gestures_are_two_steps(self, document: Document) -> None:
        for q in (0.1, 0.2):
            start(document, q, object())
        document.undo()
        assert document.experiment.start == (0.1, 0.0)

    def test_edits_without_a_gesture_never_merge(self, document: Document) -> None:
        start(document, 0.1)
        start(document, 0.2)
        document.undo()
        assert document.experiment.start == (0.1, 0.0)

    def test_an_edit_in_between_parts_a_gesture(self, document: Document) -> None:
        gesture = object()
        start(document, 0.1, gesture)
        start(document, 0.2)
        start(document, 0.3, gesture)
        document.undo()
        assert document.experiment.start == (0.2, 0.0)

    def test_cancel_takes_the_whole_gesture_back(self, document: Document) -> None:
        start(document, 0.5)
        before, gesture = document.state, object()
        for q in (0.1, 0.2):
            start(document, q, gesture)
        document.cancel(gesture)
        assert document.state is before
        assert (document.undo_label, document.redo_label) == ("Move the start", "")
        document.undo()
        assert document.experiment.start != (0.5, 0.0)

    def test_cancel_of_a_gesture_that_changed_nothing_is_harmless(self, document: Document) -> None:
        start(document, 0.5)
        document.cancel(object())
        assert document.experiment.start == (0.5, 0.0)


class TestRuns:
    def test_a_finished_fit_is_no_undo_step(self, document: Document) -> None:
        start(document, 0.1)
        start(document, 0.2)
        document.undo()
        document.add_run(run_of(document, "a"), frozenset())
        assert (document.undo_label, document.redo_label) == ("Move the start", "Move the start")
        document.undo()
        assert [r.id for r in document.state.runs] == ["a"]
        assert document.state.shown == {"a"}
        document.redo()
        document.redo()
        assert document.experiment.start == (0.2, 0.0)
        assert [r.id for r in document.state.runs] == ["a"]

    def test_a_new_fit_takes_the_place_of_the_old_on_screen(self, document: Document) -> None:
        document.add_run(run_of(document, "a"), frozenset())
        document.add_run(run_of(document, "b"), frozenset({"a"}))
        assert document.state.shown == {"b"}
        assert [r.id for r in document.state.applicable()] == ["b"]

    def test_deleting_can_be_undone(self, document: Document) -> None:
        document.add_run(run_of(document, "a"), frozenset())
        document.edit_runs((), frozenset(), "Delete a run")
        assert list(document.state.runs) == []
        document.undo()
        assert [r.id for r in document.state.runs] == ["a"]
        assert document.state.shown == {"a"}

    def test_runs_of_another_system_do_not_apply(self, document: Document) -> None:
        document.add_run(run_of(document, "a"), frozenset())
        document.edit(new_experiment("mass-spring"), "Choose")
        assert document.state.applicable() == []
        document.undo()
        assert [r.id for r in document.state.applicable()] == ["a"]


class TestDirty:
    def test_follows_edits_and_undo_across_a_save(self, document: Document) -> None:
        seen = [document.dirty]
        document.title_changed.connect(lambda: seen.append(document.dirty))
        start(document, 0.1)
        document.mark_saved(document.state, Path("a.hnnlab"))
        start(document, 0.2)
        document.undo()
        document.undo()
        document.redo()
        assert seen == [False, True, False, True, False, True, False]

    def test_a_fit_is_worth_saving(self, document: Document) -> None:
        document.add_run(run_of(document, "a"), frozenset())
        assert document.dirty

    def test_an_edit_during_the_save_stays_unsaved(self, document: Document) -> None:
        start(document, 0.1)
        written = document.state
        start(document, 0.2)
        document.mark_saved(written, Path("a.hnnlab"))
        assert document.dirty

    def test_a_cancelled_gesture_leaves_it_clean(self, document: Document) -> None:
        gesture = object()
        start(document, 0.1, gesture)
        document.cancel(gesture)
        assert not document.dirty

    def test_looking_is_no_edit(self, document: Document) -> None:
        document.set_view(speed=2.0, axes=(1, 0))
        assert not document.dirty
        assert document.undo_label == ""


class TestSignals:
    def test_changed_carries_old_and_new(self, document: Document) -> None:
        seen: list[tuple[State, State]] = []
        document.changed.connect(lambda old, new: seen.append((old, new)))
        before = document.state
        start(document, 0.1)
        document.undo()
        assert [(a is before, b is before) for a, b in seen] == [(True, False), (False, True)]

    def test_view_changed_only_when_it_did(self, document: Document) -> None:
        seen: list[View] = []
        document.view_changed.connect(lambda _, new: seen.append(new))
        document.set_view(arrows=True)
        document.set_view(arrows=False)
        assert [v.arrows for v in seen] == [False]


class TestFiles:
    def test_a_session_brings_everything_back(self, document: Document) -> None:
        document.add_run(run_of(document, "a"), frozenset())
        document.set_view(axes=(1, 0), field="hnn", contours=False, compare=True, energy_of="both", speed=4.0)
        session = document.session()
        state = state_of(session)
        assert (state.experiment, state.runs, state.shown) == tuple(document.state.__dict__.values())
        assert View.from_dict(dict(session.view)) == document.view

    def test_a_view_of_before_there_were_comparisons_opens(self) -> None:
        old = {"axes": None, "field": "hnn", "arrows": True, "contours": True, "data": False, "speed": 1.0}
        assert View.from_dict({**old, "energy_of": "learned"}) == View(field="hnn", data=False, energy_of="learned")

    def test_a_warm_start_keeps_its_name_in_files(self) -> None:
        assert View(warm_start=True).as_dict()["polish"] is True
        assert View.from_dict({"polish": True}) == View(warm_start=True)

    def test_reset_forgets_the_history(self, document: Document) -> None:
        start(document, 0.1)
        state = State(new_experiment("mass-spring"))
        document.reset(state, Path("b.hnnlab"), View(speed=2.0))
        assert document.state is state
        assert (document.undo_label, document.dirty, document.view.speed) == ("", False, 2.0)
        document.undo()
        assert document.state is state

    @pytest.mark.parametrize(
        "values",
        [
            {"axes": [0, 0, 0]},
            {"axes": ["0", "1"]},
            {"axes": [-1, 1]},
            {"speed": 0},
            {"speed": 1e9},
            {"speed": "fast"},
            {"arrows": "yes"},
            {"colour": "red"},
            {"field": None},
            {"compare": 1},
            {"energy_of": "mine"},
            {"energy_of": ["both"]},
        ],
    )
    def test_a_strange_view_is_passed_over(self, values: dict[str, object]) -> None:
        assert View.from_dict(values) == View()


def test_a_run_that_was_kept_and_deleted_is_there_once_when_it_is_kept_again(document: Document) -> None:
    run = run_of(document, "one")
    document.add_run(run, frozenset())
    document.edit_runs((), frozenset(), "Delete a run")
    document.add_run(run, frozenset())
    document.undo()
    assert [kept.id for kept in document.state.runs] == ["one"]
    document.redo()
    assert [kept.id for kept in document.state.runs] == ["one"]
