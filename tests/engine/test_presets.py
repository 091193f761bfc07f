"""Every preset is an experiment that can be run, and says what it shows."""

import json

import numpy as np
import pytest

from hnn_engine.errors import UnknownNameError
from hnn_engine.experiment import checked, from_json, new_experiment, to_json
from hnn_engine.presets import PRESETS, get_preset
from hnn_engine.rollouts.energy_drift import separation
from hnn_engine.rollouts.rollout import rollout
from hnn_engine.rollouts.truth import moved_start


@pytest.mark.parametrize("name", list(PRESETS))
def test_a_preset_is_a_complete_experiment(name: str) -> None:
    one = get_preset(name)
    made = one.experiment()
    assert checked(made) == made
    assert from_json(json.loads(json.dumps(to_json(made)))) == made
    assert one.summary.endswith((".", "?"))
    assert made.system is not None
    assert len(made.models) >= 2, "it compares"


def test_what_the_paper_shows_is_there() -> None:
    paper = {name: one.experiment() for name, one in PRESETS.items() if one.from_paper}
    assert paper["energy-added"].rollout.steering.kind == "pump"
    assert paper["time-reversed"].rollout.steering.kind == "reverse"
    assert [m.name for m in paper["fields"].models] == ["hnn", "conservative-hnn", "mixed-hnn"]
    assert "learned-energy" in paper


def test_an_unknown_one_is_refused() -> None:
    with pytest.raises(UnknownNameError, match="did you mean 'friction'"):
        get_preset("fricton")


def test_chaos_begins_inside_its_data_and_the_double_pendulum_opens_regular() -> None:
    made = get_preset("chaos").experiment()
    reach = float(made.data["reach"])
    assert reach == 2.4
    assert max(map(abs, made.start[:2])) < reach
    assert made.start[2:] == (0.0, 0.0), "at rest, as its data begins"
    opening = new_experiment("double-pendulum")
    assert max(map(abs, opening.start[:2])) < float(opening.data["reach"])
    times = np.linspace(0.0, 60.0, 601)
    for experiment, grows in ((made, True), (opening, False)):
        system, start = experiment.system, np.array(experiment.start)
        assert system is not None
        starts = np.stack([start, moved_start(start)])
        one, other = np.moveaxis(rollout(system, starts, times, "dop853", tolerance=1e-12).coords, 1, 0)
        apart = separation(one, other, one, system.periodic)
        assert (apart.max() > 0.3) == grows
        if grows:
            assert 0.6 < np.log(apart[times <= 12.0][-1] / apart[0]) / 12.0 < 1.5, "tenfold every three seconds or so"


def test_a_fit_of_chaos_is_evaluated_from_starts_of_its_own_data() -> None:
    system = get_preset("chaos").experiment().reference_system
    assert system is not None
    starts = system.sample_starts(np.random.default_rng(1000), 200)
    assert 2.2 < np.abs(starts[:, :2]).max() <= 2.4
    plain = new_experiment("double-pendulum").reference_system
    assert plain is not None
    np.testing.assert_array_equal(
        plain.sample_starts(np.random.default_rng(1000), 200)[:, :2],
        np.random.default_rng(1000).uniform(-1.0, 1.0, (200, 2)),
    )
