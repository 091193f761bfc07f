"""Tables of every kind that measuring programs write, made here: read rightly, asked about, or refused."""

import io
import math
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hnn_engine.errors import ParameterError, RecordingError
from hnn_engine.recordings import TableInspection, inspect_table, parse_stated

T = np.arange(150) / 30
Q = 0.8 * np.exp(-0.05 * T) * np.cos(4 * T + 0.4)
V = -0.8 * np.exp(-0.05 * T) * (4 * np.sin(4 * T + 0.4) + 0.05 * np.cos(4 * T + 0.4))
DEG = 180 / math.pi
Line = Callable[[int], str]


def rows(line: Line, count: int = len(T)) -> str:
    return "".join(line(i) + "\n" for i in range(count))


def read(
    folder: Path, content: str | bytes, name: str = "table.csv", said: str = "", rate: str | None = None
) -> TableInspection:
    path = folder / name
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return inspect_table(path, parse_stated(said, rate))


def is_right(found: TableInspection, kind: str = "angle", scale: float = 1.0, trials: int = 1) -> None:
    assert found.questions == ()
    recording = found.recording()
    assert recording.kind == kind
    assert recording.trials == trials
    np.testing.assert_allclose(recording.coords[:, 0], scale * np.tile(Q, trials), atol=2e-3 * scale)
    np.testing.assert_allclose(recording.t - recording.t[0], np.tile(T, trials), atol=2e-3)
    assert np.median(np.abs(recording.coords[:, 1] - scale * np.tile(V, trials))) < 0.05 * scale * 3.2


# A heading and a line of each table that states all it needs: what is right is that it is read.
READ: dict[str, tuple[str, Line]] = {
    # units
    "usec": ("t (usec);theta (deg)", lambda i: f"{T[i] * 1e6:.0f};{Q[i] * DEG:.4f}"),
    "micro sign": ("Time (µs),Angle [°]", lambda i: f"{T[i] * 1e6:.0f},{Q[i] * DEG:.4f}"),
    "Grad": ("Zeit (ms);Winkel (Grad)", lambda i: f"{T[i] * 1e3:.0f};{Q[i] * DEG:.4f}"),
    "minutes": ("time (min),angle (rad)", lambda i: f"{T[i] / 60:.7f},{Q[i]:.5f}"),
    "turns": ("t (s),angle (rev)", lambda i: f"{T[i]:.4f},{Q[i] / 2 / math.pi:.6f}"),
    "radians spelled": ("Time (seconds),Angle (radians)", lambda i: f"{T[i]:.4f},{Q[i]:.5f}"),
    "rate in rpm": (
        "t (s),angle (deg),speed (rpm)",
        lambda i: f"{T[i]:.4f},{Q[i] * DEG:.4f},{V[i] * 30 / math.pi:.5f}",
    ),
    "rate in 1/s": ("t in s;φ in °;ω in 1/s", lambda i: f"{T[i]:.4f};{Q[i] * DEG:.4f};{V[i]:.4f}"),
    "rad s^-1": ("t (s)\tangle (rad)\tω (rad s^-1)", lambda i: f"{T[i]:.4f}\t{Q[i]:.5f}\t{V[i]:.4f}"),
    "superscripts": ("t (s)\tangle (rad)\tω (rad·s⁻¹)", lambda i: f"{T[i]:.4f}\t{Q[i]:.5f}\t{V[i]:.4f}"),
    "deg per ms": (
        "t (ms),angle (deg),rate (deg/ms)",
        lambda i: f"{T[i] * 1e3:.2f},{Q[i] * DEG:.4f},{V[i] * DEG / 1e3:.7f}",
    ),
    "DIN": ("t/s;φ/rad;ω/(rad/s)", lambda i: f"{T[i]:.4f};{Q[i]:.5f};{V[i]:.4f}"),
    "camel": ("timeMs,angleDeg", lambda i: f"{T[i] * 1e3:.1f},{Q[i] * DEG:.4f}"),
    "names are units": ("ms,deg", lambda i: f"{T[i] * 1e3:.1f},{Q[i] * DEG:.4f}"),
    "latex": ("$t$ (s),$\\theta$ (rad)", lambda i: f"{T[i]:.4f},{Q[i]:.5f}"),
    # other quantities beside
    "force first": ("Force (N),Time (s),Angle (rad)", lambda i: f"{V[i]:.4f},{T[i]:.4f},{Q[i]:.5f}"),
    "torque": ("t (s),Torque (N·m),theta (deg)", lambda i: f"{T[i]:.4f},{V[i]:.4f},{Q[i] * DEG:.4f}"),
    "acceleration before": (
        "t (s),α (rad/s²),ω (rad/s),θ (rad)",
        lambda i: f"{T[i]:.4f},{-9 * Q[i]:.4f},{V[i]:.4f},{Q[i]:.5f}",
    ),
    "score": ("t (s),score,angle (deg)", lambda i: f"{T[i]:.4f},0.9{i % 10},{Q[i] * DEG:.4f}"),
    "frame beside time": ("frame,t (s),angle (deg)", lambda i: f"{i},{T[i]:.4f},{Q[i] * DEG:.4f}"),
    "temperature": ("t (s),Temperature (°C),angle (rad)", lambda i: f"{T[i]:.4f},{20 + Q[i]:.2f},{Q[i]:.5f}"),
    "battery": ("time_ms,angle_deg,battery_mv", lambda i: f"{T[i] * 1e3:.1f},{Q[i] * DEG:.4f},{3700 - i}"),
    # lines before and names
    "PASCO": ("Time (s) Run #3\tAngle (rad) Run #3", lambda i: f"{T[i]:.4f}\t{Q[i]:.5f}"),
    "channels": ('Time (s),"Angle, Ch 1+2 (rad)"', lambda i: f"{T[i]:.4f},{Q[i]:.5f}"),
    "Remote Data": ("Remote Data: Time (s),Remote Data: Angle (rad)", lambda i: f"{T[i]:.4f},{Q[i]:.5f}"),
    "preamble of pairs": (
        "Firmware,1.7\nInterval (ms),33\nChannels,2\nTime (s),Angle (rad)",
        lambda i: f"{T[i]:.4f},{Q[i]:.5f}",
    ),
    "preamble in words": ("# run 3\nPendulum 3, 2 m, 5 kg\n\nTime (s),Angle (rad)", lambda i: f"{T[i]:.4f},{Q[i]:.5f}"),
    "JSON before": ('{"rate": 30, "device": "x"}\nTime (s),Angle (rad)', lambda i: f"{T[i]:.4f},{Q[i]:.5f}"),
    "units row in brackets": ("Time\tAngle\n(ms)\t(deg)", lambda i: f"{T[i] * 1e3:.2f}\t{Q[i] * DEG:.4f}"),
    "sep": ('"sep=;"\nTime (s);Angle (rad)', lambda i: f"{T[i]:.4f};{Q[i]:.5f}"),
    # cells
    "degree sign": ("t (s);Winkel (°)", lambda i: f"{T[i]:.4f};{Q[i] * DEG:.4f}°"),
    "minus": ("t (s);angle (rad)", lambda i: f"{T[i]:.4f};{Q[i]:.5f}".replace("-", "\u2212")),
    "spaces in thousands": ("t (us);angle (rad)", lambda i: f"{round(T[i] * 1e6):,};{Q[i]:.5f}".replace(",", "\u202f")),
    "exponents with commas": ("t (s);angle (rad)", lambda i: f"{T[i]:.6E};{Q[i]:.6E}".replace(".", ",")),
    "blanks and commas": ("t angle_rad", lambda i: f"{T[i]:.4f} {Q[i]:.5f}".replace(".", ",")),
    "quotes": ('"Time (s)","Angle (rad)"', lambda i: f'"{T[i]:.4f}","{Q[i]:.5f}"'),
    "empty beside": ("t (s),,angle (rad),", lambda i: f"{T[i]:.4f},,{Q[i]:.5f},"),
    "n/a beside": ("t (s),angle (rad),other (V)", lambda i: f"{T[i]:.4f},{Q[i]:.5f},n/a"),
    "clock": (
        "clock,angle (rad)",
        lambda i: f"14:59:{T[i] + 54:06.3f},{Q[i]:.5f}" if T[i] < 6 else f"15:00:{T[i] - 6:06.3f},{Q[i]:.5f}",
    ),
    "ISO": ("timestamp,angle (rad)", lambda i: f"2024-05-01T23:59:{T[i] + 54:06.3f}Z,{Q[i]:.5f}"),
    "American date": ("Date,angle (rad)", lambda i: f"5/1/2024 2:05:{T[i]:06.3f} PM,{Q[i]:.5f}"),
    "epoch": ("timestamp (s),angle (rad)", lambda i: f"{1714550000 + T[i]:.4f},{Q[i]:.5f}"),
    "wrapped degrees": ("t (s),angle (deg)", lambda i: f"{T[i]:.4f},{Q[i] * DEG:.4f}"),
}


@pytest.mark.parametrize("name", READ)
def test_what_states_all_is_read(name: str, tmp_path: Path) -> None:
    heading, line = READ[name]
    is_right(read(tmp_path, heading + "\n" + rows(line)))


LENGTHS: dict[str, tuple[str, Line, float]] = {
    "cm": ("t (s),x (cm)", lambda i: f"{T[i]:.4f},{Q[i] * 100:.4f}", 1.0),
    "inch": ("t (s),x (in)", lambda i: f"{T[i]:.4f},{Q[i] / 0.0254:.4f}", 1.0),
    "v in m/s": ("t (s),x (mm),v (m/s)", lambda i: f"{T[i]:.4f},{Q[i] * 1e3:.3f},{V[i]:.5f}", 1.0),
    "v in cm/s": (
        "t (ms),Position (m),Velocity (cm/s)",
        lambda i: f"{T[i] * 1e3:.2f},{Q[i]:.5f},{V[i] * 100:.4f}",
        1.0,
    ),
    "km/h": ("t (s),Position (m),speed (km/h)", lambda i: f"{T[i]:.4f},{Q[i]:.5f},{V[i] * 3.6:.5f}", 1.0),
    "spring, y moves": ("t (s),x (m),y (m)", lambda i: f"{T[i]:.4f},{0.001 * (i % 3)},{Q[i]:.5f}", 1.0),
    "tracker": ("mass_A\nt\tx\ty\tv_{x}\tv_{y}", lambda i: f"{T[i]:.4f}\t{Q[i]:.5f}\t0.001\t{V[i]:.4f}\t0.0", 1.0),
    "tracker of x alone": ("#multi:\n\tcm A\t\t\nt\tx\tvx\t", lambda i: f"{T[i]:.4f}\t{Q[i]:.5f}\t{V[i]:.4f}\t", 1.0),
    "Vernier": (
        "Data Set 1:Time(s),Data Set 1:Distance(m),Data Set 1:Force(N)",
        lambda i: f"{T[i]:.4f},{Q[i]:.5f},{V[i]:.4f}",
        1.0,
    ),
    "thousands": ('"t (s)","x (mm)"', lambda i: f'{T[i]:.4f},"{Q[i] * 1e4:,.2f}"', 10.0),
}


@pytest.mark.parametrize("name", LENGTHS)
def test_lengths_are_read(name: str, tmp_path: Path) -> None:
    heading, line, scale = LENGTHS[name]
    is_right(read(tmp_path, heading + "\n" + rows(line)), "length", scale)


def cols(*columns: object) -> Line:
    """Return lines of these columns, with six digits."""
    arrays = [np.asarray(column) for column in columns]
    return lambda i: ",".join(f"{array[i]:.6f}" if array.dtype.kind == "f" else str(array[i]) for array in arrays)


FRAME = np.arange(len(T))
ACROSS, BELOW = 300 + 100 * np.sin(Q), 90 + 100 * np.cos(Q)  # a bob in a picture
CENTIS = [
    f"0:00:{i // 30:02d}:{i % 30:02d} {x:.4f} {180 - y:.4f}" for i, (x, y) in enumerate(zip(ACROSS, BELOW, strict=True))
]
WHOLE = [n if n < 1000 else f"{n // 1000}.{n % 1000:03d}" for n in (round(q * 1000) + 2000 for q in Q)]

# What a table leaves open, and what then is said: a word of the question, the answer, and the rate.
ASKED: dict[str, tuple[str, Line, str, str, str | None]] = {
    "unit unknown": ("t (s),angle (furlong)", cols(T, Q * DEG), "'furlong'", "angle-unit=deg", None),
    "grad": ("t (s),angle (grad)", cols(T, Q * DEG), "'grad'", "angle-unit=deg", None),
    "time unit unknown": ("t (jiffies),angle (rad)", cols(T * 1e3, Q), "'jiffies'", "time-unit=ms", None),
    "milliseconds unsaid": ("time,angle (rad)", cols(T * 1e3, Q), "hardly seconds", "time-unit=ms", None),
    "frames as t": ("t,angle (rad)", cols(FRAME, Q), "hardly seconds", "", "30"),
    "degrees unsaid": ("t (s),Winkel", cols(T, Q * DEG), "probably degrees", "angle-unit=deg", None),
    "degrees as radians": ("t (s),angle (rad),rate (deg/s)", cols(T, Q, V), "57.3", "velocity-unit=rad/s", None),
    "a thousandth": ("t (s),angle (rad),omega (mrad/s)", cols(T, Q, V), "1000", "velocity-unit=rad/s", None),
    "ms as s": ("t (s),angle (rad),omega (rad/s)", cols(T * 1e3, Q, V), "1000", "time-unit=ms", None),
    "sign": ("t (s),angle (rad),omega (rad/s)", cols(T, Q, -V), "reversed", "velocity=none", None),
    "another's rate": ("t (s),angle (rad),omega (rad/s)", cols(T, Q, Q), "does not follow", "velocity=none", None),
    "two angles": ("t (s),theta1 (rad),theta2 (rad)", cols(T, Q, V), "may each be", "coordinate=2", None),
    "no names": ("", cols(T, Q, np.sin(FRAME)), "have no names", "coordinate=2,angle-unit=rad", None),
    "unknown names": ("t (s),A0,A1", cols(T, Q, V), "is known to be", "coordinate=2,angle-unit=rad", None),
    "score alone": ("t (s),likelihood,a", cols(T, 1 - V**2 / 90, Q), "is known", "coordinate=3,angle-unit=rad", None),
    "SLEAP": (
        "track,frame_idx,instance.score,A.x,A.y,A.score",
        cols(["track_0"] * len(T), FRAME, 0.9 + 0 * T, ACROSS, BELOW, 0.9 + 0 * T),
        *("counts frames", "x=4,y=5", "30"),
    ),
    "DeepLabCut": (
        "scorer,n,n,n\nbodyparts,bob,bob,bob\ncoords,x,y,likelihood",
        cols(FRAME, ACROSS, BELOW, 0.9 + 0 * T),
        *("counts frames", "x=2,y=3", "30"),
    ),
    "Kinovea": ("#Kinovea Trajectory data export\n#T X Y", lambda i: CENTIS[i], "frames or", "x=2,y=3", "30"),
    "pixels": ("t (s),x (px),y (px)", cols(T, ACROSS, BELOW), "in pixels", "x=2,y=3", None),
    "pivot tracked": (
        "t (s),hook x (px),hook y (px),bob x (px),bob y (px)",
        cols(T, 300.0 + FRAME, 90 + 0 * T, FRAME + ACROSS, BELOW),
        *("may each be", "x=4,y=5,pivot-x=2,pivot-y=3", None),
    ),
    "gyroscope": ("t (s),Gyroscope z (deg/s)", cols(T, V * DEG), "is a rate", "", None),
    "accelerometer": ("t (s),ax (m/s^2),ay (m/s^2)", cols(T, V, Q), "acceleration", "", None),
    "jumps by 360": ("t (s),angle (rad)", cols(T, Q * DEG % 360), "is hardly in rad", "", None),
    "constant": ("t (s),angle (rad)", cols(T, 0 * T + 0.5), "constant", "", None),
    "German thousands": ("t (s);angle (mrad)", lambda i: f"0,{i:03d};{WHOLE[i]}", "read in two ways", "", None),
}


@pytest.mark.parametrize("name", ASKED)
def test_what_is_open_is_asked_and_settled(name: str, tmp_path: Path) -> None:
    heading, line, word, said, rate = ASKED[name]
    text = (heading + "\n" if heading else "") + rows(line)
    found = read(tmp_path, text)
    assert any(word in question for question in found.questions), found.questions
    assert all("--columns" in question or "--rate" in question for question in found.questions)
    if said or rate:
        is_right(read(tmp_path, text, said=said, rate=rate))


def test_columns_can_be_integrated(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        "t (s),Gyroscope z (deg/s)\n" + rows(lambda i: f"{T[i]:.4f},{V[i] * DEG:.4f}"),
        said="coordinate=integral",
    )
    recording = found.recording()
    np.testing.assert_allclose(recording.coords[:, 0], Q - Q[0], atol=5e-3)
    np.testing.assert_allclose(recording.coords[:, 1], V, atol=1e-3)


def test_an_integral_can_swing_about_zero(tmp_path: Path) -> None:
    """The motion is Q, about 0; two trials of it begin at other phases, and the second one ends in mid-swing."""
    line = lambda i: f"{T[i]:.4f},{V[i]:.5f}"  # noqa: E731
    cut = len(T) - 10
    text = "t (s),Gyroscope z (rad/s)\n" + rows(line) + "\n" + "".join(line(i) + "\n" for i in range(40, cut))
    found = read(tmp_path, text, said="coordinate=integral,zero=mean")
    assert any("zero=mean" in note for note in found.notes)
    read_back = found.recording().coords[:, 0]
    np.testing.assert_allclose(read_back, np.concatenate([Q, Q[40:cut]]), atol=0.02 * np.abs(Q).max())


def test_less_than_a_swing_is_centred_between_its_extremes(tmp_path: Path) -> None:
    text = "t (s),Gyroscope z (rad/s)\n" + "".join(f"{i / 100},{math.cos(i / 100):.6f}\n" for i in range(101))
    q = read(tmp_path, text, said="coordinate=integral,zero=mean").recording().coords[:, 0]
    assert q[0] == pytest.approx(-math.sin(1.0) / 2, abs=1e-4)
    assert q[-1] == pytest.approx(math.sin(1.0) / 2, abs=1e-4)


def test_a_zero_without_an_integral_is_refused() -> None:
    with pytest.raises(ParameterError, match="add coordinate=integral"):
        parse_stated("coordinate=2,zero=mean")


TRIALS: dict[str, Callable[[str, str], str]] = {
    "blank line": lambda head, body: f"{head}\n{body}\n{body}",
    "heading again": lambda head, body: f"{head}\n{body}{head}\n{body}",
    "restart": lambda head, body: f"{head}\n{body}{body}",
    "restart after a gap in words": lambda head, body: f"{head}\n{body}\nBooting 2\n{head}\n{body}",
    "blank and heading": lambda head, body: f"{head}\n{body}\n\n{head}\n{body}\n\n",
    "separators alone": lambda head, body: f"{head}\n{body},\n{body}",
    "text column": lambda head, body: (
        f"{head},run\n" + body.replace("\n", ",first\n") + body.replace("\n", ",second\n")
    ),
    "numbers": lambda head, body: f"{head},trial\n" + body.replace("\n", ",1\n") + body.replace("\n", ",2\n"),
    "numbers in front": lambda head, body: (
        f"Run,{head}\n" + "".join(f"{n},{line}\n" for n in (1, 2) for line in body.splitlines())
    ),
    "comment between": lambda head, body: f"{head}\n{body}# again\n{body}",
}


@pytest.mark.parametrize("name", TRIALS)
def test_trials_are_told_apart(name: str, tmp_path: Path) -> None:
    body = rows(lambda i: f"{T[i]:.4f},{Q[i]:.5f}")
    is_right(read(tmp_path, TRIALS[name]("Time (s),Angle (rad)", body)), trials=2)


SIDE_BY_SIDE = {
    "PASCO": ["Time (s) Run #1", "Angle (rad) Run #1", "Time (s) Run #2", "Angle (rad) Run #2"],
    "Vernier": ["Run 1: Time (s)", "Run 1: Angle (rad)", "Run 2: Time (s)", "Run 2: Angle (rad)"],
    "Data Set": ["Data Set 1:Time(s)", "Data Set 1:Angle(rad)", "Data Set 2:Time(s)", "Data Set 2:Angle(rad)"],
    "pandas": ["Time (s)", "Angle (rad)", "Time (s).1", "Angle (rad).1"],
    "repeated": ["Time (s)", "Angle (rad)", "Time (s)", "Angle (rad)"],
    "Latest": ["Latest: Time (s)", "Latest: Angle (rad)", "Run 1: Time (s)", "Run 1: Angle (rad)"],
    "Versuch": ["Versuch 1 Zeit (s)", "Versuch 1 Winkel (rad)", "Versuch 2 Zeit (s)", "Versuch 2 Winkel (rad)"],
}


@pytest.mark.parametrize("name", SIDE_BY_SIDE)
def test_runs_side_by_side_are_trials(name: str, tmp_path: Path) -> None:
    heads = SIDE_BY_SIDE[name]
    text = ",".join(heads) + "\n"
    text += rows(lambda i: f"{T[i]:.4f},{Q[i]:.5f}," + (f"{T[i]:.4f},{0.5 * Q[i]:.5f}" if i < 100 else ","))
    recording = read(tmp_path, text).recording()
    assert recording.trials == 2
    assert len(recording.t) == 250
    np.testing.assert_allclose(recording.coords[:150, 0], Q, atol=1e-4)
    np.testing.assert_allclose(recording.coords[150:, 0], 0.5 * Q[:100], atol=1e-4)


def test_a_shared_time_serves_all_runs(tmp_path: Path) -> None:
    text = "Time (s),Run 1: Angle (rad),Run 2: Angle (rad)\n" + rows(lambda i: f"{T[i]:.4f},{Q[i]:.5f},{Q[i]:.5f}")
    is_right(read(tmp_path, text), trials=2)


def test_gaps_are_counted(tmp_path: Path) -> None:
    for word in ("", "-", "NaN", "n/a", "nan", "null", "#N/A", "—", "?", "NA"):
        lines = rows(lambda i, word=word: f"{T[i]:.4f},{word if 40 <= i < 44 else f'{Q[i]:.5f}'}")  # type: ignore[misc]
        shown = read(tmp_path, "t (s),angle (rad)\n" + lines).to_json()
        assert (shown["rows"], shown["gaps"], shown["trials"]) == (146, 1, 1), word


def npz(**arrays: object) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)  # type: ignore[arg-type]
    return buffer.getvalue()


def test_arrays_are_read(tmp_path: Path) -> None:
    import scipy.io

    is_right(read(tmp_path, npz(time_s=T, angle_deg=Q * DEG, fps=30), "a.npz"))
    is_right(read(tmp_path, npz(t_ms=T * 1e3, theta_rad=Q, omega_dps=V * DEG), "b.npz"))
    is_right(read(tmp_path, npz(data=np.column_stack([T, Q, V])), "c.npz"), "number")
    is_right(read(tmp_path, npz(data=np.stack([T, Q])), "d.npz"), "number")
    buffer = io.BytesIO()
    np.save(buffer, np.column_stack([T, Q]).astype(np.float32))
    is_right(read(tmp_path, buffer.getvalue(), "e.npy"), "number")
    buffer = io.BytesIO()
    np.save(buffer, np.array(list(zip(T, Q, strict=True)), dtype=[("time", "f8"), ("angle", "f8")]))
    is_right(read(tmp_path, buffer.getvalue(), "f.npy"))
    for name, content in (
        ("g", {"t": T, "theta": Q}),
        ("h", {"time": T[:, None], "angle_deg": Q[:, None] * DEG, "n": 3}),
    ):
        scipy.io.savemat(tmp_path / f"{name}.mat", content, do_compression=name == "g")
        is_right(inspect_table(tmp_path / f"{name}.mat"))


def test_arrays_that_hold_no_table_are_refused(tmp_path: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([{"a": 1}], dtype=object), allow_pickle=True)
    for content, name, said in (
        (buffer.getvalue(), "a.npy", "Python objects"),
        (npz(a=3.0), "b.npz", "expected an array of numbers"),
        (npz(t=T)[:-40], "c.npz", "damaged"),
        (b"\x93NUMPY\x01\x00", "d.npy", "damaged"),
        (b"MATLAB 7.3 MAT-file" + b" " * 200, "e.mat", "version 7.3"),
        (b"MATLAB 5.0 MAT-file" + b" " * 200, "f.mat", "damaged"),
        (b"PK\x03\x04 and nothing else", "g.zip", "damaged"),
        (b"PK\x03\x04 and nothing else", "h.xlsx", "damaged"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 600, "i.xls", "damaged"),
    ):
        with pytest.raises(RecordingError, match=said):
            read(tmp_path, content, name)


def packed(**members: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in members.items():
            file.writestr(name.replace("__", "/").replace("_csv", ".csv"), text)
    return buffer.getvalue()


def test_zips_are_read(tmp_path: Path) -> None:
    text = '"Time (s)","Angle (rad)"\n' + rows(lambda i: f"{T[i]:.4f},{Q[i]:.5f}")
    is_right(read(tmp_path, packed(Raw_csv=text, meta__device_csv='"property","value"\n"a","1"\n'), "a.zip"))
    is_right(read(tmp_path, packed(Raw_csv=text, Notes_csv="only words\n"), "b.zip"))
    with pytest.raises(RecordingError, match="expected a text or CSV file in it"):
        read(tmp_path, packed(picture=""), "d.zip")
    with pytest.raises(RecordingError, match="MB unpacked"):
        read(tmp_path, packed(A_csv="0,1\n" * 10_000_000), "e.zip")


def xlsx(cells: list[list[str | float]], far: str = "") -> bytes:
    """Return a workbook of one sheet, as small as can be; `far` is a cell that stands far from the others."""
    lines = []
    for i, row in enumerate(cells, start=1):
        parts = []
        for j, cell in enumerate(row):
            at = f"{chr(65 + j)}{i}"
            if isinstance(cell, str):
                parts.append(f'<c r="{at}" t="inlineStr"><is><t>{cell}</t></is></c>' if cell else "")
            else:
                parts.append(f'<c r="{at}"><v>{cell!r}</v></c>')
        lines.append(f'<row r="{i}">{"".join(parts)}</row>')
    if far:
        digits = far.lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
        lines.append(f'<row r="{digits}"><c r="{far}"><v>1</v></c></row>')
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    form = "application/vnd.openxmlformats-officedocument.spreadsheetml"
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as file:
        for name, text in (
            (
                "[Content_Types].xml",
                f'<Types xmlns="{package}/content-types"><Default Extension="rels" '
                f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" '
                f'ContentType="application/xml"/><Override PartName="/xl/workbook.xml" ContentType="{form}.sheet.main'
                '+xml"/>'
                f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{form}.worksheet+xml"/></Types>',
            ),
            (
                "_rels/.rels",
                f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/officeDocument" '
                'Target="xl/workbook.xml"/></Relationships>',
            ),
            (
                "xl/workbook.xml",
                f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
                '<sheet name="Data" sheetId="1" r:id="r1"/></sheets>'
                "</workbook>",
            ),
            (
                "xl/_rels/workbook.xml.rels",
                f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" Type="{office}/worksheet" '
                'Target="worksheets/sheet1.xml"/></Relationships>',
            ),
            (
                "xl/worksheets/sheet1.xml",
                f'<worksheet xmlns="{main}"><sheetData>{"".join(lines)}</sheetData></worksheet>',
            ),
        ):
            file.writestr(name, f'<?xml version="1.0" encoding="UTF-8"?>{text}')
    return buffer.getvalue()


def test_workbooks_are_read(tmp_path: Path) -> None:
    body: list[list[str | float]] = [[float(t), float(q), float(v)] for t, q, v in zip(T, Q, V, strict=True)]
    heading: list[str | float] = ["Time (s)", "Angle (rad)", "Velocity (rad/s)"]
    is_right(read(tmp_path, xlsx([heading, *body]), "a.xlsx"))
    is_right(read(tmp_path, xlsx([["Pendulum 3"], [], heading, *body]), "b.xlsx"))
    in_degrees: list[list[str | float]] = [[t, float(q) * DEG] for t, q, _ in body]  # type: ignore[arg-type]
    is_right(read(tmp_path, xlsx([["Zeit", "Winkel"], ["s", "°"], *in_degrees]), "c.xlsx"))
    as_text: list[list[str | float]] = [
        [f"{t:.4f}".replace(".", ","), f"{q:.5f}".replace(".", ",")] for t, q, _ in body
    ]
    is_right(read(tmp_path, xlsx([["t (s)", "angle (rad)"], *as_text]), "d.xlsx"))
    is_right(read(tmp_path, xlsx([["t (s)", "angle (rad)"], *as_text]), "d.xlsx", said="decimal=comma"))
    holes = [[*row[:1], "" if 40 <= i < 44 else row[1], row[2]] for i, row in enumerate(body)]
    shown = read(tmp_path, xlsx([heading[:2], *[row[:2] for row in holes]]), "e.xlsx").to_json()
    assert (shown["rows"], shown["gaps"]) == (146, 1)


def test_a_sheet_whose_cells_lie_far_apart_is_refused(tmp_path: Path) -> None:
    body: list[list[str | float]] = [
        ["t (s)", "angle (rad)"],
        *([float(t), float(q)] for t, q in zip(T, Q, strict=True)),
    ]
    with pytest.raises(RecordingError, match="spans 16,384 columns and 1,048,576 rows"):
        read(tmp_path, xlsx(body, far="XFD1048576"), "far.xlsx")


def test_a_velocity_alone_in_a_sheet_of_words_is_no_table(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="no row of numbers"):
        read(tmp_path, xlsx([["only", "words"], ["and", "more"]]), "words.xlsx")


def test_an_angle_is_held_against_its_positions(tmp_path: Path) -> None:
    def line(scale: float) -> Line:
        return lambda i: (
            f"{T[i]:.4f}\t{math.sin(Q[i]):.5f}\t{-math.cos(Q[i]):.5f}\t{scale * Q[i] - 90 * scale / DEG:.5f}"
        )

    head = "mass_A\nt\tx\ty\tθ\n"
    agrees = read(tmp_path, head + rows(line(DEG)))
    assert agrees.questions == ()
    assert "agrees with the positions" in " ".join(agrees.notes)
    differs = read(tmp_path, head + rows(line(2 * DEG)))
    assert "does not agree with the positions" in differs.questions[0]


def test_tracker_s_small_angles_are_asked_about(tmp_path: Path) -> None:
    text = "mass_A\nt\tθ\tω\n" + rows(lambda i: f"{T[i]:.4f}\t{Q[i]:.5f}\t{V[i]:.5f}")
    assert "may be degrees or radians" in read(tmp_path, text).questions[0]
    is_right(read(tmp_path, text, said="angle-unit=rad,velocity-unit=rad/s"))


def test_the_y_axis_is_asked_about_where_the_bob_would_stand_above_its_pivot(tmp_path: Path) -> None:
    text = "t (s),x (px),y (px)\n" + rows(
        lambda i: f"{T[i]:.4f},{300 + 100 * math.sin(Q[i]):.4f},{90 - 100 * math.cos(Q[i]):.4f}"
    )
    assert "above its pivot" in read(tmp_path, text, said="x=2,y=3").questions[0]
    is_right(read(tmp_path, text, said="x=2,y=3,y-axis=up"))


def test_what_is_stated_but_strange_is_noted(tmp_path: Path) -> None:
    slow = read(tmp_path, "Time (s),Angle (rad)\n" + rows(cols(T * 1e3, Q)))
    assert slow.questions == ()
    assert "33.33 s apart, as the unit" in " ".join(slow.notes)
    large = read(tmp_path, "Time (s),Angle (rad)\n" + rows(cols(T, Q * DEG)))
    assert large.questions == ()
    assert "turns, as its unit rad states" in " ".join(large.notes)


def test_what_a_simulation_writes_is_not_taken_for_a_velocity(tmp_path: Path) -> None:
    found = read(tmp_path, "t,q,p,H\n" + rows(cols(T, Q, 0.7 * V, Q**2)))
    assert "times the slope of 'q'" in found.questions[0]
    is_right(read(tmp_path, "t,q,p,H\n" + rows(cols(T, Q, V, Q**2))), "number")


def test_the_line_that_train_prints_says_what_is_taken(tmp_path: Path) -> None:
    found = read(tmp_path, "t (s),note,angle (deg),rate (rad/s)\n" + rows(cols(T, ["a"] * len(T), Q * DEG, V)))
    said = found.describe()
    for part in ("time 't (s)'", "coordinate 'angle (deg)'", "velocity 'rate (rad/s)'", "150 rows 0.03333 s apart"):
        assert part in said
    for part in ("rad, v -", "rad/s", "1 trial", "0 gaps", "not used: 'note'"):
        assert part in said
    assert "\n" not in said
