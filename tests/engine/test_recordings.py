"""Recordings: reading, every way that a file can be wrong, derivatives, the split, and the scene."""

import importlib.util
import math
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import savgol_filter

from hnn_engine.coords import Array
from hnn_engine.errors import ParameterError, RecordingError, UnknownNameError
from hnn_engine.geometry import Block, Bob
from hnn_engine.limits import LARGEST_TABLE
from hnn_engine.recordings import (
    DERIVATIVES,
    Columns,
    RecordedScene,
    Recording,
    ReferenceEnergy,
    column_names,
    derivatives,
    inspect_table,
    read_recording,
    read_shipped_recording,
    recording_dataset,
    shipped_recording,
)
from hnn_engine.recordings.estimates import estimate, local_slopes
from hnn_engine.recordings.scene import rounded_outward

ROOT = Path(__file__).parents[2]
MEASURED = ROOT.parent / "shared" / "data" / "real_pend_h_1.txt"
MEASURED_LINEAR = MEASURED.with_name("real_linear_h_1.txt")
SMOOTH = ("savitzky-golay", "smoothing-spline")

needs_data = pytest.mark.skipif(not MEASURED.exists(), reason="the measured pendulum is not at ../shared/data")


def write(folder: Path, text: str | bytes, name: str = "track.csv") -> Path:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def rows(t: npt.ArrayLike, *columns: npt.ArrayLike, delimiter: str = ",") -> str:
    return "".join(delimiter.join(f"{x:.12g}" for x in row) + "\n" for row in np.column_stack([t, *columns]))


def sine_recording(folder: Path, *, noise: float = 0.0, gap: slice = slice(60, 65)) -> Recording:
    t = np.delete(np.arange(200) * 0.05, gap)
    rng = np.random.default_rng(7)
    q, v = np.sin(2 * t) + rng.normal(0, noise, len(t)), 2 * np.cos(2 * t) + rng.normal(0, noise, len(t))
    return read_recording(write(folder, "time,angle,velocity\n" + rows(t, q, v)))


# Reading -------------------------------------------------------------------------------------------------------------

LINES = [(0.0, 1.0, 0.5), (0.1, 1.25, 0.5), (0.2, 1.5, 0.25), (0.3, 1.0, -2.5), (0.4, 0.5, -3.0)]


def table(delimiter: str, header: str = "", end: str = "\n", comma: bool = False) -> str:
    lines = [delimiter.join(f"{x:g}" for x in line) for line in LINES]
    text = end.join([header, *lines] if header else lines) + end
    return text.replace(".", ",") if comma else text


@pytest.mark.parametrize(
    "text",
    [
        table(","),
        table(";"),
        table("\t"),
        table("   "),
        table(",", "t,angle,velocity"),
        table(", ", '"t","angle","velocity"'),
        table(" ", "% t angle velocity", "\r\n"),
        table(";", "# made by hand\n\n# t;angle;velocity"),
        table(";", "Zeit;Winkel;Geschwindigkeit", comma=True),
        table("\t", "Object A\nt\ttheta\tomega\ns\trad\trad/s"),
        table(",", end="\r"),
        table(",", end=",\n"),
        table(",") + "\n# the end\n",
        "\ufeff" + table(","),
        '"' + '"\n"'.join('","'.join(f"{x:g}" for x in line) for line in LINES) + '"\n',
        table(",", "t (s),θ (rad),ω (rad/s)"),
    ],
)
def test_every_layout_gives_the_same_recording(tmp_path: Path, text: str) -> None:
    recording = read_recording(write(tmp_path, text), Columns(0, 1, 2))
    assert np.column_stack([recording.t, recording.coords]) == pytest.approx(np.array(LINES))
    assert recording.trials == 1
    assert not recording.simulated
    assert not recording.known


@pytest.mark.parametrize("encoding", ["utf-16", "latin-1"])
def test_other_encodings_are_read(tmp_path: Path, encoding: str) -> None:
    path = write(tmp_path, table(";", "time (s);angle (°);velocity").encode(encoding))
    found = inspect_table(path)
    assert [heading.text for heading in found.table.headings] == ["time (s)", "angle (°)", "velocity"]
    assert found.columns is not None
    assert found.columns.angle_unit == "deg"


def test_an_inspection_shows_names_rows_and_roles(tmp_path: Path) -> None:
    text = "time_ms,note,velocity,x [mm]\n" + "0,a,.2,2\n5,b,.2,3\n10,c,.2,4\n15,d,.2,5\n"
    shown = inspect_table(write(tmp_path, text))
    assert shown.table.head[1] == ("5", "b", ".2", "3")
    assert shown.reading is not None
    assert len(shown.reading.t) == 4
    assert shown.columns == Columns(0, 3, 2, None, "length", length_unit="mm", time_unit="ms", velocity_unit="m/s")
    assert "m/s agrees with the slope" in " ".join(shown.notes)


def test_nameless_columns_are_told_by_their_numbers(tmp_path: Path) -> None:
    t = np.arange(40) * 0.1
    text = rows(np.repeat([0.0, 1.0], 20), np.tile(t[:20], 2), 5 * np.sin(t), 5 * np.cos(t), delimiter=" ")
    shown = inspect_table(write(tmp_path, text))
    assert [heading.text for heading in shown.table.headings] == ["column 1", "column 2", "column 3", "column 4"]
    assert shown.columns == Columns(1, 2, 3, 0, "number", velocity_unit="1/s")
    assert shown.questions == ()


def test_units_become_si(tmp_path: Path) -> None:
    path = write(tmp_path, "ms,deg,v\n0,180,0\n500,90,-0.18\n1000,0,0\n1500,45,0\n")
    recording = read_recording(path, Columns(0, 1, 2, angle_unit="deg", time_unit="ms"))
    assert recording.t == pytest.approx([0, 0.5, 1.0, 1.5])
    assert recording.coords[1] == pytest.approx([math.pi / 2, -math.pi])
    lengths = read_recording(path, Columns(0, 1, 2, kind="length", length_unit="cm"))
    assert lengths.coords[1] == pytest.approx([0.9, -0.0018])


def test_turning_over_does_not_jump(tmp_path: Path) -> None:
    t = np.arange(100) * 0.1
    wrapped = (3 * t + np.pi) % (2 * np.pi) - np.pi
    recording = read_recording(write(tmp_path, rows(t, wrapped)), Columns(0, 1))
    assert recording.coords[:, 0] == pytest.approx(3 * t)
    assert recording.coords[:, 1] == pytest.approx(3.0)
    assert recording.velocity_estimated


def test_missing_velocity_is_estimated_even_in_short_runs(tmp_path: Path) -> None:
    t = np.delete(np.arange(120) * 0.05, [50, 51, 55, 56])
    recording = read_recording(write(tmp_path, rows(t, np.sin(t))), Columns(0, 1))
    assert len(recording.gaps) == 2
    assert recording.coords[:, 1] == pytest.approx(np.cos(t), abs=5e-3)


def test_time_may_restart_with_a_trial(tmp_path: Path) -> None:
    text = rows(
        np.repeat([3.0, 7.0, 9.0], 5), np.tile(np.arange(5) / 5, 3), np.linspace(0, 1, 15), np.full(15, 1 / 2.8)
    )
    recording = read_recording(write(tmp_path, "trial,t,angle,velocity\n" + text))
    assert recording.trial.tolist() == [0] * 5 + [1] * 5 + [2] * 5
    assert recording.gaps.size == 0
    assert [(run.start, run.stop) for run in recording.segments()] == [(0, 5), (5, 10), (10, 15)]


def test_a_long_file_reads_quickly(tmp_path: Path) -> None:
    t = np.arange(100_000) / 100
    path = tmp_path / "long.csv"
    np.savetxt(path, np.stack([t, np.sin(t), np.cos(t)], axis=-1), delimiter=",", header="t,angle,velocity")
    began = time.process_time()
    assert len(read_recording(path).t) == 100_000
    assert time.process_time() - began < 2.5  # about 0.4 s; the bound only catches a loop gone slow


# What can be wrong ---------------------------------------------------------------------------------------------------

GOOD = "0,0,0\n1,1,1\n2,2,2\n3,3,3\n"


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"\x89PNG\r\n\x1a\n\x00\x00", "line 1: byte 0x89|no text"),
        (b"1,2\n\x00\x01", "line 2: byte 0x00"),
        (b"\xff\xfe\x00", "damaged"),
        ("", "is empty"),
        ("\n  \n", "is empty"),
        ("# only\n# words\n", "line 1: '# only'"),
        ("dear reader\nno numbers here\n", "line 1: 'dear reader'"),
        (GOOD + "4,4\n5,5,5\n", "line 5: '4,4' makes 2 columns where line 1 makes 3"),
        (GOOD + "4;4;4\n5,5,5\n", "line 5"),
        ("t,q,v\n" + GOOD + "\n4,abc,4\n5,5,5\n", r"line 7: 'abc' in column 2 \(q\) is not a number"),
        (GOOD + "4,1_000,4\n5,5,5\n", "line 5: '1_000'"),
        ("0,1,2\n", "holds 1 row of numbers"),
        ("t,q\n0,1\n1,2\n2,3\n", "from line 2, holds 3 rows of numbers; expected 4"),
        (GOOD + "4,1,-inf\n", "line 5: '-inf' in column 3 .* is not finite; expected an ordinary number"),
        (GOOD + "4,1e300,4\n", "line 5: '1e300' .* is too large"),
        (GOOD + "4,1e7,4\n", "line 5: '1e7' in column 2 .* too large"),
        (GOOD + "2.5,4,4\n", "line 5: '2.5' in column 1 .* runs backward from 3 in line 4"),
        (GOOD + "# pause\n3,4,4\n", "line 6: '3' in column 1 .* repeats 3 in line 4"),
    ],
)
def test_a_wrong_file_is_refused_in_one_sentence(tmp_path: Path, text: str | bytes, said: str) -> None:
    path = write(tmp_path, text)
    with pytest.raises(RecordingError, match=said) as caught:
        read_recording(path, None if isinstance(text, bytes) or "x" in text or "t,q" in text else Columns(0, 1, 2))
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "expected" in message
    assert "\n" not in message


def test_a_file_with_two_sided_columns_is_ragged_before_anything_else(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="line 3: '1,1,1,1' makes 4 columns"):
        inspect_table(write(tmp_path, "t,q,v\n0,0,0\n1,1,1,1\n2,2,2\n3,3,3\n"))


def test_no_column_of_numbers(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no column holds an angle or a position"):
        read_recording(write(tmp_path, "0,d\n1.5,a\n2,b\n3,c\n"))


def test_folder_missing_unreadable_and_large(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(RecordingError, match="is a folder"):
        inspect_table(tmp_path)
    with pytest.raises(RecordingError, match="does not exist"):
        inspect_table(tmp_path / "none.csv")
    with pytest.raises(RecordingError, match="cannot be read"):
        inspect_table("a\0b")
    good, large = write(tmp_path, GOOD), tmp_path / "large.csv"
    with large.open("wb") as file:
        file.truncate(LARGEST_TABLE + 1)
    with pytest.raises(RecordingError, match=f"more than {LARGEST_TABLE // 2**20} MB"):  # told from the size alone
        inspect_table(large)

    def refuse(*_: object) -> int:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("os.open", refuse)
    with pytest.raises(RecordingError, match="Permission denied"):
        inspect_table(good)


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no device files here")
def test_a_device_is_refused() -> None:
    with pytest.raises(RecordingError, match="not an ordinary file"):
        inspect_table("/dev/zero")


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        (Columns(0, 3), "no column 4; expected 1 to 3"),
        (Columns(0, -1), "no column 0"),
        (Columns(0, 1, 1), "1, 2, 2 are not all different"),
        (Columns(0, 1, angle_unit="furlong"), "'furlong'"),
        (Columns(0, 1, time_unit="fortnight"), "'fortnight'"),
        (Columns(1, 2, None, 0), "none of which has 4 rows"),
    ],
)
def test_impossible_columns_are_refused(tmp_path: Path, columns: Columns, said: str) -> None:
    with pytest.raises(RecordingError, match=said):
        read_recording(write(tmp_path, GOOD), columns)


@settings(max_examples=300, deadline=None)
@given(st.one_of(st.binary(max_size=200), st.text("0123456789.,;-+eE \t\n\"'#%nainf", max_size=200).map(str.encode)))
def test_any_bytes_are_read_or_refused(tmp_path_factory: pytest.TempPathFactory, raw: bytes) -> None:
    path = tmp_path_factory.getbasetemp() / "fuzz.csv"
    path.write_bytes(raw)
    try:
        recording = read_recording(path)
    except RecordingError:
        return
    assert np.isfinite(recording.coords).all()
    assert (np.diff(recording.t)[np.diff(recording.trial) == 0] > 0).all()


numbers = st.floats(-1e3, 1e3) | st.floats(allow_nan=False, allow_infinity=False)


@settings(max_examples=200, deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=4, max_size=24, unique_by=lambda row: row[0]))
def test_any_rising_track_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, track: list[tuple[float, float]]
) -> None:
    path = tmp_path_factory.getbasetemp() / "track.csv"
    path.write_text("".join(f"{t!r},{q!r}\n" for t, q in sorted(track)))
    try:
        recording = read_recording(path, Columns(0, 1))
        for method in DERIVATIVES:
            derivatives(recording, method, 5)
    except RecordingError:
        return
    assert np.isfinite(recording.coords).all()


# Derivatives ---------------------------------------------------------------------------------------------------------


def test_the_table_describes_every_method_without_scipy() -> None:
    code = "import sys, hnn_engine.recordings; sys.exit('scipy' in sys.modules or 'torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False).returncode == 0
    assert list(DERIVATIVES) == [info.name for info in DERIVATIVES.values()]
    assert [name for name, info in DERIVATIVES.items() if info.crosses_gaps] == ["paper"]


@pytest.mark.parametrize("method", SMOOTH)
def test_a_sine_with_a_gap_has_its_known_derivative(tmp_path: Path, method: str) -> None:
    recording = sine_recording(tmp_path)
    dcoords, valid = derivatives(recording, method, 7)
    exact = np.stack([2 * np.cos(2 * recording.t), -4 * np.sin(2 * recording.t)], axis=-1)
    assert recording.gaps.tolist() == [60]
    assert valid.all()
    inside = np.ones(len(exact), dtype=bool)
    inside[[0, 1, 2, 3, 56, 57, 58, 59, 60, 61, 62, 63, -4, -3, -2, -1]] = False
    assert dcoords[inside] == pytest.approx(exact[inside], abs=6e-3)
    assert dcoords == pytest.approx(
        exact, abs=0.01 if method == "savitzky-golay" else 0.15
    )  # a natural spline's ends are straight


@pytest.mark.parametrize("method", SMOOTH)
def test_noise_is_smoothed(tmp_path: Path, method: str) -> None:
    recording = sine_recording(tmp_path, noise=0.01)
    exact = np.stack([2 * np.cos(2 * recording.t), -4 * np.sin(2 * recording.t)], axis=-1)
    smooth, plain = derivatives(recording, method), derivatives(recording, "forward-difference")
    error = np.abs((smooth.dcoords - exact)[plain.valid]).mean()
    assert error < 0.4 * np.abs((plain.dcoords - exact)[plain.valid]).mean()


@pytest.mark.parametrize("method", list(DERIVATIVES))
def test_only_the_paper_looks_across_a_gap(tmp_path: Path, method: str) -> None:
    """What happens after a gap does not change the slopes before it."""
    recording = sine_recording(tmp_path)
    later = recording.coords.copy()
    later[60:] += 5.0
    moved = Recording("", "", "angle", recording.t, recording.trial, later, recording.gaps)
    before, after = derivatives(recording, method).dcoords[:60], derivatives(moved, method).dcoords[:60]
    if method == "paper":
        assert after[59] - before[59] == pytest.approx(5.0 / (recording.t[60] - recording.t[59]))
    else:
        assert after == pytest.approx(before, abs=2e-2, nan_ok=True)


def test_short_runs_are_left_out_and_marked(tmp_path: Path) -> None:
    t = np.delete(np.arange(100) * 0.05, [40, 41, 47, 48])
    recording = read_recording(write(tmp_path, rows(t, np.sin(t), np.cos(t))), Columns(0, 1, 2))
    for method in SMOOTH:
        dcoords, valid = derivatives(recording, method, 9)
        assert np.flatnonzero(~valid).tolist() == list(range(40, 45))
        assert np.isnan(dcoords[~valid]).all()
    assert np.flatnonzero(~derivatives(recording, "forward-difference").valid).tolist() == [39, 44, 95]
    assert np.flatnonzero(~derivatives(recording, "paper").valid).tolist() == [95]


def test_midpoints_are_of_second_order_where_differences_are_of_first(tmp_path: Path) -> None:
    off: dict[str, list[float]] = {"midpoint": [], "forward-difference": []}
    for count in (100, 200):
        t = np.linspace(0.0, 5.0, count)
        recording = read_recording(write(tmp_path, rows(t, np.sin(t), np.cos(t))), Columns(0, 1, 2))
        for method, found in off.items():
            made = recording_dataset(recording, method)
            assert len(made.t) == count - 1
            field = np.column_stack([made.coords[:, 1], -made.coords[:, 0]])
            found.append(float(np.abs(made.dcoords - field).max()))
            shift = np.diff(t).mean() / 2 if method == "midpoint" else 0.0
            np.testing.assert_allclose(made.t, t[:-1] + shift, atol=1e-6)
    orders = {method: np.log2(coarse / fine) for method, (coarse, fine) in off.items()}
    assert orders["midpoint"] == pytest.approx(2.0, abs=0.1)
    assert orders["forward-difference"] == pytest.approx(1.0, abs=0.1)
    assert off["midpoint"][1] < 0.02 * off["forward-difference"][1]


@pytest.mark.parametrize("method", SMOOTH)
def test_uneven_steps_count_as_they_are(tmp_path: Path, method: str) -> None:
    t = np.cumsum(np.random.default_rng(3).uniform(0.035, 0.05, 150))
    recording = read_recording(write(tmp_path, rows(t, np.sin(2 * t), 2 * np.cos(2 * t))), Columns(0, 1, 2))
    dcoords, _ = derivatives(recording, method)
    assert dcoords[:, 0] == pytest.approx(recording.coords[:, 1], abs=1e-2)


def test_steps_that_drift_slowly_are_not_even() -> None:
    t = np.cumsum(np.linspace(0.033, 0.036, 300))  # no step is 5 % off, and the times are by four steps
    x = np.stack([np.sin(4 * t), 4 * np.cos(4 * t)], axis=-1)
    nothing = np.empty(0, dtype=np.int64)
    found = estimate(t, x, np.zeros(300, dtype=np.int64), nothing, "savitzky-golay", 9).dcoords[:, 0]
    assert np.abs(found - x[:, 1]).max() < 0.03


def test_cubics_at_even_times_are_those_of_savitzky_and_golay() -> None:
    t = 0.1 * np.arange(60)
    x = np.random.default_rng(5).normal(size=(60, 2))
    np.testing.assert_allclose(local_slopes(t, x, 9), savgol_filter(x, 9, 3, deriv=1, delta=0.1, axis=0), atol=1e-9)


def test_bad_methods_and_windows_are_refused(tmp_path: Path) -> None:
    recording = sine_recording(tmp_path)
    with pytest.raises(UnknownNameError, match="did you mean 'savitzky-golay'"):
        derivatives(recording, "savitzki-golay")
    with pytest.raises(ParameterError, match="window is 3"):
        derivatives(recording, "savitzky-golay", 3)
    with pytest.raises(RecordingError, match="has 5 rows; expected 9"):
        derivatives(read_recording(write(tmp_path, table(",")), Columns(0, 1, 2)), "savitzky-golay", 9)
    even, odd = derivatives(recording, "savitzky-golay", 8), derivatives(recording, "savitzky-golay", 9)
    assert np.array_equal(even.dcoords, odd.dcoords)


# What trains ---------------------------------------------------------------------------------------------------------


def test_one_trial_is_split_by_time(tmp_path: Path) -> None:
    recording = sine_recording(tmp_path)
    data = recording_dataset(recording, "savitzky-golay")
    assert data.train.sum() == round(0.8 * len(data.t)) == 156
    assert data.t[data.train].max() < data.t[~data.train].min()
    assert np.array_equal(data.coords, recording.coords[data.row])


@pytest.mark.parametrize("method", ["savitzky-golay", "paper"])
def test_several_trials_are_split_by_trial(tmp_path: Path, method: str) -> None:
    t = np.arange(12) * 0.1
    text = rows(np.repeat(np.arange(6.0), 12), np.tile(t, 6), np.tile(np.sin(t), 6), np.tile(np.cos(t), 6))
    recording = read_recording(write(tmp_path, text), Columns(1, 2, 3, 0))
    data = recording_dataset(recording, method, test_fraction=0.3)
    assert set(data.trajectory[data.train]) == {0, 1, 2, 3}
    assert set(data.trajectory[~data.train]) == {4, 5}
    assert np.abs(data.dcoords).max() < 2  # no difference reaches into the next trial


@pytest.mark.parametrize("fraction", [0.0, 1.0, math.nan])
def test_impossible_fractions_are_refused(tmp_path: Path, fraction: float) -> None:
    with pytest.raises(ParameterError, match="test-fraction"):
        recording_dataset(sine_recording(tmp_path), "paper", test_fraction=fraction)


# The file of the paper -----------------------------------------------------------------------------------------------


def test_its_layout_is_known_by_itself(tmp_path: Path) -> None:
    t = np.arange(8) / 6 + 5
    lines = rows(np.zeros(8), t, 0.1 * np.sin(t), 0.1 * np.cos(t), delimiter="  ").replace("\n", " \r\n")
    angle = inspect_table(write(tmp_path, "%o v\r\n" + lines, "o.txt"))
    assert angle.roles.known
    assert angle.columns == Columns(1, 2, 3, 0, "angle")
    assert column_names(angle.table) == ("trial", "time (s)", "angle (rad)", "velocity")
    length = inspect_table(write(tmp_path, "% x v\n" + lines, "x.txt"))
    assert length.roles.known
    assert length.columns is not None
    assert length.columns.kind == "length"
    assert read_recording(tmp_path / "o.txt").reference is None  # the layout alone is not the paper's pendulum


@needs_data
def test_the_measured_pendulum_is_read_whole() -> None:
    recording = read_recording(MEASURED)
    assert (len(recording.t), len(recording.gaps), recording.trials, recording.known) == (556, 10, 1, True)
    assert np.median(np.diff(recording.t)) == pytest.approx(1 / 6)
    assert recording.reference is not None
    assert recording.reference.label == "2.4(1 − cos q) + p²"
    fifths = [part.mean() for part in np.array_split(recording.reference.hamiltonian(recording.coords), 5)]
    assert fifths == pytest.approx([1.96, 1.56, 1.25, 0.99, 0.80], abs=0.01)


@needs_data
def test_the_paper_splits_it_445_to_110() -> None:
    recording = read_recording(MEASURED)
    data = recording_dataset(recording, "paper")
    assert (data.train.sum(), (~data.train).sum()) == (445, 110)
    assert np.flatnonzero(~data.train).tolist() == list(range(444, 554))
    steps = np.diff(recording.t)[:, None]
    assert np.array_equal(data.dcoords, np.diff(recording.coords, axis=0) / steps)
    assert np.array_equal(data.row, np.arange(555))


@needs_data
@pytest.mark.parametrize("method", SMOOTH)
def test_its_slopes_agree_with_its_velocities(method: str) -> None:
    recording = read_recording(MEASURED)
    dcoords, valid = derivatives(recording, method)
    plain = derivatives(recording, "forward-difference")
    both = valid & plain.valid
    error = dcoords[both, 0] - recording.coords[both, 1]
    assert np.sqrt((error**2).mean()) < 0.06
    assert np.abs(error).mean() < 0.6 * np.abs(plain.dcoords[both, 0] - recording.coords[both, 1]).mean()


@needs_data
def test_the_measured_oscillator_is_a_length() -> None:
    recording = read_recording(MEASURED_LINEAR)
    assert (recording.kind, len(recording.t), recording.known, recording.reference) == ("length", 870, True, None)
    assert len(recording_dataset(recording, "savitzky-golay").t) == 870


# The shipped recording -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def maker() -> ModuleType:
    spec = importlib.util.spec_from_file_location("make_recording", ROOT / "benchmarks" / "make_recording.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_shipped_recording_says_that_it_is_simulated() -> None:
    recording = read_shipped_recording()
    assert recording.simulated
    assert "not measured" in shipped_recording().read_text(encoding="utf-8").splitlines()[0]
    assert recording.kind == "angle"
    assert not recording.velocity_estimated
    assert 600 < len(recording.t) <= 1200
    assert len(recording.gaps) >= 8
    assert recording.reference is not None
    energy = recording.reference.hamiltonian(recording.coords)
    assert energy[-50:].mean() < 0.6 * energy[:50].mean()  # friction


def test_the_shipped_recording_comes_from_its_script(maker: ModuleType, tmp_path: Path) -> None:
    maker.main(tmp_path / "again.csv")
    again, shipped = read_recording(tmp_path / "again.csv"), read_shipped_recording()
    assert again.coords == pytest.approx(shipped.coords, abs=1.1e-4)
    assert np.array_equal(again.t, shipped.t)


@pytest.mark.parametrize(("method", "gain"), [("savitzky-golay", 5.0), ("smoothing-spline", 4.0)])
def test_good_methods_beat_forward_differences_on_known_truth(maker: ModuleType, method: str, gain: float) -> None:
    recording = read_shipped_recording()
    q, v = maker.truth(np.concatenate([[0.0], recording.t]))[1:].T
    exact = np.stack([v, -maker.GRAVITY_OVER_LENGTH * np.sin(q) - maker.DAMPING * v], axis=-1)
    smooth, plain = derivatives(recording, method), derivatives(recording, "forward-difference")
    both = smooth.valid & plain.valid

    def error(dcoords: Array) -> Array:
        return np.asarray(np.sqrt(((dcoords - exact)[both] ** 2).mean(axis=0)))

    assert (gain * error(smooth.dcoords) < error(plain.dcoords) * 1.05).all()


# Energy and scene ----------------------------------------------------------------------------------------------------


def test_a_reference_energy_may_be_stated(tmp_path: Path) -> None:
    recording = sine_recording(tmp_path).with_reference(9.81, 0.5)
    energy = recording.reference
    assert energy is not None
    assert energy.label == "9.81(1 − cos q) + 0.5 p²"
    assert energy.hamiltonian(np.array([[math.pi, 2.0], [0.0, 0.0]])) == pytest.approx([21.62, 0.0])
    assert energy.min_energy == 0
    assert energy.energy_scale(np.zeros(2)) == energy.floor > 0
    length = ReferenceEnergy("length", (2.0, 1.0), 0.1)
    assert length.label == "2 q² + p²"
    assert length.hamiltonian(np.array([3.0, 1.0])) == pytest.approx(19.0)
    for a in (0.0, -1.0, math.nan, math.inf):
        with pytest.raises(ParameterError, match="above 0"):
            recording.with_reference(a, 1.0)


def test_a_comment_may_state_an_energy(tmp_path: Path) -> None:
    comment = "# Simulated recording: made up\n# reference energy: a = {}, b = 1\n"
    stated = read_recording(write(tmp_path, comment.format("3") + table(",")), Columns(0, 1, 2))
    assert stated.simulated
    assert stated.reference is not None
    assert stated.reference.coefficients == (3.0, 1.0)
    with pytest.raises(RecordingError, match="states no energy"):
        read_recording(write(tmp_path, comment.format("three") + table(",")), Columns(0, 1, 2))


@pytest.mark.parametrize("kind", ["angle", "length"])
def test_the_stage_moves_what_was_recorded(tmp_path: Path, kind: str) -> None:
    path = write(tmp_path, rows(*np.array(LINES).T))
    scene = RecordedScene(read_recording(path, Columns(0, 1, 2, kind="angle" if kind == "angle" else "length")))
    start = scene.default_start
    assert start.tolist() == [1.0, 0.5]
    assert scene.dof == 1
    assert scene.periodic == (kind == "angle", False)
    assert [c.label for c in scene.coordinates] == (
        ["q (rad)", "p (rad/s)"] if kind == "angle" else ["q (m)", "p (m/s)"]
    )
    assert all(
        c.low < x.min() and c.high > x.max() for c, x in zip(scene.coordinates, scene.recording.coords.T, strict=True)
    )
    assert any(isinstance(part, Bob if kind == "angle" else Block) for part in scene.geometry(start[:1]))
    at, speed = scene.positions(start[:1])[0], scene.velocities(start)[0]
    assert scene.positions(np.zeros((7, 3, 1))).shape == scene.velocities(np.zeros((7, 3, 2))).shape == (7, 3, 1, 2)
    assert scene.place(np.array([0.2, 0.5]), 0, (at[0], at[1])) == pytest.approx(start)
    assert scene.push(np.array([1.0, 0.0]), 0, (speed[0], speed[1])) == pytest.approx(start)
    step = 1e-6
    moved = scene.positions(start[:1] + step * start[1:])[0]
    assert (moved - at) / step == pytest.approx(speed, abs=1e-5)


@given(st.floats(-1e6, 1e6), st.floats(0, 1e6))
def test_ranges_are_rounded_outward(low: float, span: float) -> None:
    a, b = rounded_outward(low, low + span)
    assert a < low <= low + span < b
    if span > 1e-5 * max(abs(low), 1.0):
        assert b - a < 1.5 * span
