"""Tables of measured data, damaged and enormous: read rightly or refused in a sentence, at once and with little
memory."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from hnn_engine.cli import main, working
from hnn_engine.errors import HnnLabError, RecordingError
from hnn_engine.recordings import Columns, inspect_table, read_recording, text
from tests.reliability.damage_tables import damaged_table, whole_tables
from tests.reliability.outcome import evaluated
from tests.reliability.tally import Tally


def try_tables(folder: Path, seeds: range) -> Counter[str]:
    """Read a damaged table for each of `seeds`, as the dialog does and then as the command line does."""
    tables, path, counts = whole_tables(), folder / "track.csv", Counter[str]()
    for seed in seeds:
        path.write_bytes(damaged_table(seed, tables))

        def read() -> object:
            shown = inspect_table(path)
            recording = read_recording(path)
            assert shown.questions == ()
            assert shown.reading is not None
            assert len(shown.reading.t) == len(recording.t)
            return recording

        evaluated(read, counts, f"the table of seed {seed}")  # type: ignore[arg-type]
    return counts


@pytest.mark.parametrize("name", list(whole_tables()))
def test_the_whole_tables_are_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "track.csv"
    path.write_text("\n".join(whole_tables()[name]) + "\n", encoding="utf-8")
    counts = Counter[str]()
    assert evaluated(lambda: read_recording(path), counts, name) is not None
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


def outcome(path: Path) -> object:
    """Return what reading gives: a message, or the numbers."""
    try:
        shown = inspect_table(path)
        if shown.questions:
            return shown.questions
        recording = shown.recording()
    except HnnLabError as error:
        return str(error)
    return shown.to_json(), recording.t.tolist(), recording.coords.tolist(), recording.trial.tolist(), recording.title


def test_it_does_not_matter_where_blocks_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, tables = tmp_path / "track.csv", whole_tables()
    for seed in range(60):
        path.write_bytes(damaged_table(seed, tables))
        monkeypatch.setattr(text, "BLOCK", 2**20)
        at_once = outcome(path)
        for size in (7, 100, 1001):
            monkeypatch.setattr(text, "BLOCK", size)
            here = outcome(path)  # of several faults another one may come first
            assert here == at_once or (isinstance(here, str) and isinstance(at_once, str)), f"seed {seed}, {size} bytes"


def test_reading_tells_how_far_it_is_and_can_be_stopped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "BLOCK", 500)
    path = tmp_path / "track.csv"
    path.write_text("\n".join(whole_tables()["trials"]), encoding="utf-8")
    for read in (inspect_table, read_recording):
        heard: list[float] = []
        read(path, progress=heard.append)
        assert len(heard) > 10
        assert heard == sorted(heard)
        assert 0 < heard[0] < 0.2
        assert heard[-1] == 1
        for last in range(0, len(heard), 7):
            with pytest.raises(StopReadingError):
                read(path, progress=stopping(last))


class StopReadingError(Exception):
    """The reading is not wanted any more."""


def stopping(after: int) -> Callable[[float], None]:
    """Return what hears of progress so often, and then stops it."""
    heard: list[float] = []

    def tell(share: float) -> None:
        heard.append(share)
        if len(heard) > after:
            raise StopReadingError

    return tell


def test_a_table_that_changes_while_it_is_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(text, "BLOCK", 500)
    path = tmp_path / "track.csv"
    rows = "".join(f"{i},{i / 7}\n" for i in range(500))
    for end, said in (
        (b"\xff\xfe\xe4\n", "changed while it was read"),
        (b"501,x\n502,1\n", "'x' in column 2"),
        (b"7\n502,1\n", "makes 1"),
    ):
        path.write_text(rows, encoding="utf-8")

        def change(share: float, end: bytes = end) -> None:
            if share > 0.2 and not path.read_bytes().endswith(end):
                path.write_bytes(rows.encode() + end)

        with pytest.raises(RecordingError, match=said):
            read_recording(path, Columns(0, 1), change)


def test_the_command_line_tells_how_far_a_long_reading_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(working, "LATE", 0.0)
    monkeypatch.setattr(working, "SELDOM", 0.0)
    path = tmp_path / "track.csv"
    path.write_text("\n".join(whole_tables()["shipped"]), encoding="utf-8")
    command = ["train", "--recording", str(path), "--model", "baseline", "--setting", "steps=1"]
    assert main([*command, "--out", str(tmp_path / "run")]) == 0
    assert re.search(r"hnn-lab: reading track\.csv: \d+ %\n", capsys.readouterr().err)
