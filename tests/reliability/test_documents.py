"""Whatever is done to a document, it is saved and opens again as what it was."""

import os
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hnn_engine.errors import RecordError
from hnn_engine.experiment import to_json
from hnn_engine.records import load_session, save_session
from hnn_engine.records import session as records
from tests.reliability.documents import Hand, new_document
from tests.reliability.equality import difference
from tests.reliability.tally import Tally

LONG_SEQUENCES = 5000


def check_saves_and_opens_equal(seed: int, acts: int, place: Path) -> None:
    """Edit a new document `acts` times at random, save it, open it, and compare."""
    document = new_document()
    hand = Hand(document, Random(seed))
    for _ in range(acts):
        hand.act()
    session = document.session()
    save_session(session, place)
    assert difference(session, load_session(place), "session") == "", hand.done


@given(seed=st.integers(0, 2**32), acts=st.integers(1, 30))
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
def test_any_sequence_of_edits_saved_opens_equal(tmp_path: Path, seed: int, acts: int) -> None:
    check_saves_and_opens_equal(seed, acts, tmp_path / "document.hnnlab")


@pytest.mark.long
@pytest.mark.timeout(3600)
def test_any_of_thousands_of_sequences_of_edits_saved_opens_equal(tmp_path: Path, tally: Tally) -> None:
    first = int(os.environ.get("HNN_LAB_SEED", "0"))
    acts = 0
    for seed in range(first, first + LONG_SEQUENCES):
        count = 1 + seed % 40
        check_saves_and_opens_equal(seed, count, tmp_path / "document.hnnlab")
        acts += count
    tally.add("sequences of edits, saved and opened", tried=LONG_SEQUENCES, edits=acts, lost=0)


def test_what_would_open_as_something_else_is_not_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place, document = tmp_path / "mine.hnnlab", new_document()
    save_session(document.session(), place)
    before = place.read_bytes()
    for broken, said in (
        ({"seed": -5}, "would not open again"),
        ({"seed": 7}, "experiment.seed would be another one"),
    ):
        monkeypatch.setattr(records, "to_json", lambda experiment, broken=broken: {**to_json(experiment), **broken})
        with pytest.raises(RecordError, match=said):
            save_session(document.session(), place)
        assert place.read_bytes() == before
        assert [path.name for path in tmp_path.iterdir()] == [place.name]
