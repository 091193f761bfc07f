"""Links to a state: what one opens is what was copied; what is damaged, hostile or too long is one cheap sentence."""

import base64
import json
import random
import tracemalloc
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hnn_engine.data_edits import DataEdits, stroke_of
from hnn_engine.errors import LONGEST, HnnLabError, RecordError
from hnn_engine.experiment import Experiment, checked, model_spec, new_experiment, opened, own_source, to_json
from hnn_engine.limits import LARGEST_LINK, LONGEST_LINK
from hnn_engine.own_systems.files import load_shelved, shelf
from hnn_engine.records import Session, is_link, read_link, write_link
from hnn_engine.records.equality import difference
from hnn_engine.rollouts.steering import STEERINGS, Steering
from hnn_engine.systems import SYSTEMS
from tests.engine.test_records import a_run

VIEW = {"axes": [0, 1], "speed": 2.0, "twin": True, "field": "truth", "live_fit": True, "places": ["abc", 0]}


def packed(document: object) -> str:
    """Return the link that a document would have, whatever is in it."""
    content = document if isinstance(document, bytes) else json.dumps(document).encode()
    return "hnnlab:1." + base64.urlsafe_b64encode(zlib.compress(content, 9)).decode().rstrip("=")


@st.composite
def experiments(draw: st.DrawFn) -> Experiment:
    """Experiments as people make them: any system, start, steering, models and seed."""
    base = new_experiment(draw(st.sampled_from(sorted(SYSTEMS))))
    number = st.floats(-1.5, 1.5, allow_nan=False)
    start = tuple(x + 0.1 * draw(number) for x in base.start)
    kind = draw(st.sampled_from(sorted(STEERINGS)))
    spec = replace(
        base.rollout,
        steering=Steering(kind, draw(st.floats(0.1, 5.0)), draw(st.floats(0.1, 2.0))),
        horizon=draw(st.floats(1.0, 40.0)),
    )
    models = base.models[: draw(st.integers(1, len(base.models)))]
    if draw(st.booleans()):
        models = (model_spec(models[0].name, {"width": draw(st.integers(4, 300))}), *models[1:])
    return checked(replace(base, start=start, rollout=spec, models=models, seed=draw(st.integers(0, 2**31 - 1))))


@settings(max_examples=60, deadline=None)
@given(experiments())
def test_what_is_opened_is_what_was_copied(experiment: Experiment) -> None:
    link = write_link(Session(experiment, view=VIEW))
    assert len(link) <= LONGEST_LINK
    again = read_link(link)
    assert difference(experiment, again.experiment) == ""
    assert again.view["speed"] == 2.0
    assert not {"live_fit", "places"} & set(again.view), "what goes with runs stays"
    assert again.runs == ()
    broken = "\n".join(link[i : i + 70] for i in range(0, len(link), 70))  # as mail programs do
    assert difference(experiment, read_link(f"  {broken}\r\n").experiment) == ""


@pytest.mark.parametrize("name", shelf())
def test_systems_of_one_s_own_fit_into_a_link(name: str) -> None:
    experiment = opened(own_source(load_shelved(name)))
    assert difference(experiment, read_link(write_link(Session(experiment))).experiment) == ""


def drawn(count: int) -> Experiment:
    base, rng = new_experiment("pendulum"), np.random.default_rng(0)
    t, turn = 0.02 * np.arange(60), 0.1 * np.arange(60)
    circle = np.stack([np.cos(turn), np.sin(turn)], axis=-1)
    strokes = tuple(stroke_of(t, rng.uniform(0.3, 1.5) * circle + rng.normal(0, 0.01, (60, 2))) for _ in range(count))
    return checked(replace(base, edits=DataEdits(strokes, alone=True)))


def test_drawn_data_is_in_it_as_far_as_it_fits() -> None:
    few, many = drawn(2), drawn(60)
    assert difference(few, read_link(write_link(Session(few))).experiment) == ""
    with pytest.raises(RecordError, match=r"The drawn and moved data would make a link of .* at most 8,000") as refused:
        write_link(Session(many))
    assert len(str(refused.value)) <= LONGEST


def test_measured_data_is_in_none() -> None:
    with pytest.raises(RecordError, match="no measured data"):
        write_link(Session(a_run(recorded=True).experiment))
    document = {"format": 1, "experiment": to_json(a_run(recorded=True).experiment), "view": {}}
    with pytest.raises(RecordError, match="measured data"):
        read_link(packed(document))


def a_document(**changes: Any) -> dict[str, Any]:
    return {"format": 1, "experiment": {**to_json(new_experiment("pendulum")), **changes}, "view": {}}


LINK = packed(a_document())
WRONG = {
    "nothing": ("", "must begin with hnnlab:"),
    "another address": ("https://example.org/hnnlab:1.abc", "must begin with hnnlab:"),
    "no version": ("hnnlab:", "is not followed by"),
    "letters for a version": ("hnnlab:one.abc", "is not followed by"),
    "a newer version": ("hnnlab:2.abc", "newer HNN Lab"),
    "strange letters": ("hnnlab:1.a+b/c", "letters that none has"),
    "not packed": ("hnnlab:1.aGVsbG8gd29ybGQ", "is damaged"),
    "cut": (LINK[: len(LINK) // 2], "is damaged"),
    "one more": (LINK + "AAAA", "is damaged"),
    "no JSON": (packed(b"\xff\xfe not json"), "not JSON"),
    "no document": (packed([1, 2]), "states no format"),
    "a newer document": (packed({**a_document(), "format": 99}), "newer HNN Lab"),
    "no experiment": (packed({"format": 1}), "experiment"),
    "an unknown system": (packed(a_document(source={"system": "mars"})), "There is no system 'mars'"),
    "a number out of range": (packed(a_document(seed=-1)), "seed"),
    "a start too long": (packed(a_document(start=[0.0] * 9)), "The start"),
    "no finite number": (packed(b'{"format":1,"experiment":{"seed":1e999}}'), "too large a number"),
    "too long": ("hnnlab:1." + "A" * LONGEST_LINK, "at most 8,000"),
    "far too long": ("hnnlab:1." + "A" * 1_000_000, "at most 8,000"),
}


@pytest.mark.parametrize("kind", WRONG)
def test_what_is_wrong_is_one_sentence(kind: str) -> None:
    link, words = WRONG[kind]
    with pytest.raises(HnnLabError, match=words) as refused:
        read_link(link)
    assert isinstance(refused.value, RecordError)
    assert len(str(refused.value)) <= LONGEST


@pytest.mark.parametrize("byte", [b"[", b" ", b"0"])
def test_no_more_is_unpacked_than_is_said(byte: bytes) -> None:
    bomb = packed(byte * (LARGEST_LINK * 20))
    assert len(bomb) <= LONGEST_LINK
    tracemalloc.start()
    try:
        with pytest.raises(RecordError, match="unpack to more than 200,000 bytes"):
            read_link(bomb)
        assert tracemalloc.get_traced_memory()[1] < 20 * LARGEST_LINK
    finally:
        tracemalloc.stop()


def test_what_unpacks_to_many_values_is_refused() -> None:
    with pytest.raises(RecordError):
        read_link(packed(b'{"format":1,"experiment":' + b"[" * 60_000))
    with pytest.raises(RecordError):
        read_link(packed({"format": 1, "experiment": {"hand": {"strokes": [[]] * 30_000}}}))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_damage_raises_nothing_else(seed: int) -> None:
    rng = random.Random(seed)
    letters = list(LINK)
    for _ in range(rng.randint(1, 4)):
        place = rng.randrange(len(letters))
        letters[place] = rng.choice("ABCxyz019-_.:~ é\x00")
    said, found = "", None
    try:
        found = read_link("".join(letters))
    except RecordError as error:
        said = str(error)
    assert len(said) <= LONGEST
    if found is not None:
        assert difference(found.experiment, new_experiment("pendulum")) == "", "a checksum stands for the content"


def test_a_link_is_known_by_how_it_begins() -> None:
    assert is_link(LINK)
    assert is_link(f" {LINK.replace('hnnlab', 'HNNLAB')}")
    assert not is_link("/home/me/hnnlab:1.hnnlab")
    assert difference(read_link(LINK.replace("hnnlab", "HnnLab")).experiment, new_experiment("pendulum")) == ""
