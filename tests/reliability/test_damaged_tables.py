"""Tables of measured data, damaged and enormous: read rightly or refused in a sentence, at once and with little
memory."""

from collections import Counter
from pathlib import Path

import pytest

from hnn_engine.recordings import preview, read_recording
from tests.reliability.damage_tables import damaged_table, whole_tables
from tests.reliability.judged import judged
from tests.reliability.tally import Tally


def try_tables(folder: Path, seeds: range) -> Counter[str]:
    """Read a damaged table for each of `seeds`, first for the dialog and then whole."""
    tables, path, counts = whole_tables(), folder / "track.csv", Counter[str]()
    for seed in seeds:
        path.write_bytes(damaged_table(seed, tables))

        def read() -> object:
            shown = preview(path)
            recording = read_recording(path, shown.guess)
            assert shown.count == len(recording.t)
            return recording

        judged(read, counts, f"the table of seed {seed}")  # type: ignore[arg-type]
    return counts


@pytest.mark.parametrize("name", list(whole_tables()))
def test_the_whole_tables_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "track.csv"
    path.write_text("\n".join(whole_tables()[name]) + "\n", encoding="utf-8")
    counts = Counter[str]()
    assert judged(lambda: read_recording(path), counts, name) is not None
    assert counts["datasets"] == 1


def test_damaged_tables_are_read_or_refused(tmp_path: Path) -> None:
    counts = try_tables(tmp_path, range(150))
    assert counts["refused"] > 30
    assert counts["datasets"] > 10


@pytest.mark.long
@pytest.mark.timeout(1200)
def test_thousands_of_damaged_tables_are_read_or_refused(tmp_path: Path, tally: Tally) -> None:
    counts = try_tables(tmp_path, range(1000, 4000))
    tally.add("damaged tables", **counts)
    assert counts["refused"] > 500
    assert counts["datasets"] > 200
