"""Files that hold several tables, and OpenDocument's spreadsheets: which table is read, and what is refused."""

import io
import json
import time
import zipfile
from html import escape
from pathlib import Path

import numpy as np
import pytest

from hnn_engine.cli import main
from hnn_engine.errors import RecordingError
from hnn_engine.recordings import Stated, inspect_table, read_recording
from tests.engine.test_kinds_of_tables import DEG, Q, T, V, is_right, packed, rows

Cell = str | float | None
MIME = "application/vnd.oasis.opendocument.spreadsheet"
BODY: list[list[Cell]] = [[float(t), float(q) * DEG, float(v)] for t, q, v in zip(T, Q, V, strict=True)]
HEADING: list[Cell] = ["Time (s)", "Angle (deg)", "Rate (rad/s)"]
# What LibreOffice writes behind the last row: all that is left of the sheet, empty.
TAIL = (
    '<table:table-row table:number-rows-repeated="1048423"><table:table-cell table:number-columns-repeated="16384"/>'
    "</table:table-row>"
)


def ods(sheets: dict[str, list[list[Cell]]], tail: str = TAIL, cell: str = "", mime: str = MIME) -> bytes:
    """Return a spreadsheet of these sheets as LibreOffice writes it; `cell` is a further cell as XML, before `tail`."""
    parts = []
    for title, lines in sheets.items():
        body = "".join(f"<table:table-row>{''.join(map(_cell, line))}</table:table-row>" for line in lines)
        more = f"<table:table-row>{cell}</table:table-row>" if cell else ""
        parts.append(
            f'<table:table table:name="{escape(title)}" table:style-name="ta1"><table:table-column '
            f'table:number-columns-repeated="16384" table:default-cell-style-name="Default"/>{body}{more}{tail}'
            "</table:table>"
        )
    names = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {names} office:version="1.3"><office:body>'
        f"<office:spreadsheet>{''.join(parts)}</office:spreadsheet></office:body></office:document-content>"
    )
    manifest = (
        '<?xml version="1.0" encoding="UTF-8"?><manifest:manifest '
        'xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"><manifest:file-entry '
        f'manifest:full-path="/" manifest:media-type="{mime}"/></manifest:manifest>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        file.writestr("mimetype", mime, zipfile.ZIP_STORED)
        for name, text in (("content.xml", content), ("META-INF/manifest.xml", manifest)):
            file.writestr(name, text, zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def _cell(value: Cell) -> str:
    if value is None:
        return "<table:table-cell/>"
    if isinstance(value, str):
        return f'<table:table-cell office:value-type="string"><text:p>{escape(value)}</text:p></table:table-cell>'
    return (
        f'<table:table-cell office:value-type="float" office:value="{value!r}"><text:p>{value:.3g}</text:p>'
        "</table:table-cell>"
    )


def write(folder: Path, content: bytes, name: str) -> Path:
    path = folder / name
    path.write_bytes(content)
    return path


# OpenDocument ---------------------------------------------------------------------------------------------------------


def test_a_spreadsheet_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, ods({"Sheet1": [HEADING, *BODY]}), "swing.ods")
    found = inspect_table(path)
    is_right(found)
    assert found.table.format == "OpenDocument spreadsheet, sheet 'Sheet1'"
    assert found.columns is not None
    assert found.columns.velocity_unit == "rad/s"
    is_right(inspect_table(write(tmp_path, path.read_bytes(), "no_ending")))


def test_words_empty_cells_and_gaps_are_as_in_other_workbooks(tmp_path: Path) -> None:
    lines: list[list[Cell]] = [["Pendulum 3, run of 5 May"], [], [None, *HEADING]]
    holes = [[None, t, None if 40 <= i < 44 else q, v] for i, (t, q, v) in enumerate(BODY)]
    shown = inspect_table(write(tmp_path, ods({"A": [*lines, *holes]}), "a.ods")).to_json()
    assert (shown["rows"], shown["gaps"], shown["questions"]) == (146, 1, [])
    decimal = [[f"{t:.4f}".replace(".", ","), f"{q:.4f}".replace(".", ",")] for t, q, _ in BODY]  # type: ignore[str-bytes-safe]
    is_right(inspect_table(write(tmp_path, ods({"A": [["Zeit (s)", "Winkel (°)"], *decimal]}), "b.ods")))


def test_times_of_day_in_a_spreadsheet_are_times(tmp_path: Path) -> None:
    form = '<table:table-row><table:table-cell office:value-type="{}" office:{}-value="{}"/>{}</table:table-row>'
    for kind, at in (("time", "PT14H02M{:09.6f}S"), ("date", "2024-05-01T14:02:{:09.6f}")):
        body = "".join(form.format(kind, kind, at.format(t), _cell(q)) for t, q, _ in BODY)  # type: ignore[str-format]
        path = write(tmp_path, ods({"A": [["time", "Angle (deg)"]]}, body + TAIL), f"{kind}.ods")
        found = inspect_table(path)
        assert found.questions == (), found.questions
        assert found.recording().t == pytest.approx(T, abs=2e-3)


def test_what_repeats_too_often_is_refused_at_once(tmp_path: Path) -> None:
    filled = '<table:table-cell {} office:value-type="float" office:value="1"/>'
    wide = filled.format('table:number-columns-repeated="16384"')
    row = '<table:table-row table:number-rows-repeated="1048576">{}</table:table-row>'
    odd = filled.format("table:number-columns-repeated='&#49;6384000'")
    quoted = filled.format('table:formula="a &gt; b > c" table:number-columns-repeated="99999999999"')
    behind = '<table:table-cell table:number-columns-repeated="900000000"/>' + filled.format("")
    for name, cell, tail in (
        ("wide and long", "", row.format(wide)),
        ("not readable", odd, TAIL),
        ("a sign in quotes", quoted, TAIL),
        ("far to the right", behind, TAIL),
        ("far below", "", row.format("<table:table-cell/>") * 2 + row.format(filled.format(""))),
    ):
        began = time.monotonic()
        with pytest.raises(RecordingError, match=r"spans [\d,]+ columns and [\d,]+ rows"):
            inspect_table(write(tmp_path, ods({"A": [HEADING, *BODY]}, tail, cell), "far.ods"))
        assert time.monotonic() - began < 5, name


def test_elements_are_found_wherever_a_block_ends(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    far = '<table:table-cell table:formula="1 > 0" table:number-columns-repeated="900000" office:value="1"/>'
    path = write(tmp_path, ods({"A": [HEADING, *BODY[:5]]}, cell=far), "far.ods")
    for block in (150, 151, 157, 163, 400, 1000):
        monkeypatch.setattr("hnn_engine.recordings.workbooks._BLOCK", block)
        with pytest.raises(RecordingError, match="spans 900,000 columns"):
            inspect_table(path)


def test_what_is_no_spreadsheet_is_refused(tmp_path: Path) -> None:
    whole = ods({"A": [HEADING, *BODY]})
    with pytest.raises(RecordingError, match="damaged"):
        inspect_table(write(tmp_path, whole[: len(whole) // 2], "cut.ods"))
    text = ods({"A": [HEADING, *BODY]}, mime="application/vnd.oasis.opendocument.text")
    with pytest.raises(RecordingError, match=r"expected a text or CSV file in it"):
        inspect_table(write(tmp_path, text, "letter.odt"))
    with pytest.raises(RecordingError, match="no row of numbers"):
        inspect_table(write(tmp_path, ods({"A": [["only", "words"], ["and", "more"]]}), "words.ods"))


# Several tables -------------------------------------------------------------------------------------------------------


def angles(scale: float = 1.0) -> str:
    return '"Time (s)","Angle (rad)"\n' + rows(lambda i: f"{T[i]:.4f},{scale * Q[i]:.5f}")


@pytest.fixture
def two(tmp_path: Path) -> Path:
    """A zip of two tables."""
    return write(tmp_path, packed(runs__A_csv=angles(), runs__B_csv=angles(0.5), Notes_csv="only words\n"), "two.zip")


def test_which_table_of_a_zip_is_asked(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    found = inspect_table(two)
    assert found.table.choices == ("runs/A.csv", "runs/B.csv")
    assert [question.role for question in found.open_questions] == ["table"]
    assert "holds 2 tables, 'runs/A.csv', 'runs/B.csv'" in found.questions[0]
    with pytest.raises(RecordingError, match="say --table NAME"):
        read_recording(two)
    assert main(["inspect", str(two), "--json"]) == 2
    out, err = capsys.readouterr()
    assert json.loads(out)["questions"] == list(found.questions)
    assert "--table NAME" in err


def test_the_table_that_is_named_is_read(two: Path, capsys: pytest.CaptureFixture[str]) -> None:
    is_right(inspect_table(two, Stated(table="runs/A.csv")))
    is_right(inspect_table(two, Stated(table="B.csv")), scale=0.5)
    assert main(["inspect", str(two), "--table", "B.csv", "--json"]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert shown["coordinates"][0]["max"] == pytest.approx(0.5 * Q.max(), abs=1e-3)
    assert any("runs/B.csv" in note for note in shown["notes"])
    with pytest.raises(RecordingError, match=r"holds no table 'C\.csv'; expected one of"):
        inspect_table(two, Stated(table="C.csv"))
    with pytest.raises(RecordingError, match="no row of numbers"):
        inspect_table(two, Stated(table="Notes.csv"))


def test_a_sheet_that_is_named_is_read_and_else_the_first_with_a_table(tmp_path: Path) -> None:
    halves = [[t, 0.5 * q] for t, q, _ in BODY]  # type: ignore[operator]
    sheets = {"Info": [["Pendulum"]], "Run 1": [HEADING, *BODY], "Run 2": [HEADING[:2], *halves]}
    path = write(tmp_path, ods(sheets), "runs.ods")  # type: ignore[arg-type]
    first = inspect_table(path)
    is_right(first)
    assert first.table.choices == ("Info", "Run 1", "Run 2")
    assert first.table.chosen == "Run 1"
    assert any("'Run 2' left out" in note for note in first.notes)
    is_right(inspect_table(path, Stated(table="Run 2")), scale=0.5)
    with pytest.raises(RecordingError, match="no row of numbers"):
        inspect_table(path, Stated(table="Info"))
    with pytest.raises(RecordingError, match="holds no table 'Run 3'"):
        inspect_table(path, Stated(table="Run 3"))


def test_a_name_of_a_table_is_refused_where_there_is_one_alone(tmp_path: Path) -> None:
    path = write(tmp_path, angles().encode(), "swing.csv")
    with pytest.raises(RecordingError, match="one table alone; expected no name of one"):
        inspect_table(path, Stated(table="A"))
    buffer = io.BytesIO()
    np.savez(buffer, t=T, theta=Q)
    with pytest.raises(RecordingError, match="one table alone"):
        inspect_table(write(tmp_path, buffer.getvalue(), "swing.npz"), Stated(table="A"))
    assert main(["train", "--system", "pendulum", "--model", "hnn", "--table", "A", "--out", str(tmp_path / "a")]) != 0
