"""Angles from positions of a bob, in the ways that tracking programs write these: read, asked about, or refused."""

import math
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hnn_engine.coords import Array
from hnn_engine.errors import RecordingError
from tests.engine.test_kinds_of_tables import Q, T, is_right, read, rows

X, Y = np.sin(Q), -np.cos(Q)  # of a bob 1 m below its pivot, y upward
NOISE = 3e-3 * np.random.default_rng(2).normal(size=(2, len(T)))
SWAY = 0.3 * np.sin(1.3 * T)  # of a camera, or of the hook


def lines(*columns: Array) -> str:
    return rows(lambda i: ",".join(f"{column[i]:.6f}" for column in columns))


# A table's heading and its rows, and what is said of it: its angle is that of the swing.
READ: dict[str, tuple[str, str, str]] = {
    "metres": ("t (s),x (m),y (m)", lines(T, X, Y), "x=2,y=3"),
    "centimetres from a corner": ("t (s),x (cm),y (cm)", lines(T, 140 + 100 * X, 230 + 100 * Y), "x=2,y=3"),
    "far away": ("t (s),x (mm),y (mm)", lines(T, 9e4 + 1e3 * X, -7e4 + 1e3 * Y), "x=2,y=3"),
    "no units": ("t (s),x,y", lines(T, 3 + 2 * X, 1 + 2 * Y), "x=2,y=3"),
    "y before x": ("t (s),y (m),x (m)", lines(T, Y, X), "x=3,y=2"),
    "pixels": ("t (s),x (px),y (px)", lines(T, 320 + 200 * X, 60 - 200 * Y), "x=2,y=3"),
    "pixels, y up": ("t (s),x (px),y (px)", lines(T, 320 + 200 * X, 400 + 200 * Y), "x=2,y=3,y-axis=up"),
    "two units": ("t (s),x (cm),y (m)", lines(T, 100 * X, Y), "x=2,y=3"),
    "a hook that sways": (
        "t (s),hook x (m),hook y (m),bob x (m),bob y (m)",
        lines(T, SWAY, 2 + SWAY, SWAY + X, 2 + SWAY + Y),
        "x=4,y=5,pivot-x=2,pivot-y=3",
    ),
    "a hook in another unit": (
        "t (s),hook x (mm),hook y (mm),bob x (m),bob y (m)",
        lines(T, 1e3 * SWAY, 0 * T, SWAY + X, Y),
        "x=4,y=5,pivot-x=2,pivot-y=3",
    ),
    "frames": ("frame,x (px),y (px)", lines(np.arange(len(T)), 320 + 200 * X, 60 - 200 * Y), "x=2,y=3 --rate 30"),
    "Tracker": ("mass_A,,\nt,x,y", lines(T, X, Y), "x=2,y=3"),
    "an angle beside": ("t (s),x (m),y (m),theta (deg)", lines(T, X, Y, np.degrees(Q)), "x=2,y=3"),
}


@pytest.mark.parametrize("name", READ)
def test_the_angle_of_positions_is_that_of_the_swing(tmp_path: Path, name: str) -> None:
    heading, body, said = READ[name]
    columns, _, rate = said.partition(" --rate ")
    found = read(tmp_path, f"{heading}\n{body}", said=columns, rate=rate or None)
    is_right(found)
    assert found.reading is not None
    assert found.reading.arc is not None
    assert found.reading.arc.fitted == ("pivot" not in said)


def test_noise_in_the_positions_is_noise_in_the_angle_alone(tmp_path: Path) -> None:
    found = read(tmp_path, "t (s),x (m),y (m)\n" + lines(T, X + NOISE[0], Y + NOISE[1]), said="x=2,y=3")
    off = found.recording().coords[:, 0] - Q
    assert abs(off.mean()) < 2e-3
    assert off.std() < 5e-3


def test_rows_that_lack_a_position_are_gaps(tmp_path: Path) -> None:
    lost: Callable[[int], str] = lambda i: (  # noqa: E731
        f"{T[i]:.4f},{X[i]:.5f},{'' if 40 <= i < 44 else f'{Y[i]:.5f}'}"
    )
    shown = read(tmp_path, "t (s),x (m),y (m)\n" + rows(lost), said="x=2,y=3").to_json()
    assert (shown["rows"], shown["gaps"], shown["questions"]) == (146, 1, [])


def test_a_bob_that_turns_over_goes_on_turning(tmp_path: Path) -> None:
    angle = 5 * T
    body = lines(T, np.sin(angle), -np.cos(angle))
    recording = read(tmp_path, "t (s),x (m),y (m)\n" + body, said="x=2,y=3,y-axis=up").recording()
    np.testing.assert_allclose(recording.coords[:, 0], angle, atol=1e-4)


def test_a_wide_swing_is_asked_about_and_settled_by_the_axis(tmp_path: Path) -> None:
    wide = 2.9 * np.cos(2.2 * T)
    body = "t (s),x (px),y (px)\n" + lines(T, 300 + 100 * np.sin(wide), 200 + 100 * np.cos(wide))
    assert "above its pivot" in read(tmp_path, body, said="x=2,y=3").questions[0]
    recording = read(tmp_path, body, said="x=2,y=3,y-axis=down").recording()
    np.testing.assert_allclose(recording.coords[:, 0], wide, atol=1e-3)


def test_what_shows_no_pivot_is_refused(tmp_path: Path) -> None:
    short = 0.03 * np.cos(4 * T)
    for body in (
        lines(T, np.sin(short), -np.cos(short)),  # too short an arc
        lines(T, X, 0.4 * X),  # a straight line
        lines(T, X + 0.2 * NOISE[0] / 3e-3, Y + 0.2 * NOISE[1] / 3e-3),  # too much noise
        lines(T, X + T, Y),  # a camera that moves
    ):
        with pytest.raises(RecordingError, match=r"lie on no circle about a pivot; expected .* say pivot-x=N"):
            read(tmp_path, "t (s),x (m),y (m)\n" + body, said="x=2,y=3")
    with pytest.raises(RecordingError, match=r"'x \(px\)', 'y \(m\)' are not in one unit"):
        read(tmp_path, "t (s),x (px),y (m)\n" + lines(T, X, Y), said="x=2,y=3")
    with pytest.raises(RecordingError, match="not all different"):
        read(tmp_path, "t (s),x (m),y (m)\n" + lines(T, X, Y), said="x=2,y=2")
    with_hook = "t (s),x (m),y (m),hook x (m),hook y (m)\n" + lines(T, np.sin(short), -np.cos(short), 0 * T, 0 * T)
    angles = read(tmp_path, with_hook, said="x=2,y=3,pivot-x=4,pivot-y=5").recording().coords[:, 0]
    np.testing.assert_allclose(angles, short, atol=1e-4)
    assert math.isclose(angles.max(), 0.03, rel_tol=0.01)
