"""Ensembles: bands of rollouts, how often truth lies in them, and where members disagree."""

from dataclasses import replace

import numpy as np
import pytest

from hnn_engine.debugging.ensemble import Band, band, coverage, disagreement, disagreement_map, refit
from hnn_engine.experiment import Experiment, default_settings, model_spec, new_experiment
from hnn_engine.phase_portrait import PortraitSpec
from hnn_engine.snapshot import Snapshot
from hnn_engine.systems import get_system


def experiment(recipe: str = "sampled") -> Experiment:
    base = new_experiment("mass-spring")
    return replace(
        base,
        data={**base.data, "trajectories": 10, "points": 12, "noise": 0.05},
        models=(model_spec("hnn", {"width": 20, "depth": 1}),),
        recipe=recipe,
        settings={**default_settings(recipe, base.scene), **({"steps": 5} if recipe == "paper" else {})},
    )


@pytest.fixture(scope="module")
def members() -> list[Snapshot]:
    return refit(experiment(), [0, 1, 2, 3])


def test_a_band_holds_its_members_and_its_start(members: list[Snapshot]) -> None:
    start, times = np.array([0.6, 0.0]), np.linspace(0.0, 4.0, 41)
    found = band(members, start, times, "rk4")
    assert (found.low <= found.middle).all()
    assert (found.middle <= found.high).all()
    assert found.spread[0] == 0.0
    assert found.spread[-1] > 0.0
    assert found.coverage(found.middle) == 1.0
    assert found.coverage(found.high + 1.0) == 0.0


@pytest.mark.parametrize("count", [3, 5, 9])
def test_truth_that_is_one_more_member_lies_within_as_often_as_is_expected(count: int) -> None:
    drawn = np.random.default_rng(count).normal(size=(count + 1, 20_001, 1))
    some, truth = drawn[1:], drawn[0]
    t = np.arange(20_001.0)
    made = Band(t, some.min(axis=0), some.max(axis=0), some.mean(axis=0), t)
    assert made.coverage(truth) == pytest.approx((count - 1) / (count + 1), abs=0.02)


def test_coverage_is_told_over_several_starts(members: list[Snapshot]) -> None:
    system = get_system("mass-spring")
    starts, times = system.sample_starts(np.random.default_rng(3), 4), np.linspace(0.0, 4.0, 41)
    found = coverage(members, system, starts, times, "rk4")
    assert (found.members, found.starts) == (4, 4)
    assert found.expected == pytest.approx(3 / 5)
    assert 0 <= found.share <= 1
    stopped = coverage(members, system, starts, times, "rk4", interrupt=lambda: True)
    assert stopped.starts == 0
    assert np.isnan(stopped.share)


def test_members_disagree_as_their_fields_do(members: list[Snapshot]) -> None:
    spec = PortraitSpec((0, 1), (-1.0, 1.0), (-2.0, 2.0), (0.0, 0.0))
    at, found = disagreement_map(members, spec, 16)
    assert at.shape == (16, 16, 2)
    fields = np.stack([one.field(at[3, 11]) for one in members])
    assert found[3, 11] == pytest.approx(np.sqrt(np.square(fields - fields.mean(axis=0)).sum(axis=-1).mean()))
    same = disagreement([members[0]] * 3, at.reshape(-1, 2))
    assert same == pytest.approx(np.zeros(256), abs=1e-12)


def test_refits_tell_how_far_they_are_and_can_be_stopped() -> None:
    shares: list[float] = []
    found = refit(experiment("paper"), [0, 1], shares.append)
    assert len(found) == 2
    assert shares == sorted(shares)
    assert shares[-1] == 1.0
    assert len({round(share, 9) for share in shares}) > 5
    asked = 0

    def interrupt() -> bool:
        nonlocal asked
        asked += 1
        return asked > 10

    assert len(refit(experiment("paper"), [0, 1, 2], interrupt=interrupt)) == 1

    def raises(share: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refit(experiment("paper"), [0], raises)
