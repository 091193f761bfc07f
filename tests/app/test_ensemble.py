"""One fit repeated with other seeds: kept as runs of their own, shown together as a band."""

import numpy as np
import pytest

from app.model.document import View
from app.model.seed_ensembles import SeedEnsembles
from tests.app.bench import Bench

pytestmark = pytest.mark.usefixtures("unevaluated")


async def test_repetitions_are_fitted_with_seeds_of_their_own_and_drawn_as_a_band(bench: Bench) -> None:
    bench.small_fit(steps=60)
    form = bench.window.data.seed
    bench.window.data.section.more_button.click()
    bench.set_number(form, "seeds", "3")
    assert bench.document.view.seeds == 3
    await bench.train()
    runs = bench.document.state.runs
    assert sorted((r.snapshot.model, r.experiment.seed) for r in runs) == [
        (model, seed) for model in ("baseline", "hnn") for seed in (0, 1, 2)
    ]
    assert {r.id for r in runs} == bench.document.state.shown
    first, second = (r.experiment.dataset().coords for r in runs[:3:2])
    assert not np.allclose(first, second), "other seeds draw other data"
    answer = bench.answer
    assert len(answer.models) == 6
    assert [t.title for t in answer.leads] == ["Baseline", "HNN"]
    for lead in answer.leads:
        family = answer.band(lead)
        assert len(family) == 3
        low = np.min([t.drift for t in family], axis=0)
        spread = bench.window.energy._spreads[lead.key]
        assert spread._points[:, 1].min() == pytest.approx(100 * low.min(), abs=1e-6)
    assert "3 seeds" in bench.window.status.sentence.whole
    assert len(bench.window.scene._paths) == 2, "the scene shows one ghost a model"
    assert bench.window.training.progress.text() == "Fitted.", "the other seeds are no change since the fit"
    bench.edit(seed=1)
    assert "seed" in bench.window.training.progress.text()


async def test_hiding_the_first_makes_the_next_stand_for_the_family(bench: Bench) -> None:
    bench.small_fit(steps=40)
    bench.document.set_view(seeds=2)
    await bench.train()
    state = bench.document.state
    lead = next(t for t in bench.answer.leads if t.model == "hnn")
    other = next(t for t in bench.answer.band(lead) if t is not lead)
    bench.document.edit_runs(state.runs, state.shown - {lead.key}, "Hide a run")
    await bench.settled()
    (now,) = [t for t in bench.answer.leads if t.model == "hnn"]
    assert now.key == other.key
    assert set(bench.window.energy._spreads) == {t.key for t in bench.answer.leads if t.model == "baseline"}


async def test_another_fit_of_the_same_model_is_no_repetition(bench: Bench) -> None:
    bench.small_fit(steps=40)
    await bench.train()
    first = bench.document.state.runs
    bench.small_fit(steps=50)
    await bench.train()
    assert len(bench.document.state.shown) == 2, "the newer fit takes the place of the older"
    shown = SeedEnsembles().grouped([*first, *bench.document.state.runs[2:]])
    assert [s.member for s in shown] == [0, 0, 0, 0]
    again = SeedEnsembles().grouped([first[0], first[0]])
    assert [s.member for s in again] == [0, 0], "the same fit twice says nothing of luck"


def test_how_often_to_repeat_is_remembered_and_checked() -> None:
    assert View.from_dict(View(seeds=4).as_dict()).seeds == 4
    assert View.from_dict({"seeds": 99}).seeds == 1
    assert View.from_dict({"seeds": "many"}).seeds == 1


async def test_seeds_beyond_the_largest_are_refused_before_anything_is_fitted(bench: Bench) -> None:
    bench.small_fit(steps=10)
    bench.edit(seed=2**31 - 2)
    bench.document.set_view(seeds=3)
    assert bench.window.training.button.text() == "Train 3 seeds"
    bench.click(bench.window.training.button)
    await bench.frames(5)
    assert not bench.lab.training.worker.running
    assert bench.document.state.runs == ()
    assert "lower the seed" in bench.window.notice.text()


async def test_bands_go_with_their_system(bench: Bench) -> None:
    bench.small_fit(steps=20)
    bench.document.set_view(seeds=2)
    await bench.train()
    assert bench.window.energy._spreads
    bench.click(bench.window.system.cards.card("mass-spring"))
    assert not bench.window.energy._spreads
