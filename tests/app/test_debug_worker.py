"""The process that debugs: what it answers, in which order, and that a newer question ends an older one."""

from dataclasses import replace
from functools import cache

import pytest

from app.workers.debug_process import (
    NO_TRUTH,
    DebugAnswer,
    DebugMessage,
    DebugQuestion,
    Desk,
    Done,
    NewerError,
    TooLong,
    VerdictView,
)
from app.workers.debugging import VIEWS
from hnn_engine.debugging.views import EnsembleView
from hnn_engine.experiment import Experiment, default_settings, model_spec, new_experiment, recording_experiment
from hnn_engine.fit_run import FitRun
from hnn_engine.recordings import read_shipped_recording
from hnn_engine.records import Run
from hnn_engine.records.run import Origin


def closed_form(experiment: Experiment) -> Run:
    asked = replace(
        experiment,
        models=(model_spec("hnn"),),
        recipe="sampled",
        settings=default_settings("sampled", experiment.scene),
        rollout=replace(experiment.rollout, horizon=4.0),
    )
    fit = FitRun(asked, asked.dataset())
    while fit.end is None:
        fit.advance()
    run = fit.as_run(None)
    assert run is not None
    return run


@cache
def pendulum() -> Run:
    return closed_form(new_experiment("pendulum"))


def asked(run: Run, *views: str, fit: int = 1, number: int = 1, patient: bool = False) -> DebugQuestion:
    return DebugQuestion(run, run.experiment.dataset(), fit, views, patient=patient, number=number)


def answers(desk: Desk, question: DebugQuestion) -> dict[str, DebugAnswer]:
    """The whole answers of the desk to `question`, by view."""
    said: list[DebugMessage] = []
    desk.send = said.append
    desk.answer(question)
    assert isinstance(said[-1], Done)
    return {one.view: one for one in said if isinstance(one, DebugAnswer) and one.whole}


def desk() -> Desk:
    return Desk(lambda message: None, lambda: False)


def test_every_view_is_answered_and_the_verdict_twice() -> None:
    said: list[DebugMessage] = []
    Desk(said.append, lambda: False).answer(asked(pendulum(), *VIEWS))
    told = [one for one in said if isinstance(one, DebugAnswer)]
    assert [(one.view, one.whole) for one in told[:2]] == [("verdict", False), ("verdict", True)]
    assert [one.view for one in told if one.whole] == list(VIEWS)
    assert all(not one.problem for one in told)
    assert all(one.number == 1 for one in told)
    first, whole = told[0].value, told[1].value
    assert isinstance(first, VerdictView)
    assert {f.rule for f in first.findings} <= {f.rule for f in whole.findings}


def test_another_start_needs_other_rollouts_and_no_other_fit() -> None:
    run, place = pendulum(), desk()
    first = answers(place, asked(run, "split"))["split"].value
    fields = place.fields
    moved = replace(run, experiment=replace(run.experiment, start=(0.5, 0.0)))
    second = answers(place, replace(asked(moved, "split", number=2), data=None))["split"].value
    assert place.fields is not None
    assert fields is not None
    assert place.fields.field is fields.field, "what the field says is not found out again"
    assert place.fields.start_energy != fields.start_energy
    assert second.whole[-1] != first.whole[-1]
    again = answers(place, asked(moved, "split", number=3))["split"].value
    assert (again.whole == second.whole).all()


def test_a_newer_question_ends_the_one_under_way() -> None:
    place = Desk(lambda message: None, lambda: True)
    with pytest.raises(NewerError):
        place.answer(asked(pendulum(), "growth"))


def test_without_data_it_is_made() -> None:
    place = desk()
    assert answers(place, replace(asked(pendulum(), "verdict"), data=None))["verdict"].value.whole
    assert place.data is not None


def test_of_a_recording_what_needs_truth_says_so() -> None:
    run = closed_form(recording_experiment(read_shipped_recording()))
    found = answers(desk(), asked(run, "verdict", "split", "conserved", "fixed_points", "flow"))
    assert found["verdict"].value.whole
    for view in ("split", "conserved", "fixed_points"):
        assert found[view].problem == NO_TRUTH
    assert found["flow"].value.names == ("model",)


def test_fits_of_other_seeds_are_made_where_they_are_quick_or_asked_for() -> None:
    run = replace(pendulum(), fit_seconds=60.0)
    place = desk()
    found = answers(place, asked(run, "ensemble"))["ensemble"].value
    assert found == TooLong(240.0)
    found = answers(place, asked(run, "ensemble", number=2, patient=True))["ensemble"].value
    assert isinstance(found, EnsembleView)
    assert len(found.seeds) == 5
    members = tuple((seed, run.snapshot) for seed in range(3))
    known = answers(desk(), replace(asked(run, "ensemble"), members=members))["ensemble"].value
    assert known.seeds == (0, 1, 2)
    warm = replace(run, started_from=Origin("a", "another"))
    assert "began at the weights" in answers(desk(), asked(warm, "ensemble"))["ensemble"].problem
