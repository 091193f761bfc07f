"""Every preset is an experiment that can be run, and says what it shows."""

import json

import pytest

from hnn_engine.errors import UnknownNameError
from hnn_engine.experiment import checked, from_json, to_json
from hnn_engine.presets import PRESETS, get_preset


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
